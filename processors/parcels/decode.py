"""From a locker bank's events to points of its cells.

A point's value is a word, and a second one where the event has more to say: `reserved [parcel]`, `opened [purpose]`,
`closed present|empty`, `fault`, `repaired`, `cancelled`. Phones (tokens) are not needed and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from compound.events import Received
from processors.runtime.point import Point

EVENT = "locker.event.v1"


class _Event(msgspec.Struct):
    boot: int
    seq: int
    cell: str
    event: Literal["reserved", "opened", "closed", "fault", "repaired", "cancelled"]
    purpose: str = ""
    present: bool | None = None
    parcel: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


def points(received: Received) -> Sequence[Point]:
    """The point of a cell's event; none of the bank's heartbeats and statuses.

    Raises msgspec.ValidationError when the event breaks the contract that ingest enforces.
    """
    event = received.event
    if event.type != EVENT:
        return ()
    said = _decode(event.data)
    at = received.recorded, received.generation, received.partition, received.offset
    return (Point(event.subject, said.cell, event.time, said.boot, said.seq, _value(said), *at),)


def _value(said: _Event) -> str:
    more = {
        "reserved": said.parcel or "",
        "opened": said.purpose,
        "closed": "" if said.present is None else "present" if said.present else "empty",
    }
    return f"{said.event} {more.get(said.event, '')}".rstrip()
