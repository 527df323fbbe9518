"""Weather of a day at the compound: temperature, clouds, and the irradiance on the plane of the modules.

Irradiance is pvlib's: Haurwitz clear sky, a seeded clearness that wanders with the day's kind of sky, Erbs for the
diffuse part, and the sky model of `pvlib.irradiance.get_total_irradiance` (isotropic) for the plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from simulators import clock
from simulators.demo import places
from simulators.world.seeds import generator

STEP = 5 * clock.MINUTE
STEPS = clock.DAY // STEP
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Weather:
    """Five-minute values of a day; value i holds at the end of step i."""

    poa: Floats
    """W/m² on the modules' plane."""
    ghi: Floats
    """W/m² on the horizontal."""
    ambient: Floats
    """°C."""
    module: Floats
    """°C, of the modules."""


def of_day(seed: int, day: date) -> Weather:
    """The weather of `day`, five minutes a step."""
    import pandas as pd  # with pvlib the slowest import here; whoever only reads tables need not wait for it
    from pvlib import clearsky, irradiance, solarposition

    start = clock.midnight(day, places.ZONE)
    middles = pd.DatetimeIndex(
        pd.to_datetime(start + STEP * np.arange(STEPS) + STEP // 2, unit="us", utc=True), name="time"
    )
    sun = solarposition.get_solarposition(middles, places.LATITUDE, places.LONGITUDE, altitude=places.ALTITUDE_M)
    clear = clearsky.haurwitz(sun["apparent_zenith"])["ghi"].to_numpy()
    ghi = clear * _clearness(seed, day)
    parts = irradiance.erbs(ghi, sun["zenith"].to_numpy(), middles.day_of_year.to_numpy())
    plane = irradiance.get_total_irradiance(
        places.TILT_DEG,
        places.AZIMUTH_DEG,
        sun["apparent_zenith"],
        sun["azimuth"],
        np.asarray(parts["dni"]),
        ghi,
        np.asarray(parts["dhi"]),
    )
    poa = np.clip(np.nan_to_num(np.asarray(plane["poa_global"])), 0, None)
    ambient = temperature(seed, day)
    return Weather(poa=poa, ghi=ghi, ambient=ambient, module=ambient + poa * 0.028)


def temperature(seed: int, day: date) -> Floats:
    """Air temperature in °C at every five minutes of `day`: season, day and a drift of some days."""
    season = 14.5 - 13.5 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 20) / 365.25)
    drift = 2.5 * float(generator(seed, "drift", day).normal())
    hours = np.arange(STEPS) / 12
    return season + drift - 4.5 * np.cos(2 * np.pi * (hours - 3) / 24)


def _clearness(seed: int, day: date) -> Floats:
    """Share of the clear-sky irradiance that gets through, by the day's kind of sky."""
    random = generator(seed, "sky", day)
    kind = random.choice(["clear", "broken", "overcast"], p=[0.45, 0.38, 0.17])
    mean, spread = {"clear": (0.96, 0.02), "broken": (0.68, 0.22), "overcast": (0.22, 0.06)}[str(kind)]
    noise = random.normal(size=STEPS)
    walk = np.empty(STEPS)
    level = 0.0
    for i in range(STEPS):
        level = 0.88 * level + 0.475 * noise[i]  # an AR(1) process of unit variance
        walk[i] = level
    return np.clip(mean + spread * walk, 0.05, 1.02)
