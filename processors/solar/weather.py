"""The timeline of a weather station: irradiance in the plane of the array by quarter hour.

IEC 61724-1 sums irradiance over time as the sum of G x tau over the recording intervals. Ours are samples, so each
interval between neighbouring readings takes their mean (linear in between) and is cut at the quarter hours; an interval
of more than one and a half times the station's own is not known. A segment `poa` for each quarter hour of which
anything is known: data.w_m2, the time-weighted mean over what is known, and data.known_s, the seconds known of its 900,
with the plant. A quarter hour's irradiance counts as known when all of it is.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from compound.registry.model import WeatherDevice, WeatherPoint
from compound.registry.timeline import Registry
from compound.timeutil import QUARTER, SECOND
from processors.runtime.point import Point, Segment

LONGEST: Final = 1.5
"""Times the station's interval that two readings may lie apart (as for meters, DOMAIN, Quality: measured)."""


class Station(msgspec.Struct):
    """Where the fold stands: the last reading, and what is known of its quarter hour (area W/m2 x µs, known µs)."""

    device: str
    time: int | None = None
    value: int = 0
    quarter: int = 0
    area: float = 0.0
    known: int = 0


class Weather:
    """The fold of `Station` over a weather station's readings."""

    kind: str | None = "weather"
    state = Station

    def initial(self, subject: str, what: str) -> Station:
        """Nothing is known before the first reading."""
        return Station(subject)

    def order(self, point: Point) -> tuple[Any, ...]:
        """As the design: boot, seq, value; of several readings of one moment the last counts."""
        return point.boot, point.seq, point.value

    def step(self, state: Station, point: Point, registry: Registry) -> list[Segment]:
        """Take a reading: what lies between it and the one before goes to its quarter hours."""
        segments: list[Segment] = []
        value = int(point.value)
        before = point.time if state.time is None else state.time
        known = before < point.time <= before + _longest(registry, state.device, before)
        while state.time is not None and state.quarter < point.time // QUARTER:
            edge = (state.quarter + 1) * QUARTER
            if known:
                _add(state, before, point.time, value, edge)
            segments += _quarter(state, registry)
            state.quarter = state.quarter + 1 if known else point.time // QUARTER
            state.area, state.known = 0.0, 0
        if known:
            _add(state, before, point.time, value, point.time)
        state.time, state.value, state.quarter = point.time, value, point.time // QUARTER
        return segments

    def open(self, state: Station, registry: Registry) -> list[Segment]:
        """The quarter hour of the last reading, as far as it is known."""
        return _quarter(state, registry)

    def end(self, state: Station, time: int, registry: Registry) -> list[Segment]:
        """The station was taken out: nothing is known after its last reading."""
        return _quarter(state, registry)


def _add(state: Station, start: int, end: int, value: int, until: int) -> None:
    """Add the part of the interval [start, end), up to `until`, that lies in the state's quarter hour."""
    since = max(start, state.quarter * QUARTER)
    slope = (value - state.value) / (end - start)
    state.area += (state.value + slope * ((since + until) / 2 - start)) * (until - since)
    state.known += until - since


def _quarter(state: Station, registry: Registry) -> list[Segment]:
    if state.known == 0:
        return []
    start = state.quarter * QUARTER
    data = {
        **_place(registry, state.device, start),
        "w_m2": round(state.area / state.known, 3),
        "known_s": state.known / SECOND,
    }
    return [Segment("poa", start, start + QUARTER, data)]


def _place(registry: Registry, device: str, start: int) -> dict[str, Any]:
    """Station and plant at the start of a quarter hour, or where the station came within it."""
    spans = (placement for placement in registry.placements(device) if placement.until > start)
    placement = next(spans, None)
    plant = placement.point.plant if placement and isinstance(placement.point, WeatherPoint) else None
    return {"station": placement.point_id if placement else None, "plant": plant}


def _longest(registry: Registry, device: str, time: int) -> float:
    placement = registry.placement(device, time)
    interval = placement.device.interval_s if placement and isinstance(placement.device, WeatherDevice) else 0
    return LONGEST * interval * SECOND
