"""Eight inverters under one sky: power, energy counters in whole Wh, states and fault bits (SunSpec 103)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulators.demo import places
from simulators.world.seeds import generator
from simulators.world.weather import STEPS, Floats, Ints, Weather

SLEEPING, STARTING, MPPT, THROTTLED, FAULT = 2, 3, 4, 5, 7
STEP_HOURS = 1 / 12
_COEFFICIENT = -0.0035
"""Change of a module's power per °C above 25 °C."""


@dataclass(frozen=True)
class Inverter:
    """A day of one inverter in five-minute steps; value i is that at the end of step i."""

    power: Ints
    """W, mean of the step."""
    energy: Ints
    """Wh of the step."""
    state: Ints
    """Operating state, SunSpec St."""
    evt1: Ints
    """Fault bits, SunSpec Evt1."""


def of_day(
    seed: int, day: date, weather: Weather, broken: dict[str, list[tuple[int, int, int]]]
) -> dict[str, Inverter]:
    """The inverters' day. `broken`: device -> (first step, last step exclusive, fault bits) without power."""
    return {device: _inverter(seed, day, device, weather, broken.get(device, [])) for device in places.INVERTERS}


def _inverter(seed: int, day: date, device: str, weather: Weather, broken: list[tuple[int, int, int]]) -> Inverter:
    quality = 0.93 + 0.03 * float(generator(seed, f"quality/{device}").uniform(-1, 1))
    shade = 1 - 0.01 * np.abs(generator(seed, f"shade/{device}", day).normal(size=STEPS))
    direct = places.P0_W * weather.poa / 1000 * (1 + _COEFFICIENT * (weather.module - 25)) * quality * shade
    efficiency = _efficiency(direct / places.RATED_W)
    output = np.where(direct > 150, direct * efficiency, 0.0)
    state = np.select(
        [output > places.RATED_W, output > 0, direct > 20],
        [THROTTLED, MPPT, STARTING],
        default=SLEEPING,
    ).astype(np.int64)
    output = np.minimum(output, places.RATED_W)
    evt1 = np.zeros(STEPS, np.int64)
    for first, last, bits in broken:
        output[first:last], state[first:last], evt1[first:last] = 0.0, FAULT, bits
    energy = np.diff(np.floor(np.cumsum(output) * STEP_HOURS), prepend=0.0).astype(np.int64)
    return Inverter(power=np.rint(output).astype(np.int64), energy=energy, state=state, evt1=evt1)


def _efficiency(load: Floats) -> Floats:
    """Conversion efficiency by load: poor near nothing, 98 % in the middle."""
    safe = np.maximum(load, 1e-6)
    return np.clip(0.984 - 0.006 / safe - 0.008 * load, 0.0, 0.985)
