"""The registry: what holds, what held, and applying changes."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.database import Database, load, query
from api.ids import ID
from api.known import known
from api.models.registry import Applied, ItemShown, Kind
from api.pages import Page, Paged
from api.problems import ITEM, Problem, missing
from api.services import All
from api.times import EARLIEST, Instant
from compound.events import REGISTRY
from compound.registry.file import to_event
from compound.registry.projection import Change, check
from compound.timeutil import micros, text

router = APIRouter(prefix="/v1/registry", tags=["registry"])

RegistryDb = Annotated[Database, known("registry")]

MOST = 5000
"""Items in one request."""

_ITEMS = load("registry_items")
_VERSIONS = load("registry_versions")
_VERSION = query("SELECT version FROM registry.version")

KindPath = Annotated[Kind, Path(description="Kind of item.", examples=["device"])]
ItemId = Annotated[str, Path(pattern=ID, description="Id of the item.", examples=["m-001"])]


class ItemGiven(BaseModel):
    """An item to apply: from a time on it is `data`, or removed."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    id: str = Field(pattern=ID)
    since: Instant = Field(alias="from")
    data: dict[str, Any] | None = Field(description="The item's fields (docs/registry-file.md); null removes it.")


class ItemsGiven(BaseModel):
    """Items to apply, in this order."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "kind": "carpark",
                        "id": "north",
                        "from": "2026-10-01T00:00:00+08:00",
                        "data": {"site": "demo", "name": {"zh": "北停车场", "en": "North car park"}},
                    }
                ]
            }
        },
    )

    items: list[ItemGiven] = Field(min_length=1, max_length=MOST)


@router.get("/{kind}")
async def registry_items(
    database: RegistryDb,
    page: Paged,
    kind: KindPath,
    at: Annotated[Instant | None, Query(description="What held at this time; now when left out.")] = None,
) -> Page[ItemShown]:
    """The items of a kind that hold at a time, by id."""
    (after,) = page.after(("",))
    rows = await database.rows(_ITEMS, kind=kind, at=at or database.now(), after=after, limit=page.limit)
    shown, following = page.cut(rows, lambda row: (row["id"],))
    return Page(items=ItemShown.each(shown), next=following)


@router.get("/{kind}/{id}")
async def registry_versions(database: RegistryDb, page: Paged, kind: KindPath, id: ItemId) -> Page[ItemShown]:
    """All versions of one item as now known, by time."""
    (after,) = page.after((EARLIEST.replace(year=1),))
    rows = await database.rows(_VERSIONS, kind=kind, id=id, after=after, limit=page.limit)
    if not rows and after.year == 1:
        raise missing(kind, id)
    shown, following = page.cut(rows, lambda row: (row["since"],))
    return Page(items=ItemShown.each(shown), next=following)


@router.post("", responses={202: {"model": Applied, "description": "In the log; the registry will show it soon."}})
async def registry_apply(services: All, response: Response, given: ItemsGiven) -> Applied:
    """Append items to the log as events, all or none, and wait until the registry shows them."""
    now = time.time_ns() // 1000
    changes = [Change(item.kind, item.id, text(micros(item.since)), item.data) for item in given.items]
    _check(changes)
    events = [to_event(change, now) for change in changes]
    addresses = await services.commands.append(REGISTRY, events)
    projected = await services.commands.projected("registry", addresses)
    if not projected:
        response.status_code = 202
    version = await services.database.value(_VERSION) if projected else None
    return Applied(appended=len(events), projected=projected, version=version)


def _check(changes: list[Change]) -> None:
    """Raises Problem that names every item that is none."""
    errors = []
    for number, change in enumerate(changes):
        try:
            check(change)
        except (ValueError, msgspec.MsgspecError) as error:
            errors.append({"where": f"body.items.{number}", "message": str(error)})
    if errors:
        raise Problem(ITEM, f"{errors[0]['where']}: {errors[0]['message']}", errors=errors[:100])
