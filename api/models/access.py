"""Access: doors, passages, presence. Persons are tokens throughout."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from api.models.base import STALE, Model, NameShown, Time

_TOKEN = "tok:access:2026-10:5f2a9c01d3e84b7796aa01c2d3e4f501"  # noqa: S105 - an example


class ZonePresence(Model):
    """Who is in a zone, by number."""

    example: ClassVar = {
        "id": "main-building",
        "site": "demo",
        "name": {"zh": "主楼", "en": "Main building"},
        "inside": 212,
        "uncertain": 3,
        "lapsed": 0,
        "unnamed_in": 4,
        "unnamed_out": 1,
    }

    id: str
    site: str
    name: NameShown | None
    inside: int
    uncertain: int = Field(description="Last passage over 12 h before the nightly reset, no passage since.")
    lapsed: int = Field(description="Uncertain for so long that they are only listed.")
    unnamed_in: int = Field(description="Passages without a name into the zone since the site's last nightly reset.")
    unnamed_out: int


class Presence(Model):
    """All zones at one moment."""

    example: ClassVar = {"at": "2026-10-01T02:00:00Z", "stale": False, "items": [ZonePresence.example]}

    at: Time
    stale: bool = Field(description=STALE)
    items: list[ZonePresence]


class PresenceAt(Model):
    """A zone at one moment."""

    example: ClassVar = {"at": "2026-10-01T02:00:00Z", "inside": 212, "uncertain": 3}

    at: Time
    inside: int
    uncertain: int


class ZoneHistory(Model):
    """Headcount of a zone at from, from + step, … before to."""

    example: ClassVar = {"zone": "main-building", "step_s": 900, "stale": False, "items": [PresenceAt.example]}

    zone: str
    step_s: int
    stale: bool = Field(description=STALE)
    items: list[PresenceAt]


class Opening(Model):
    """A door from its opening to its closing, with what belongs to it."""

    example: ClassVar = {
        "device": "g-01",
        "point": "door-01",
        "start": "2026-10-01T00:58:01.200Z",
        "end": "2026-10-01T00:58:06.900Z",
        "grants": 1,
        "exit_requests": 0,
        "passages": 1,
        "entries": 1,
        "excess": 0,
        "forced": False,
        "released": False,
        "complete": True,
    }

    device: str
    point: str | None
    start: Time
    end: Time | None = Field(description="Null while it stands open.")
    grants: int
    exit_requests: int
    passages: int | None = Field(description="Null: the door does not count them.")
    entries: int | None
    excess: int | None = Field(description="Tailgating: passages - grants - exit requests; null: not available here.")
    forced: bool
    released: bool
    complete: bool | None = Field(description="Whether no later point can change it.")


class Passage(Model):
    """A way through a door."""

    example: ClassVar = {
        "device": "g-01",
        "point": "door-01",
        "time": "2026-10-01T00:58:03.100Z",
        "token": _TOKEN,
        "direction": "in",
        "from_zone": "outside",
        "to_zone": "main-building",
        "opening": "2026-10-01T00:58:01.200Z",
    }

    device: str
    point: str | None
    time: Time
    token: str | None = Field(description="Null: nobody is named.")
    direction: Literal["in", "out"] | None
    from_zone: str | None
    to_zone: str | None
    opening: Time | None


class Place(Model):
    """Where a person was."""

    example: ClassVar = {
        "token": _TOKEN,
        "zone": "main-building",
        "state": "inside",
        "site": "demo",
        "door": "g-01",
        "start": "2026-10-01T00:58:03.100Z",
        "end": "2026-10-01T09:31:40Z",
    }

    token: str
    zone: str
    state: Literal["inside", "uncertain", "stale"]
    site: str | None
    door: str | None
    start: Time
    end: Time | None
