"""DOMAIN's worked examples of metering, on the arithmetic alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from compound.timeutil import DAY, HOUR, MINUTE, QUARTER
from processors.energy.segments import Mark
from processors.energy.verdicts import Verdict
from tests.support.energy import TEN, Result, at, meter, no_sky, replaced, run, spans

MEASURED, ESTIMATED, SUBSTITUTED, BREAK = Mark
ACCEPTED, SUSPECT, CONFLICT, PENDING, WAITING = Verdict


def shares(result: Result) -> list[int]:
    return list(result.quarter_quantities().values())


@pytest.mark.parametrize(("ratio", "first", "second"), [(1, 12_000, 24_000), (40, 480_000, 960_000)])
def test_example_01_rollover(ratio: int, first: int, second: int) -> None:
    six_digits = meter(100_000_000, modulus=10**9, step=1000, ratio=Fraction(ratio))
    early, late, end = (at("10:00"), 999_984_000), (at("10:10"), 999_996_000), (at("10:15"), 20_000)
    assert run(six_digits, [early, end]).quantities() == [first + second]
    for order in ([early, late, end], [end, late, early], [late, end, early]):
        assert run(six_digits, order).quantities() == [first, second]


def test_example_02_one_spike() -> None:
    result = run(meter(10_000), TEN(100_000, 5_000_000, 101_000, 101_600))
    assert result.verdicts == [ACCEPTED, SUSPECT, ACCEPTED, ACCEPTED]
    assert shares(result) == [500, 500, 600]
    assert result.marks() == [ESTIMATED, MEASURED]


def test_example_03_two_spikes() -> None:
    result = run(meter(10_000), TEN(100_000, 5_000_000, 5_000_400, 101_500, 102_000))
    assert result.verdicts == [ACCEPTED, SUSPECT, SUSPECT, ACCEPTED, ACCEPTED]
    assert result.quantities() == [1_500, 500]
    assert result.lengths() == [45 * MINUTE, 15 * MINUTE]


def test_example_04_replacement() -> None:
    readings = TEN(998_000, 999_000, 1_000_000, 3_000, 4_000)
    result = run(meter(10_000), readings)
    assert result.marks() == [MEASURED, MEASURED, BREAK, MEASURED]
    assert (sum(result.quantities()), result.covered()) == (3_000, 45 * MINUTE)

    record = replaced(meter(10_000), at("10:35"), 1_000_400, at("10:40"), 2_700)
    result = run(record, readings)
    assert BREAK not in result.marks()
    assert shares(result) == [1_000, 1_000, 700, 1_000]
    assert Fraction(result.covered(), HOUR) == Fraction(55, 60)


def test_example_05_points_that_excuse_each_other() -> None:
    result = run(meter(100_000), TEN(90_000, 100_000, 95_000, 110_000))
    assert result.verdicts == [ACCEPTED, SUSPECT, SUSPECT, ACCEPTED]
    assert shares(result) == [6_666, 6_667, 6_667]


def test_example_06_conflict() -> None:
    result = run(meter(1_000_000), [*TEN(100_000, 103_000), (at("10:15"), 104_000), (at("10:30"), 106_000)])
    assert result.verdicts == [ACCEPTED, CONFLICT, CONFLICT, ACCEPTED]
    assert shares(result) == [3_000, 3_000]
    assert result.marks() == [ESTIMATED]


def test_example_06_once_a_person_has_picked() -> None:
    readings = [*TEN(100_000, 103_000), (at("10:15"), 104_000), (at("10:30"), 106_000)]
    result = run(meter(1_000_000), readings, choices={at("10:15"): 104_000})
    assert result.verdicts == [ACCEPTED, CONFLICT, ACCEPTED, ACCEPTED]
    assert shares(result) == [4_000, 2_000]


def test_example_07_midnight() -> None:
    result = run(meter(10_000), [(at("23:30"), 500_000), (at("23:30") + 45 * MINUTE, 500_010)])
    assert shares(result) == [3, 3, 4]
    assert [row.quantity for row in result.day_rows()] == [6, 4]


def test_example_08_pulses() -> None:
    pulses = meter(10_000, ratio=Fraction("0.625"), step=1)
    result = run(pulses, TEN(*range(9)))
    assert shares(result) == [0, 1, 0, 1, 1, 0, 1, 1]


def test_example_09_two_hours() -> None:
    result = run(meter(100_000), [(at("10:00"), 500_000), (at("12:00"), 508_000)])
    assert shares(result) == [1_000] * 8
    assert result.marks() == [SUBSTITUTED]
    (day,) = result.day_rows()
    assert (day.quantity, day.unmeasured_day) == (8_000, 0)
    assert (day.covered, round(day.covered / DAY, 3)) == (2 * HOUR, 0.083)


def test_example_10_across_midnight() -> None:
    start = at("22:00")
    before = [(at("10:00") + n * QUARTER, 680_000 + n * 20_000 // 48) for n in range(48)]
    result = run(meter(100_000), [*before, (start, 700_000), (start + 4 * HOUR, 704_000)])
    first, second = result.day_rows()
    assert (first.quantity, second.quantity) == (22_000, 2_000)
    assert (first.unmeasured_day, second.unmeasured_day) == (2_000, 2_000)
    assert round(100 * first.unmeasured_day / first.quantity, 2) == 9.09
    assert first.unmeasured_month == second.unmeasured_month == first.unmeasured_year == 0


def test_example_11_clear_sky() -> None:
    hours = [300, 100, *[0] * 12, 50, 150]

    def sky(_: int, quarter: np.ndarray) -> np.ndarray:
        return np.array([hours[n] for n in (quarter - at("16:00") // QUARTER) // 4])

    pv = meter(10_000, sky=1)
    result = run(pv, [(at("16:00"), 0), (at("16:00") + 16 * HOUR, 6_000)], sky=sky)
    quarter_hours = np.array(shares(result)).reshape(16, 4)
    assert quarter_hours.sum(axis=1).tolist() == [3_000, 1_000, *[0] * 12, 500, 1_500]
    assert [row.quantity for row in result.day_rows()] == [4_000, 2_000]


def test_example_11_evenly_where_the_sky_is_dark() -> None:
    pv = meter(10_000, sky=1)
    result = run(pv, [(at("16:00"), 0), (at("18:00"), 800)], sky=no_sky)
    assert shares(result) == [100] * 8


@pytest.mark.parametrize(("record", "quantity"), [(None, 200_000), (501_500, 180_000)])
def test_example_12_change_of_ratio(record: int | None, quantity: int) -> None:
    before = meter(10_000_000, ratio=Fraction(40))
    register = spans(before, meter(10_000_000, ratio=Fraction(80)), at("10:05"), record)
    result = run(register, [(at("10:00"), 500_000), (at("10:15"), 503_000)])
    assert sum(result.quantities()) == quantity
    assert result.marks() == ([ESTIMATED] * 2 if record is None else [MEASURED] * 2)
    (day,) = result.day_rows()
    assert day.unmeasured_day == day.unmeasured_year == (quantity if record is None else 0)
