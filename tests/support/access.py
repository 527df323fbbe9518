"""A small compound of doors for tests of access: events of gates, and the facts by plain folds, without runtime or database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from compound.events import Event, event_id, from_stored
from compound.log.port import Record, Stored
from compound.registry.timeline import FOREVER, Registry, Span, build
from compound.timeutil import SECOND, parse
from processors.access.decode import WHAT, points
from processors.access.doors import Doors
from processors.access.persons import People, point_of
from processors.runtime.point import Point, Segment

SITE = {"latitude": 36.65, "longitude": 117.0, "reset_hour": 3}
DOORS: dict[str, dict[str, Any]] = {
    "north": {"from_zone": "outside", "to_zone": "yard", "counts_passages": True},
    "south": {"from_zone": "outside", "to_zone": "yard"},
    "office": {"from_zone": "yard", "to_zone": "rooms"},
}
Item = tuple[str, str, str, dict[str, Any] | None]
"""Kind, id, from (RFC 3339), data."""


def items(since: str = "2026-01-01T00:00:00Z") -> list[Item]:
    """Registry items of the site, its zones and doors; the device of door X is gate-X."""
    rows: list[Item] = [("site", "s", since, SITE)]
    rows += [("zone", zone, since, {"site": "s"}) for zone in ("yard", "rooms")]
    for door, zones in DOORS.items():
        rows.append(("point", door, since, {"type": "gate", "site": "s", **zones}))
        rows.append(("device", f"gate-{door}", since, {"kind": "gate", "site": "s", "point": door}))
    return rows


def registry(rows: Iterable[Item] = ()) -> Registry:
    """The registry of `items` and further rows."""
    return build([(kind, item_id, parse(since), data) for kind, item_id, since, data in (*items(), *rows)])


def token(person: str, month: str = "2026-11") -> str:
    """What stands in the log instead of a card's number."""
    return f"tok:access:{month}:{person.encode().hex()}"


def event(door: str, time: int, what: str, seq: int, card: str = "", direction: str = "", boot: int = 1) -> Event:
    """A gate's event (`what` open or closed: its heartbeat) at `time` (µs)."""
    body: dict[str, Any] = {"time": time, "boot": boot, "seq": seq}
    channel = "reading" if what in ("open", "shut") else "event"
    if channel == "reading":
        body["door"] = "open" if what == "open" else "closed"
    else:
        body["event"] = what
        body |= {"card": token(card)} if card else {}
        body |= {"direction": direction} if direction else {}
    source, data = f"compound/v1/s/gate/gate-{door}", msgspec.json.encode(body)
    return Event(event_id(source, data), source, f"gate.{channel}.v1", time, f"gate-{door}", data)


def point(of: Event) -> Point:
    """The point of an event."""
    headers = [("ce_id", of.id), ("ce_source", of.source), ("ce_type", of.type), ("ce_subject", of.subject)]
    record = Record(
        "gate", b"", (*((k, v.encode()) for k, v in headers), ("ce_time", b"2026-01-01T00:00:00Z")), of.data
    )
    received = from_stored(Stored("gate", 1, 0, 0, of.time + SECOND, *record[1:]))
    received = msgspec.structs.replace(received, event=of)
    return points(received)[0]


def fold(fold: Doors | People, subject: str, what: str, all_points: Iterable[Point], known: Registry) -> list[Segment]:
    """All segments of one timeline, by one fold over the points in order, in each span of the device anew."""
    spans = [Span(-FOREVER, FOREVER, "")] if fold.kind is None else known.spans(subject, fold.kind)
    ordered = sorted(all_points, key=lambda p: (p.time, *fold.order(p)))
    segments: list[Segment] = []
    for span in spans:
        if mine := [p for p in ordered if span.since <= p.time < span.until]:
            state: Any = fold.initial(subject, what)
            for each in mine:
                segments += fold.step(state, each, known)
            segments += fold.open(state, known) if span.until == FOREVER else fold.end(state, span.until, known)
    return segments


def facts(events: Iterable[Event], known: Registry) -> dict[str, list[Segment]]:
    """Segments by subject, doors and persons: what any run of the platform must come to."""
    by_door: dict[str, set[Point]] = {}
    for each in events:
        by_door.setdefault(each.subject, set()).add(point(each))
    found = {device: fold(Doors(), device, WHAT, signs, known) for device, signs in by_door.items()}
    by_person: dict[str, set[Point]] = {}
    for device, segments in found.items():
        for segment in segments:
            if segment.kind == "passage" and (passed := point_of(device, segment)) is not None:
                by_person.setdefault(passed.subject, set()).add(passed)
    people = {person: fold(People(), person, "place", seen, known) for person, seen in by_person.items()}
    return {**found, **people}
