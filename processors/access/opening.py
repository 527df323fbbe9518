"""An opening of a door: what it owns, and what follows from that as segments.

All times are microseconds UTC. Rules: DOMAIN, Doors.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final
from zlib import crc32

import msgspec

from compound.registry.model import DoorPoint, Site
from compound.registry.timeline import Registry
from compound.timeutil import MINUTE, SECOND, text
from processors.runtime.point import Point, Segment

BEFORE: Final = 10 * SECOND
"""An opening owns grants and exit requests from so long before it …"""
AFTER: Final = 2 * SECOND
"""… to its closing, and at least to so long after it began."""
HELD: Final = 30 * SECOND
"""A door is held so long after its opening or the last grant or exit request."""
ON_DELAY: Final = 3 * SECOND
"""Forced and tailgating are told after this: a grant may come late."""
INSTANT: Final = MINUTE
"""Conditions of a moment stand for so long."""


class Pass(msgspec.Struct, array_like=True):
    """A grant, exit request, duress code or counted passage. `key` tells it from others of its device."""

    time: int
    event: str
    direction: str
    token: str
    key: str


class Opening(msgspec.Struct, array_like=True):
    """An opening of `device` from `start` to `end` (None: still open).

    `began`, `ended`: whether its own events were seen, not just a heartbeat of another state. `released`: the door was
    released when it began; `released_at`: first released while it stood open. `freed`: stretches in which it was released,
    the last one open-ended by None. `passages` in order of the door's points.
    """

    device: str
    start: int
    began: bool = True
    released: bool = False
    end: int | None = None
    ended: bool = False
    released_at: int | None = None
    freed: list[tuple[int, int | None]] = []
    owned: list[Pass] = []
    passages: list[Pass] = []

    @property
    def owns_until(self) -> int | None:
        """Last moment of a grant that it owns; None while it stands open."""
        return None if self.end is None else max(self.end, self.start + AFTER)

    def release(self, time: int) -> None:
        """The door is released while it stands open."""
        self.released_at = time if self.released_at is None else self.released_at
        self.freed.append((time, None))

    def secure(self, time: int) -> None:
        """The release ends."""
        if self.freed and self.freed[-1][1] is None:
            self.freed[-1] = self.freed[-1][0], time


def key_of(point: Point) -> str:
    """Names a point within its device; the value takes part because nothing keeps a device from repeating a number."""
    return f"{point.boot}.{point.seq}.{crc32(point.value.encode()):08x}"


def place_of(registry: Registry, device: str, time: int) -> tuple[DoorPoint | None, dict[str, Any]]:
    """The door at which the device sat, and what segments say of it."""
    placement = registry.placement(device, time)
    door = placement.point if placement and isinstance(placement.point, DoorPoint) else None
    return door, {"point": placement.point_id if placement else None, "site": door.site if door else None}


def reset_of(registry: Registry, site: str | None, time: int) -> dict[str, Any]:
    """When the nightly reset of a site is: a passage carries it, so that a person's places need no registry."""
    found = None if site is None else registry.at("site", site, time)
    if not isinstance(found, Site):
        return {"timezone": None, "reset_hour": 0}
    return {"timezone": found.timezone, "reset_hour": found.reset_hour}


def segments(opening: Opening, registry: Registry) -> list[Segment]:
    """All that the opening says as it stands."""
    door, place = place_of(registry, opening.device, opening.start)
    counts = door is not None and door.counts_passages
    grants = _grants(opening)
    exits = [each for each in opening.owned if each.event == "exit_request"]
    common = {**place, "opening": text(opening.start)}
    reset = reset_of(registry, place["site"], opening.start)
    forced = _forced(opening, common)
    excess = _tailgating(opening, len(grants) + len(exits), common) if counts else []
    entries, unnamed = _counted(opening, grants) if counts else _uncounted(opening, grants, exits)
    data = {
        **place,
        "grants": len(grants),
        "exit_requests": len(exits),
        "passages": len(opening.passages) if counts else None,
        "entries": len(entries),
        "excess": sum(each.data["excess"] for each in excess) if counts else None,
        "forced": bool(forced),
        "released": opening.released or opening.released_at is not None,
        "complete": opening.began and (opening.ended or opening.end is None),
    }
    return [
        Segment("opening", opening.start, opening.end, data),
        *forced,
        *_held(opening, common),
        *excess,
        *(passage(door, {**common, **reset}, *each) for each in entries + unnamed),
    ]


