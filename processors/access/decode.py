"""From a gate's events to points of its door. A point's value is `event|direction|token`, empty where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from compound.events import Received
from processors.runtime.point import Point

WHAT: Final = "door"
"""The one timeline of a gate device: a gate is one door."""

SEEN_OPEN: Final = "seen-open"
SEEN_CLOSED: Final = "seen-closed"
"""What a heartbeat says of the door. It may tell of an opening or closing whose own event was lost."""


class _Event(msgspec.Struct):
    boot: int
    seq: int
    event: str
    card: str = ""
    direction: str = ""


class _Reading(msgspec.Struct):
    boot: int
    seq: int
    door: str


class Sign(NamedTuple):
    """A point's value, taken apart."""

    event: str
    direction: str
    token: str


_event = msgspec.json.Decoder(_Event).decode
_reading = msgspec.json.Decoder(_Reading).decode


def points(received: Received) -> Sequence[Point]:
    """The point of an event; none of a status.

    Raises msgspec.ValidationError when the event breaks the contract that ingest enforces.
    """
    event = received.event
    if event.type == "gate.event.v1":
        said = _event(event.data)
        boot, seq, value = said.boot, said.seq, f"{said.event}|{said.direction}|{said.card}"
    elif event.type == "gate.reading.v1":
        seen = _reading(event.data)
        boot, seq, value = seen.boot, seen.seq, f"{SEEN_OPEN if seen.door == 'open' else SEEN_CLOSED}||"
    else:
        return ()
    at = received.recorded, received.generation, received.partition, received.offset
    return (Point(event.subject, WHAT, event.time, boot, seq, value, *at),)


def sign(point: Point) -> Sign:
    """What the point says."""
    return Sign(*point.value.split("|", 2))
