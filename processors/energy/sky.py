"""Clear-sky irradiance, by which the long segments of PV registers are spread (pvlib, Haurwitz)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from compound.timeutil import QUARTER
from processors.energy.exact import Ints


@lru_cache(maxsize=4096)
def _day(latitude: float, longitude: float, day: int) -> Ints:
    """Clear-sky global horizontal irradiance in the middle of the 96 quarter hours of a UTC day, rounded half up to whole W/m2."""
    import pandas
    from pvlib.clearsky import haurwitz
    from pvlib.solarposition import get_solarposition

    middles = (np.arange(day * 96, (day + 1) * 96) * QUARTER + QUARTER // 2).astype("datetime64[us]")
    position = get_solarposition(pandas.DatetimeIndex(middles, tz="UTC"), latitude, longitude)
    irradiance = haurwitz(position["apparent_zenith"])["ghi"].to_numpy()
    whole: Ints = np.floor(irradiance + 0.5).astype(np.int64)
    return whole


def clear_sky(latitude: float, longitude: float, quarter: Ints) -> Ints:
    """Irradiance in the middle of each quarter hour (numbered since the epoch, UTC), whole W/m2."""
    day = quarter // 96
    found = np.empty(len(quarter), np.int64)
    for number in np.unique(day):
        own = day == number
        found[own] = _day(latitude, longitude, int(number))[quarter[own] % 96]
    return found
