"""The timeline of a parking spot: three states, stays and overstays, from signs of two states.

Segments (all times µs UTC; `data` names the spot, that is the point, and its car park at the segment's start):

- `state`: data.state occupied | free | unknown. Unknown lasts from the last sign + the sensor's heartbeat limit to the
  next sign. The open one carries `known_until`: who asks later than that knows nothing (no fact is written for time
  that merely passes).
- `stay`: occupied from start to end, data.dwell_s and uncertain. It goes on through an unknown of at most two hours
  when the spot is then occupied, else it ends where the unknown began; both are uncertain, as is one that begins out
  of an unknown. The open one has dwell_s null.
- `overstay`: from the stay's start + the limit of the class that the spot had then, to the stay's end; a condition,
  told from the first moment in it at which the spot is known occupied.

A state held for less than 30 s is ignored: its signs are taken as signs of the state before it. The newest state counts
at once, as it stands; only a later sign can show that it was not held.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Final

import msgspec

from compound.registry.model import ParkingDevice, SpotClass, SpotPoint
from compound.registry.timeline import Registry
from compound.timeutil import HOUR, SECOND, text
from processors.runtime.point import Point, Segment

OCCUPIED: Final = "occupied"
UNKNOWN: Final = "unknown"
HELD: Final = 30 * SECOND
"""A state held for less is ignored (DOMAIN, Parking)."""
BRIDGED: Final = 2 * HOUR
"""Longest unknown through which a stay goes on (DOMAIN, Parking)."""


class Run(msgspec.Struct):
    """A state that has not been held for 30 s yet: its first and its last sign."""

    state: str
    first: int
    last: int


class Stay(msgspec.Struct):
    """A stay that goes on. `overstay`: where its overstay starts; `tell_at`: when the spot is known occupied in it."""

    start: int
    uncertain: bool
    overstay: int | None
    tell_at: int | None


class Spot(msgspec.Struct):
    """Where the fold stands: the held state since `since`, known until `known_until`, and what may follow it."""

    device: str
    state: str | None = None
    since: int = 0
    known_until: int = 0
    stay: Stay | None = None
    run: Run | None = None


class Spots:
    """The fold of `Spot` over the signs of one sensor."""

    kind: str | None = "parking"
    state = Spot

    def initial(self, subject: str, what: str) -> Spot:
        """Nothing is known before the first sign."""
        return Spot(subject)

    def order(self, point: Point) -> tuple[Any, ...]:
        """As the design: boot, seq, value."""
        return point.boot, point.seq, point.value

    def step(self, state: Spot, point: Point, registry: Registry) -> list[Segment]:
        """Take a sign; a change counts once it is held."""
        closed: list[Segment] = []
        run = state.run
        if run is None:
            if state.state == point.value:
                return _sign(state, point.time, point.value, registry)
            state.run = Run(point.value, point.time, point.time)
            return closed
        if point.time - run.first >= HELD:
            closed = _settle(state, run.state, registry)
        elif point.value == run.state:
            run.last = point.time
            return closed
        elif state.state is not None:
            closed = _settle(state, state.state, registry)
        state.run = None
        if state.state == point.value:
            return closed + _sign(state, point.time, point.value, registry)
        state.run = Run(point.value, point.time, point.time)
        return closed

    def open(self, state: Spot, registry: Registry) -> list[Segment]:
        """What stands: the state, the stay and its overstay, and what the newest run closes as it stands."""
        spot, closed = _as_it_stands(state, registry)
        if spot.state is None:
            return closed
        known = {
            **_place(registry, spot.device, spot.since),
            "state": spot.state,
            "known_until": text(spot.known_until),
        }
        closed.append(Segment("state", spot.since, None, known))
        if spot.stay is not None:
            closed += _stay(spot.device, spot.stay, None, spot.known_until, registry)
        return closed

    def end(self, state: Spot, time: int, registry: Registry) -> list[Segment]:
        """The sensor left the spot: the state may still turn unknown before, the stay ends where it was last known."""
        spot, closed = _as_it_stands(state, registry)
        if spot.state is None:
            return closed
        known = min(spot.known_until, time)
        closed += _state(spot.device, spot.state, spot.since, known, registry)
        closed += _state(spot.device, UNKNOWN, known, time, registry)
        if spot.stay is not None:
            spot.stay.uncertain = True
            closed += _stay(spot.device, spot.stay, known, known, registry)
        return closed


def _as_it_stands(state: Spot, registry: Registry) -> tuple[Spot, list[Segment]]:
    """A copy in which the newest run counts, and the segments that this closes."""
    spot = copy(state)
    spot.stay = copy(state.stay)
    closed = _settle(spot, spot.run.state, registry) if spot.run is not None else []
    return spot, closed


def _settle(spot: Spot, state: str, registry: Registry) -> list[Segment]:
    """Take the signs of the run as signs of `state`."""
    run = spot.run
    if run is None:
        return []
    closed = _sign(spot, run.first, state, registry)
    return closed + _sign(spot, run.last, state, registry) if run.last > run.first else closed


def _sign(spot: Spot, time: int, state: str, registry: Registry) -> list[Segment]:
    """A sign of a held state: closes the state before it if that was another, or was no longer known."""
    closed: list[Segment] = []
    if spot.state is None:
        spot.since = time
    elif time > spot.known_until:
        closed = _through_unknown(spot, time, state, registry)
    elif state != spot.state:
        closed = _state(spot.device, spot.state, spot.since, time, registry)
        if spot.stay is not None:
            closed += _stay(spot.device, spot.stay, time, time, registry)
            spot.stay = None
        spot.since = time
    if state == OCCUPIED and spot.stay is None:
        spot.stay = _begin(spot.device, time, bool(closed) and closed[-1].data.get("state") == UNKNOWN, registry)
    spot.state = state
    spot.known_until = time + _heartbeat_limit(registry, spot.device, time)
    return closed


def _through_unknown(spot: Spot, time: int, state: str, registry: Registry) -> list[Segment]:
    """A sign after the limit: the state ended there, and the stay too unless it goes on."""
    lost, stay = spot.known_until, spot.stay
    closed = _state(spot.device, str(spot.state), spot.since, lost, registry)
    if stay is not None:
        stay.uncertain = True
        if state == OCCUPIED and time - lost <= BRIDGED:
            if stay.overstay is not None and lost <= stay.overstay <= time:
                stay.tell_at = time
        else:
            closed += _stay(spot.device, stay, lost, lost, registry)
            spot.stay = None
    spot.since = time
    return closed + _state(spot.device, UNKNOWN, lost, time, registry)


def _begin(device: str, time: int, uncertain: bool, registry: Registry) -> Stay:
    placement = registry.placement(device, time)
    name = placement.point.spot_class if placement and isinstance(placement.point, SpotPoint) else None
    found = None if name is None else registry.at("spot_class", name, time)
    limit = found.limit_s if isinstance(found, SpotClass) else None
    overstay = None if limit is None else time + limit * SECOND
    return Stay(time, uncertain, overstay, overstay)


def _state(device: str, state: str, start: int, end: int, registry: Registry) -> list[Segment]:
    if start >= end:
        return []
    return [Segment("state", start, end, {**_place(registry, device, start), "state": state})]


def _stay(device: str, stay: Stay, end: int | None, known_until: int, registry: Registry) -> list[Segment]:
    """A stay and its overstay, if it is known to have come to that."""
    place = _place(registry, device, stay.start)
    dwell = None if end is None else (end - stay.start) / SECOND
    segments = [Segment("stay", stay.start, end, {**place, "dwell_s": dwell, "uncertain": stay.uncertain})]
    if stay.overstay is not None and stay.overstay < (known_until if end is None else end):
        data = {**place, "stay": text(stay.start), "limit_s": (stay.overstay - stay.start) // SECOND}
        if end is None:
            data["known_until"] = text(known_until)
        segments.append(Segment("overstay", stay.overstay, end, data, tell_at=stay.tell_at))
    return segments


def _place(registry: Registry, device: str, time: int) -> dict[str, Any]:
    placement = registry.placement(device, time)
    carpark = placement.point.carpark if placement and isinstance(placement.point, SpotPoint) else None
    return {"spot": placement.point_id if placement else None, "carpark": carpark}


def _heartbeat_limit(registry: Registry, device: str, time: int) -> int:
    placement = registry.placement(device, time)
    limit = placement.device.heartbeat_limit_s if placement and isinstance(placement.device, ParkingDevice) else 0
    return max(limit * SECOND, HELD)
