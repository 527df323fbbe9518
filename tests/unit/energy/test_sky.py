"""The clear sky that long PV segments are spread by, and the calendar that days are cut by."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from compound.timeutil import HOUR, QUARTER, moment
from processors.energy.days import LocalDays
from processors.energy.sky import clear_sky
from tests.support.energy import at, meter, run

JINAN = (36.65, 117.0)


def test_irradiance_is_whole_and_dark_at_night() -> None:
    quarters = at("00:00") // QUARTER + np.arange(96)
    found = clear_sky(*JINAN, quarters)
    assert found.dtype == np.int64
    assert found[:20].sum() == found[76:].sum() == 0
    assert 600 < found.max() < 900
    assert 46 <= int(found.argmax()) <= 50


def test_a_silent_night_of_pv_lies_in_its_evening_and_morning() -> None:
    """From 15:00 to 09:00: all by light, to the watt-hour, nothing in the dark."""
    readings = [(at("15:00"), 0), (at("15:00") + 18 * HOUR, 7_001)]
    result = run(meter(10_000, sky=1), readings, sky=lambda _, quarter: clear_sky(*JINAN, quarter))
    shares = result.quarter_quantities()
    assert sum(shares.values()) == 7_001
    dark = [wh for start, wh in shares.items() if at("19:00") <= start < at("19:00") + 10 * HOUR]
    assert (len(dark), sum(dark)) == (40, 0)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"])
def test_local_days_are_those_of_the_zone(zone: str) -> None:
    """Summer time, half hours and quarters of an hour among them."""
    quarters = at("00:00") // QUARTER + np.arange(0, 96 * 60, 7)
    expected = [
        moment(quarter * QUARTER).astimezone(ZoneInfo(zone)).date().isoformat() for quarter in quarters.tolist()
    ]
    assert LocalDays(ZoneInfo(zone)).number(quarters).astype("datetime64[D]").astype(str).tolist() == expected
