"""Promise P4: the shares of a register's segments sum to what the register says, to the watt-hour."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compound.registry.timeline import FOREVER
from compound.timeutil import HOUR, SECOND
from processors.energy.exact import muldiv
from processors.energy.meter import Meter
from processors.energy.registers import Span
from processors.energy.segments import Mark
from processors.energy.verdicts import Verdict
from tests.support.energy import LONG_AGO, Reading, at, meter, no_sky, replaced, run

ratios = st.sampled_from([Fraction(1), Fraction(40), Fraction("0.625"), Fraction("12.345"), Fraction(1, 3)])
steps = st.lists(st.tuples(st.integers(1, 20_000), st.integers(0, 5_000)), min_size=1, max_size=40)


def counted(walk: list[tuple[int, int]], start: int, modulus: int) -> list[Reading]:
    """Readings after each (seconds, units of the register) of `walk`."""
    time, value = at("00:00"), start
    readings = [(time, value)]
    for seconds, units in walk:
        time, value = time + seconds * SECOND, value + units
        readings.append((time, value % modulus))
    return readings


@given(steps, ratios, st.integers(0, 10**6 - 1), st.booleans())
def test_shares_sum_to_the_register(walk: list[tuple[int, int]], ratio: Fraction, start: int, pv: bool) -> None:
    ample = meter(10**12, modulus=10**6, ratio=ratio, sky=int(pv))
    readings = counted(walk, start, ample.modulus)
    wraps = (start + sum(units for _, units in walk)) // ample.modulus
    expected = wraps * int(ample.modulus * ratio) + int(readings[-1][1] * ratio) - int(start * ratio)
    result = run(ample, readings, sky=lambda _, quarter: quarter % 7 * 100)
    assert sum(result.quantities()) == expected
    assert sum(result.quarter_quantities().values()) == expected
    assert sum(row.quantity for row in result.day_rows()) == expected
    assert sum(row.covered for row in result.day_rows()) == result.covered() == readings[-1][0] - readings[0][0]


@given(steps, st.integers(0, 3 * 10**5), st.integers(1, 10**5), ratios, ratios)
def test_a_change_of_ratio_counts_each_part_by_its_own(
    walk: list[tuple[int, int]], start: int, seconds: int, ratio: Fraction, other: Fraction
) -> None:
    changed = at("00:00") + seconds * SECOND
    before, after = meter(10**12, ratio=ratio), meter(10**12, ratio=other)
    known = [Span(LONG_AGO, changed, before), Span(changed, FOREVER, after, continues=True)]
    readings = counted(walk, start, before.modulus)
    result = run(known, readings)
    assert result.verdicts == [Verdict.ACCEPTED] * len(readings)
    assert result.covered() == readings[-1][0] - readings[0][0]
    if ratio != other:
        assert ((result.segments.end <= changed) | (result.segments.start >= changed)).all()
    else:
        assert sum(result.quantities()) == int(readings[-1][1] * ratio) - int(start * ratio)


def test_a_segment_longer_than_64_bits_of_product() -> None:
    readings = [(at("00:00"), 0), (at("00:00") + 30 * 24 * HOUR + 1, 10**9)]
    result = run(meter(10**8, modulus=10**10), readings)
    quantities = result.quarter_quantities()
    assert sum(quantities.values()) == 10**9
    assert max(quantities.values()) - min([*quantities.values()][:-1]) <= 1


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2**40), st.integers(2**39, 2**62)), min_size=1))
def test_muldiv_is_exact(rows: list[tuple[int, int, int]]) -> None:
    a, b, c = np.array(rows, np.int64).T
    assert muldiv(a, b, c).tolist() == [x * y // z for x, y, z in rows]


def test_records_close_and_open_registers() -> None:
    """What the old meter counted to its final reading and the new one from its start, nothing in between."""
    readings = [(at("10:00"), 500_000), (at("10:15"), 500_400), (at("10:30"), 700), (at("10:45"), 1_000)]
    record = replaced(meter(10_000), at("10:20"), 500_500, at("10:25"), 600)
    result = run(record, readings)
    assert result.quantities() == [400, 100, 100, 300]
    assert result.covered() == sum([15, 5, 5, 15]) * 60 * SECOND


@pytest.mark.parametrize(("serial", "verdict"), [(1, Verdict.ACCEPTED), (2, Verdict.WAITING), (3, Verdict.ACCEPTED)])
def test_readings_go_to_a_register_by_serial(serial: int, verdict: Verdict) -> None:
    """Serial 2 is on record as installed later; serial 3 is on no record."""
    old, new = (span._replace(serial=n + 1) for n, span in enumerate(_swap(meter(10_000))))
    reading = (at("10:00"), 500_000)
    result = run([old, new], [reading, (at("10:15"), 500_400)], serials={reading: serial})
    assert result.verdicts[0] == verdict


def _swap(old: Meter) -> list[Span]:
    return replaced(old, at("11:00"), 501_000, at("11:05"), 600)


def test_a_final_reading_that_cannot_be_is_not_counted() -> None:
    record = replaced(meter(10_000), at("10:20"), 999_999, at("10:25"), 600)
    result = run(record, [(at("10:00"), 500_000), (at("10:15"), 500_400), (at("10:30"), 700)])
    assert result.quantities() == [400, 100]
    assert Mark.BREAK not in result.marks()


def test_unknown_before_and_after_the_registration() -> None:
    known = [Span(at("10:00"), at("11:00"), meter(10_000))]
    readings = [(at("09:45"), 100), (at("10:00"), 200), (at("10:15"), 300), (at("11:00"), 400), (at("11:15"), 500)]
    result = run(known, readings, sky=no_sky)
    assert result.verdicts == [Verdict.WAITING, *[Verdict.ACCEPTED] * 3, Verdict.WAITING]
    assert result.quantities() == [100, 100]
