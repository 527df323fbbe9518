"""The timeline of an inverter: its state and faults, as SunSpec model 103 names them.

Segments (times µs UTC; `data` names inverter (the point) and plant at the segment's start):

- `state`: data.state (OFF … STANDBY, or unknown) and data.faults, the event bits by name. A state holds to the next
  reading, at most for three of the device's intervals (ours); then it is unknown. The open one carries `known_until`.
- `inverter-fault`: a condition from the first reading in state FAULT or with an event bit to the first one without;
  data.faults are all that were seen in it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from compound.registry.model import InverterDevice, SolarPoint
from compound.registry.timeline import Registry
from compound.timeutil import SECOND, text
from processors.runtime.point import Point, Segment

STATES: Final = ("OFF", "SLEEPING", "STARTING", "MPPT", "THROTTLED", "SHUTTING_DOWN", "FAULT", "STANDBY")
"""SunSpec 103, St = 1 … 8."""
FAULT: Final = 7
BITS: Final = (
    "ground-fault",
    "dc-over-volt",
    "ac-disconnect",
    "dc-disconnect",
    "grid-disconnect",
    "cabinet-open",
    "manual-shutdown",
    "over-temp",
    "over-freq",
    "under-freq",
    "ac-over-volt",
    "ac-under-volt",
    "blown-string-fuse",
    "under-temp",
    "memory-loss",
    "hw-test-failure",
)
"""SunSpec 103, Evt1 bits 0 … 15."""
INTERVALS: Final = 3
"""Without a reading for so many of its intervals the state of an inverter is unknown. Ours."""


def state_name(state: int) -> str:
    """The name of a SunSpec state; one that the model does not have keeps its number."""
    return STATES[state - 1] if 1 <= state <= len(STATES) else f"state-{state}"


def fault_names(evt1: int) -> list[str]:
    """The names of the event bits that are set, in their order; one without a name is `bit-n`."""
    bits = range(max(evt1, 0).bit_length())
    return [BITS[bit] if bit < len(BITS) else f"bit-{bit}" for bit in bits if evt1 >> bit & 1]


class Inverter(msgspec.Struct):
    """Where the fold stands: the value since `since`, known until `known_until`, and the fault that goes on."""

    device: str
    value: str | None = None
    since: int = 0
    known_until: int = 0
    fault_since: int | None = None
    fault_bits: int = 0


class Inverters:
    """The fold of `Inverter` over an inverter's readings."""

    kind: str | None = "inverter"
    state = Inverter

    def initial(self, subject: str, what: str) -> Inverter:
        """Nothing is known before the first reading."""
        return Inverter(subject)

    def order(self, point: Point) -> tuple[Any, ...]:
        """As the design: boot, seq, value."""
        return point.boot, point.seq, point.value

    def step(self, state: Inverter, point: Point, registry: Registry) -> list[Segment]:
        """Take a reading."""
        segments: list[Segment] = []
        time = point.time
        if state.value is not None and time > state.known_until:
            segments += _state(state, state.value, state.since, state.known_until, registry)
            segments += _state(state, None, state.known_until, time, registry)
            state.since = time
        elif state.value != point.value:
            segments += _state(state, state.value, state.since, time, registry) if state.value is not None else []
            state.since = time
        state.value = point.value
        state.known_until = time + _held(registry, state.device, time)
        return segments + _fault(state, time, registry)

    def open(self, state: Inverter, registry: Registry) -> list[Segment]:
        """The state that stands, and the fault that goes on."""
        if state.value is None:
            return []
        data = {**_data(registry, state.device, state.since, state.value), "known_until": text(state.known_until)}
        segments = [Segment("state", state.since, None, data)]
        return segments + ([_condition(state, None, registry)] if state.fault_since is not None else [])

    def end(self, state: Inverter, time: int, registry: Registry) -> list[Segment]:
        """The inverter was taken out."""
        if state.value is None:
            return []
        known = min(state.known_until, time)
        segments = _state(state, state.value, state.since, known, registry)
        segments += _state(state, None, known, time, registry)
        return segments + ([_condition(state, time, registry)] if state.fault_since is not None else [])


def _fault(state: Inverter, time: int, registry: Registry) -> list[Segment]:
    """Open, go on with, or close the fault."""
    number, evt1 = _values(state.value or "0 0")
    if number == FAULT or evt1:
        if state.fault_since is None:
            state.fault_since, state.fault_bits = time, 0
        state.fault_bits |= max(evt1, 0)
        return []
    if state.fault_since is None:
        return []
    closed = [_condition(state, time, registry)] if time > state.fault_since else []
    state.fault_since = None
    return closed


def _condition(state: Inverter, end: int | None, registry: Registry) -> Segment:
    start = state.fault_since or 0
    data = {**_place(registry, state.device, start), "faults": fault_names(state.fault_bits)}
    return Segment("inverter-fault", start, end, data, tell_at=start)


def _state(state: Inverter, value: str | None, start: int, end: int, registry: Registry) -> list[Segment]:
    if start >= end:
        return []
    return [Segment("state", start, end, _data(registry, state.device, start, value))]


def _data(registry: Registry, device: str, time: int, value: str | None) -> dict[str, Any]:
    number, evt1 = _values(value) if value is not None else (0, 0)
    name = "unknown" if value is None else state_name(number)
    return {**_place(registry, device, time), "state": name, "faults": fault_names(evt1)}


def _values(value: str) -> tuple[int, int]:
    state, evt1 = value.split(" ")
    return int(state), int(evt1)


def _place(registry: Registry, device: str, time: int) -> dict[str, Any]:
    placement = registry.placement(device, time)
    plant = placement.point.plant if placement and isinstance(placement.point, SolarPoint) else None
    return {"inverter": placement.point_id if placement else None, "plant": plant}


def _held(registry: Registry, device: str, time: int) -> int:
    placement = registry.placement(device, time)
    interval = placement.device.interval_s if placement and isinstance(placement.device, InverterDevice) else 0
    return INTERVALS * interval * SECOND
