"""The timeline of a person's place, from the passages that doors contribute. A person is a token; nothing else is known.

The second stage: several doors, so several partitions, write one person. Segments (all times µs UTC):

- `place`: data.zone, data.state inside | uncertain | stale, data.site and the door that led there; none while outside.
  Passing the door starts it and the next passage ends it. Nobody sees a missing exit, so at the site's nightly reset whose
  last passage is over 12 h old becomes uncertain, and everybody at a month's reset, when tokens change. Uncertain turns
  stale after 14 days, or 24 h after a month's reset. These lie ahead of the passage and are written at once: no fact is
  written because time has passed.
- `anti-passback`: an entry of somebody who already is, for certain, inside: in the zone entered, or anywhere inside when
  coming from outside. A condition of a moment. Entries follow in event time, so a late exit takes the violation back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from compound.registry.model import OUTSIDE
from compound.registry.timeline import Registry
from compound.timeutil import DAY, HOUR, SECOND, micros, moment, text
from processors.access.opening import INSTANT
from processors.runtime.point import Point, Segment

WHAT: Final = "place"
FORGOTTEN: Final = 12 * HOUR
"""At a nightly reset whose last passage is older becomes uncertain (DOMAIN, People)."""
STALE: Final = 14 * DAY
"""So long somebody stays uncertain."""
STALE_MONTH: Final = 24 * HOUR
"""So long after a month's reset: the new token can't end it."""
ON_DELAY: Final = 10 * SECOND
"""Doors report within seconds of each other: an exit that is a little late prevents the alarm."""


class Passage(msgspec.Struct, array_like=True, frozen=True):
    """A person's passage as a point's value: all that the person's fold needs of the door, the site and its resets."""

    direction: str
    source: str
    target: str
    door: str
    point: str | None
    site: str | None
    timezone: str | None
    reset_hour: int
    key: str


class Person(msgspec.Struct):
    """The last passage and its time (µs)."""

    since: int = 0
    last: Passage | None = None


_passage = msgspec.json.Decoder(Passage).decode


def point_of(device: str, passed: Segment) -> Point | None:
    """What the `passage` segment of a door says of a person; None where it has no name or no direction."""
    data = passed.data
    if data["token"] is None or data["from"] is None:
        return None
    said = data["direction"], data["from"], data["to"], device, data["point"], data["site"], data["timezone"]
    value = msgspec.json.encode((*said, data["reset_hour"], passed.key)).decode()
    return Point(data["token"], WHAT, passed.start, 0, 0, value, passed.start)


class People:
    """The fold of `Person` over the passages of one token."""

    kind: str | None = None
    state = Person

    def initial(self, subject: str, what: str) -> Person:
        """Never seen."""
        return Person()

    def order(self, point: Point) -> tuple[Any, ...]:
        """At one moment ways out come first: nobody is accused of what the clock can't tell apart."""
        return _passage(point.value).direction == "in", point.value

    def step(self, state: Person, point: Point, registry: Registry) -> list[Segment]:
        """Another passage ends the place before, and may be a violation."""
        passed = _passage(point.value)
        closed = _places(state, point.time)
        if state.last is not None and _violates(state.last, passed) and _certain(state, point.time):
            data = {
                "zone": passed.target,
                "from": passed.source,
                "door": passed.door,
                "point": passed.point,
                "site": passed.site,
                "inside": state.last.target,
                "since": text(state.since),
            }
            start = point.time
            closed.append(Segment("anti-passback", start, start + INSTANT, data, passed.door, start + ON_DELAY))
        state.since, state.last = point.time, passed
        return closed

    def open(self, state: Person, registry: Registry) -> list[Segment]:
        """Where the person is, and what the resets to come make of it."""
        return _places(state, None)

    def end(self, state: Person, time: int, registry: Registry) -> list[Segment]:
        """Not used: a person is no device."""
        return _places(state, time)


def _violates(last: Passage, entry: Passage) -> bool:
    """An entry into where one is: the zone itself, or the compound as a whole."""
    inside = last.target != OUTSIDE
    return entry.direction == "in" and inside and (entry.target == last.target or entry.source == OUTSIDE)


def _certain(state: Person, time: int) -> bool:
    uncertain, _ = _resets(state)
    return uncertain is None or time < uncertain


def _resets(state: Person) -> tuple[int | None, int | None]:
    last = state.last
    if last is None or last.timezone is None:
        return None, None
    return resets(state.since, last.timezone, last.reset_hour)


def _places(state: Person, until: int | None) -> list[Segment]:
    """The place in its three states, up to the next passage."""
    last = state.last
    if last is None or last.target == OUTSIDE:
        return []
    uncertain, stale = _resets(state)
    found: list[Segment] = []
    ends = (("inside", uncertain), ("uncertain", stale), ("stale", None))
    start: int | None = state.since
    for name, planned in ends:
        if start is None or (until is not None and start >= until):
            break
        end = until if planned is None or (until is not None and until < planned) else planned
        data = {"zone": last.target, "state": name, "site": last.site, "door": last.door}
        found.append(Segment("place", start, end, data))
        start = planned
    return found


@lru_cache(maxsize=4096)
def resets(since: int, timezone: str, hour: int) -> tuple[int, int]:
    """When somebody last seen at `since` (µs UTC) becomes uncertain, and stale: resets are at `hour` local time."""
    zone = ZoneInfo(timezone)
    day = moment(since).astimezone(zone).date()
    month_end: int | None = None
    uncertain: int | None = None
    while month_end is None:
        reset = micros(datetime(day.year, day.month, day.day, hour, tzinfo=zone))
        month = day.day == 1 and reset > since
        if uncertain is None and (reset - since > FORGOTTEN or month):
            uncertain = reset
        if month:
            month_end = reset
        day += timedelta(days=1)
    assert uncertain is not None
    return uncertain, min(uncertain + STALE, month_end + STALE_MONTH)
