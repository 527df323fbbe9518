"""Verdicts against the rule read literally, and how far they look."""

from __future__ import annotations

from itertools import groupby, pairwise
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compound.timeutil import QUARTER
from processors.energy.verdicts import REACH, Verdict
from tests.support.energy import TEN, Reading, at, meter, run

TEN_KW = meter(10_000)


@st.composite
def histories(draw: st.DrawFn, longest: int = 90) -> list[Reading]:
    """A register that counts on, with spikes, drops, gaps, values told twice and swaps without a record among it."""
    readings: list[Reading] = []
    value, time = draw(st.integers(0, 10**6)), at("00:00")
    for _ in range(draw(st.integers(1, longest))):
        time += QUARTER * draw(st.sampled_from([1, 1, 1, 1, 2, 7]))
        value += draw(st.integers(0, 2_500))
        what = draw(st.sampled_from(["good"] * 12 + ["spike", "drop", "near", "both", "swap"]))
        if what == "swap":
            value = draw(st.integers(0, 10**6))
        shown = {"spike": value + 5 * 10**6, "drop": value // 3, "near": max(0, value - 3_000)}.get(what, value)
        readings.append((time, shown))
        if what == "both":
            readings.append((time, value + draw(st.sampled_from([1, 10**6]))))
    return readings


def fits(one: Reading, other: Reading) -> bool:
    """DOMAIN, Fits, for a 10 kW meter that never rolls over."""
    return 0 <= other[1] - one[1] <= 10_000 * 11 * (other[0] - one[0]) / 36e9 + 10


def literally(readings: list[Reading]) -> list[Verdict]:
    """DOMAIN, Suspects and Same time, read from its text over the whole register; in order of (time, value)."""
    times = [list(group) for _, group in groupby(sorted(set(readings)), key=lambda reading: reading[0])]

    def step(n: int, m: int) -> bool:
        return any(fits(one, other) for one in times[n] for other in times[m])

    left, excused = list(range(len(times))), False
    for k in (1, 2, 3):
        runs = [left[n : n + k + 2] for n in range(len(left) - k - 1)]
        bad = [
            run
            for run in runs
            if run[-1] - run[0] <= 6 and step(run[0], run[-1]) and not all(step(a, b) for a, b in pairwise(run))
        ]
        excused = excused or any(run[-1] == len(times) - 1 for run in bad)
        suspects = {n for run in bad for n in run[1:-1]}
        left = [n for n in left if n not in suspects]
    verdicts = {n: Verdict.ACCEPTED if n in left else Verdict.SUSPECT for n in range(len(times))}
    if not excused and len(left) > 1 and left[-1] - left[-2] <= 6 and not step(left[-2], left[-1]):
        verdicts[left[-1]] = Verdict.PENDING
    found = []
    for n, values in enumerate(times):
        around = [m for m in (n - 1, n + 1) if 0 <= m < len(times)]
        good = [
            value for value in values if all(any(fits(*sorted((value, other))) for other in times[m]) for m in around)
        ]
        chosen = values if len(values) == 1 else good if len(good) == 1 else []
        found += [verdicts[n] if value in chosen else Verdict.CONFLICT for value in values]
    return found


@given(histories())
def test_verdicts_are_those_of_the_rule(readings: list[Reading]) -> None:
    assert run(TEN_KW, readings).verdicts == literally(readings)


@given(histories(), st.data())
def test_a_verdict_depends_on_twelve_times_on_each_side(readings: list[Reading], data: st.DataObject) -> None:
    times = sorted({time for time, _ in readings})
    n = data.draw(st.integers(0, len(times) - 1))
    near = [r for r in readings if times[max(n - REACH, 0)] <= r[0] <= times[min(n + REACH, len(times) - 1)]]

    def of(readings: list[Reading]) -> list[Verdict]:
        distinct = sorted(set(readings))
        verdicts = run(TEN_KW, readings).verdicts
        return [verdict for reading, verdict in zip(distinct, verdicts, strict=True) if reading[0] == times[n]]

    before = [
        (near[0][0] - QUARTER * (m + 1), v)
        for m, v in enumerate(data.draw(st.lists(st.integers(0, 10**7), max_size=9)))
    ]
    after = [
        (near[-1][0] + QUARTER * (m + 1), v)
        for m, v in enumerate(data.draw(st.lists(st.integers(0, 10**7), max_size=9)))
    ]
    cut_left, cut_right = n > REACH, n + REACH < len(times) - 1
    expected = of(readings)
    assert of([*(before if cut_left else []), *near, *(after if cut_right else [])]) == expected
    if cut_left or n >= REACH:
        assert of([*before, *near, *[r for r in readings if r[0] > near[-1][0]]]) == expected


@given(histories(), st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(readings: list[Reading], random: Random) -> None:
    again = [*readings, *readings[::2]]
    random.shuffle(again)
    one, other = run(TEN_KW, readings), run(TEN_KW, again)
    assert one.verdicts == other.verdicts
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(one.segments, other.segments, strict=True))


def test_pending_until_the_next_comes() -> None:
    readings = TEN(100_000, 5_000_000)
    assert run(TEN_KW, readings).verdicts == [Verdict.ACCEPTED, Verdict.PENDING]
    assert run(TEN_KW, TEN(100_000, 5_000_000, 101_000)).verdicts[1] == Verdict.SUSPECT
    assert run(TEN_KW, TEN(100_000, 5_000_000, 5_000_100)).verdicts == [Verdict.ACCEPTED] * 3


def test_the_limit_is_exact() -> None:
    """10 kW for a quarter hour: 2,750 Wh and one step of 10 Wh."""
    assert run(TEN_KW, TEN(0, 2_760)).verdicts == [Verdict.ACCEPTED] * 2
    assert run(TEN_KW, TEN(0, 2_761)).verdicts == [Verdict.ACCEPTED, Verdict.PENDING]


def test_of_two_values_the_one_that_fits_counts() -> None:
    readings = [*TEN(100_000, 101_000, 102_000), (at("10:15"), 900_000)]
    assert run(TEN_KW, readings).verdicts == [
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
        Verdict.CONFLICT,
        Verdict.ACCEPTED,
    ]


def test_a_changed_serial_is_another_register() -> None:
    readings = TEN(100_000, 100_500, 101_000, 101_500)
    serials = {reading: 1 + (n > 1) for n, reading in enumerate(readings)}
    result = run(TEN_KW, readings, serials=serials)
    assert result.quantities() == [500, 500]
    assert result.covered() == 2 * QUARTER
