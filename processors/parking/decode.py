"""From a parking sensor's events to points: a change and a heartbeat say the same thing, the state now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from compound.events import Received
from processors.runtime.point import Point

WHAT = "spot"
"""The one timeline of a parking sensor."""


class _Sign(msgspec.Struct):
    boot: int
    seq: int
    state: Literal["occupied", "free"]


_decode = msgspec.json.Decoder(_Sign).decode
_TYPES = frozenset(("parking.event.v1", "parking.reading.v1"))


def points(received: Received) -> Sequence[Point]:
    """The point of an event; none of types that say nothing of the spot. Plates (tokens) are not needed and not kept.

    Raises msgspec.ValidationError when the event breaks the contract that ingest enforces.
    """
    event = received.event
    if event.type not in _TYPES:
        return ()
    sign = _decode(event.data)
    at = received.recorded, received.generation, received.partition, received.offset
    return (Point(event.subject, WHAT, event.time, sign.boot, sign.seq, sign.state, *at),)
