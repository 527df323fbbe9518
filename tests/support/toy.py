"""A toy domain over parking events for tests of the runtime: runs of one state; a long one is a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from compound.events import Event, Received, event_id, to_record
from compound.log.port import Record
from compound.registry.timeline import Registry
from compound.settings import Settings
from processors.runtime.point import Point, Segment
from processors.runtime.states import StateDomain
from processors.runtime.telling import Rule

SECOND = 1_000_000
LIMIT_S = 10


class Run(msgspec.Struct):
    """The value that stands and since when."""

    value: str = ""
    since: int = 0


class Runs:
    """Neighbouring points of one value are one segment `run`; `long` is a condition from 10 s on."""

    kind: str | None = "parking"
    state = Run

    def initial(self, subject: str, what: str) -> Run:
        """Nothing stands."""
        return Run()

    def step(self, state: Run, point: Point, registry: Registry) -> list[Segment]:
        """Another value closes the run."""
        if point.value == state.value:
            return []
        closed = self._segments(state, point.time)
        state.value, state.since = point.value, point.time
        return closed

    def open(self, state: Run, registry: Registry) -> list[Segment]:
        """The run that stands."""
        return self._segments(state, None)

    def end(self, state: Run, time: int, registry: Registry) -> list[Segment]:
        """The run ends with its device."""
        return self._segments(state, time)

    def order(self, point: Point) -> tuple[Any, ...]:
        """As in the design."""
        return point.boot, point.seq, point.value

    @staticmethod
    def _segments(state: Run, end: int | None) -> list[Segment]:
        if not state.value or end == state.since:
            return []
        limit = state.since + LIMIT_S * SECOND
        segments = [Segment("run", state.since, end, {"value": state.value})]
        if state.value == "occupied" and (end is None or end > limit):
            segments.append(Segment("long", limit, end, {}, tell_at=limit))
        return segments


class Reading(msgspec.Struct):
    """Payload of a parking event."""

    state: str
    boot: int = 0
    seq: int = 0


def decode(received: Received) -> Sequence[Point]:
    """One point an event."""
    reading = msgspec.json.decode(received.event.data, type=Reading)
    return [
        Point(
            received.event.subject, "spot", received.event.time, reading.boot, reading.seq, reading.state,
            received.recorded, received.generation, received.partition, received.offset,
        )
    ]  # fmt: skip


def create(settings: Settings) -> StateDomain[Run]:
    """The toy domain, in the schema `toy`."""
    return StateDomain("toy", ("parking",), decode, Runs(), {"long": Rule("maintenance", "low")}, settings)


def event(device: str, time: int, state: str, seq: int = 0, boot: int = 0) -> Event:
    """A parking event at `time` (µs)."""
    data = msgspec.json.encode({"state": state, "boot": boot, "seq": seq, "time": time})
    source = f"compound/v1/s/parking/{device}"
    return Event(event_id(source, data), source, "parking.event.v1", time, device, data)


def record(device: str, time: int, state: str, seq: int = 0) -> Record:
    """Its log record."""
    return to_record("parking", event(device, time, state, seq))
