"""From readings of inverters and weather stations to points.

An inverter's point has the value `state evt1` (SunSpec 103, both decimal); a weather station's the irradiance in the
plane of the array in whole W/m2. A reading without the field is no point: absent means not measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from compound.events import Received
from processors.runtime.point import Point

STATE = "state"
POA = "poa"


class _Inverter(msgspec.Struct):
    boot: int
    seq: int
    state: int | None = None
    evt1: int = 0


class _Weather(msgspec.Struct):
    boot: int
    seq: int
    poa_w_m2: int | None = None


_inverter = msgspec.json.Decoder(_Inverter).decode
_weather = msgspec.json.Decoder(_Weather).decode


def inverter_points(received: Received) -> Sequence[Point]:
    """The point of an inverter's reading. Raises msgspec.ValidationError when it breaks the contract of ingest."""
    if received.event.type != "inverter.reading.v1":
        return ()
    said = _inverter(received.event.data)
    return () if said.state is None else (_point(received, STATE, said.boot, said.seq, f"{said.state} {said.evt1}"),)


def weather_points(received: Received) -> Sequence[Point]:
    """The point of a weather station's reading. Raises as `inverter_points`."""
    if received.event.type != "weather.reading.v1":
        return ()
    said = _weather(received.event.data)
    return () if said.poa_w_m2 is None else (_point(received, POA, said.boot, said.seq, str(said.poa_w_m2)),)


def _point(received: Received, what: str, boot: int, seq: int, value: str) -> Point:
    at = received.recorded, received.generation, received.partition, received.offset
    return Point(received.event.subject, what, received.event.time, boot, seq, value, *at)
