"""Registry items as answered and as applied."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import Model, Time

Kind = Literal[
    "site", "building", "department", "zone", "carpark", "spot_class", "point", "device", "replacement", "choice",
    "quota", "calendar",
]  # fmt: skip

_DATA = {
    "kind": "meter",
    "site": "demo",
    "point": "p-b1",
    "rated_w": 200000,
    "name": {"zh": "一号楼总表", "en": "Building 1"},
}


class ItemShown(Model):
    """A version of an item: what holds in [from, to)."""

    example: ClassVar = {
        "kind": "device",
        "id": "m-001",
        "from": "2026-09-30T16:00:00Z",
        "to": None,
        "recorded": "2026-10-01T01:12:40.512Z",
        "data": _DATA,
    }

    kind: Kind
    id: str
    since: Time = Field(alias="from", description="From when it holds.")
    until: Time | None = Field(alias="to", description="Until when; null: no end is known.")
    recorded: Time = Field(description="Since when the platform knows it.")
    data: dict[str, Any] | None = Field(description="The item's fields (docs/registry-file.md); null: removed.")


class Applied(Model):
    """What became of the items: all of them stand in the log, in order."""

    example: ClassVar = {"appended": 1, "projected": True, "version": 42}

    appended: int = Field(description="Events appended to the log.")
    projected: bool = Field(description="Whether the registry shows them already (200), or soon will (202).")
    version: int | None = Field(description="The registry's number after them; null while not projected.")
