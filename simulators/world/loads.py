"""What hangs on a leaf of the meter tree: a profile of the day by its use, times noise, in Wh or litres a quarter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np

from simulators.demo.meters import Meter
from simulators.world.calendar import is_working
from simulators.world.seeds import generator
from simulators.world.weather import Floats, Ints

QUARTERS = 96
_HOURS = (np.arange(QUARTERS) + 0.5) / 4
Profile = Callable[[bool, Floats], Floats]


def _ramp(start: float, end: float, rise: float = 1.0) -> Floats:
    """0 → 1 around the hour `start`, back to 0 around `end`."""
    up = np.clip((_HOURS - start) / rise + 0.5, 0, 1)
    down = np.clip((end - _HOURS) / rise + 0.5, 0, 1)
    return np.minimum(up, down)


def _office(working: bool, _: Floats) -> Floats:
    day = _ramp(8.2, 18.0, 1.6) * (1 - 0.22 * _ramp(12.0, 13.4, 0.6))
    return 0.16 + (0.80 * day if working else 0.07 * _ramp(9, 17, 2))


def _hall(working: bool, _: Floats) -> Floats:
    return 0.10 + (0.88 if working else 0.02) * _ramp(8.4, 17.6, 0.8)


def _hvac(working: bool, temperature: Floats) -> Floats:
    need = np.clip(np.maximum(temperature - 22, 12 - temperature) / 12, 0, 1)
    return 0.04 + need * (_ramp(7.5, 18.2, 1.0) if working else 0.08)


def _heating(working: bool, temperature: Floats) -> Floats:
    need = np.clip((16 - temperature) / 22, 0, 1)
    return need * np.where(_HOURS < 6, 0.6, 0.95) * (1.0 if working else 0.75)


def _kitchen(working: bool, _: Floats) -> Floats:
    meals = _ramp(6.3, 8.2, 0.6) * 0.6 + _ramp(10.2, 12.8, 0.8) + _ramp(16.5, 18.2, 0.6) * 0.35
    return 0.05 + (0.92 if working else 0.12) * np.minimum(meals, 1)


def _dining(working: bool, _: Floats) -> Floats:
    return 0.06 + (0.85 if working else 0.08) * np.minimum(_ramp(6.8, 8.4, 0.5) + _ramp(11.4, 13.2, 0.5), 1)


def _lift(working: bool, _: Floats) -> Floats:
    peaks = _ramp(7.8, 9.0, 0.5) + _ramp(11.6, 13.5, 0.5) * 0.8 + _ramp(17.2, 18.6, 0.5) + 0.35 * _ramp(8, 18, 1)
    return 0.08 + (0.75 if working else 0.05) * np.minimum(peaks, 1)


def _charge(working: bool, _: Floats) -> Floats:
    return (0.75 if working else 0.06) * np.minimum(_ramp(8.6, 11.5, 1.0) + 0.6 * _ramp(13.5, 16.5, 1.5), 1)


def _taps(working: bool, _: Floats) -> Floats:
    return 0.015 + (0.65 if working else 0.04) * _ramp(7.8, 18.4, 1.2)


def _steady(_: bool, temperature: Floats) -> Floats:
    return 0.86 + 0.003 * (temperature - 10)


def _night(_: bool, __: Floats) -> Floats:
    return 0.04 + 0.94 * (1 - _ramp(6.2, 18.3, 0.8))


def _pump(working: bool, _: Floats) -> Floats:
    return 0.25 + (0.55 if working else 0.15) * _ramp(6.5, 20, 2)


def _irrigate(_: bool, temperature: Floats) -> Floats:
    return np.where(temperature.mean() > 6, 1.0, 0.1) * _ramp(5.0, 7.0, 0.3)


PROFILES: dict[str, Profile] = {
    "office": _office,
    "hall": _hall,
    "hvac": _hvac,
    "heating": _heating,
    "kitchen": _kitchen,
    "dining": _dining,
    "lift": _lift,
    "charge": _charge,
    "taps": _taps,
    "steady": _steady,
    "night": _night,
    "pump": _pump,
    "irrigate": _irrigate,
}


def leaf(seed: int, day: date, meter: Meter, temperature: Floats) -> Ints:
    """What `meter`'s own load takes in each quarter hour of `day`: whole Wh or litres, never above 1.3 × its peak.

    `temperature`: °C by quarter hour.
    """
    if meter.use is None:
        return np.zeros(QUARTERS, np.int64)
    random = generator(seed, f"load/{meter.key}", day)
    level = random.normal(1.0, 0.05)
    noise = np.exp(random.normal(0.0, 0.07 if meter.use == "steady" else 0.16, QUARTERS))
    share = PROFILES[meter.use](is_working(day), temperature) * level * noise
    return np.floor(np.clip(share, 0, 1.3) * meter.peak / 4).astype(np.int64)