def passage(door: DoorPoint | None, common: dict[str, Any], time: int, direction: str, token: str, key: str) -> Segment:
    """A person's way through the door, named by a token or not."""
    source, target = (door.from_zone, door.to_zone) if door and direction else (None, None)
    if direction == "out":
        source, target = target, source
    said = {"token": token or None, "direction": direction or None, "from": source, "to": target}
    return Segment("passage", time, time, {**common, **said}, key)


def _grants(opening: Opening) -> list[Pass]:
    """The owned grants. A duress code opens like a grant; where the controller also sends the grant they are one."""
    cards = {each.token for each in opening.owned if each.event == "grant" and each.token}
    return [
        each for each in opening.owned if each.event == "grant" or (each.event == "duress" and each.token not in cards)
    ]


Way = tuple[int, str, str, str]
"""A way through the door: time, direction, token (empty: no name), key."""


def _uncounted(opening: Opening, grants: list[Pass], exits: list[Pass]) -> tuple[list[Way], list[Way]]:
    """Without a counter every owned grant is an entry, and every exit request somebody without a name."""
    entries = [(max(each.time, opening.start), each.direction or "in", each.token, each.key) for each in grants]
    return entries, [(max(each.time, opening.start), each.direction or "out", "", each.key) for each in exits]


def _counted(opening: Opening, grants: list[Pass]) -> tuple[list[Way], list[Way]]:
    """With a counter only as many grants are entries as passed.

    In order, each takes the first passage left that doesn't contradict its direction; passages left over have no name.
    """
    left, entries = list(opening.passages), list[Way]()
    for grant in grants:
        for counted in left:
            if not (grant.direction and counted.direction and grant.direction != counted.direction):
                left.remove(counted)
                entries.append((counted.time, grant.direction or counted.direction or "in", grant.token, grant.key))
                break
    return entries, [(each.time, each.direction, "", each.key) for each in left]


def _forced(opening: Opening, common: dict[str, Any]) -> list[Segment]:
    """Forced: the opening owns nothing. Its release ends it."""
    if opening.owned or opening.released or not opening.began:
        return []
    ends = [time for time in (opening.end, opening.released_at) if time is not None]
    return [Segment("forced", opening.start, min(ends, default=None), common, tell_at=opening.start + ON_DELAY)]


def _held(opening: Opening, common: dict[str, Any]) -> list[Segment]:
    """Held: 30 s after the opening, the last grant or exit request, or the end of a release; each stretch of it."""
    marks = [opening.start, *(max(each.time, opening.start) for each in opening.owned)]
    marks += [until for _, until in opening.freed if until is not None]
    stretches: list[tuple[int, int | None]] = [*pairwise(sorted(marks)), (max(marks), opening.end)]
    found: list[Segment] = []
    for mark, until in stretches:
        start, end = mark + HELD, until
        for freed, secured in opening.freed:
            if freed <= start and (secured is None or secured > mark):
                end = start  # released over that time
            elif start < freed and (end is None or freed < end):
                end = freed
        if end is None or end > start:
            found.append(Segment("held", start, end, common, tell_at=start))
    return found


def _tailgating(opening: Opening, allowed: int, common: dict[str, Any]) -> list[Segment]:
    """Passages beyond grants and exit requests, from the first in excess; those of a release don't count."""
    if opening.released or not opening.began:
        return []
    until = opening.released_at
    counted = [each for each in opening.passages if until is None or each.time < until]
    if len(counted) <= allowed:
        return []
    start = counted[allowed].time
    data = {**common, "excess": len(counted) - allowed}
    return [Segment("tailgating", start, start + INSTANT, data, tell_at=start + ON_DELAY)]
