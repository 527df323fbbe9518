"""Totals against a counter that is not always known."""

from __future__ import annotations

import numpy as np
import pytest

from ops.verify.series import Counted, Gap, Total, add, compare, counted
from ops.verify.truth import QUARTER, Span

Q = QUARTER
COUNTS = np.arange(0, 1000, 100, dtype=np.int64)
"""100 a quarter hour."""


def _total(
    number: int, value: int | None = 100, quality: str | None = "measured", coverage: float = 1.0, n: int = 1
) -> Total:
    return Total(number * Q, (number + n) * Q, value, quality, coverage, 0.0)


def _wrong(totals: list[Total], counter: Counted) -> list[str]:
    return [f"{at // Q}: {expected} / {found}" for at, expected, found in compare(totals, counter)]


def _span(start: float, end: float, kind: str) -> Span:
    return Span("energy", "m", int(start * Q), int(end * Q), "why", kind, 0)


def _counter(*spans: Span) -> Counted:
    return counted(0, COUNTS, spans, 900)


def test_equal_totals_are_no_difference() -> None:
    assert not _wrong([_total(n) for n in range(9)], _counter())


@pytest.mark.parametrize(
    "odd", [_total(3, 101), _total(3, None), _total(3, quality="estimated"), _total(3, coverage=0.9)]
)
def test_a_total_that_differs_is_one(odd: Total) -> None:
    assert len(_wrong([_total(2), odd, _total(4)], _counter())) == 1


def test_in_a_gap_only_the_sum_must_be_right_and_each_be_marked() -> None:
    gap = _counter(_span(2, 5, "gap"))
    spread = [_total(2, 50, "estimated"), _total(3, 50, "estimated"), _total(4, 200, "substituted")]
    assert not _wrong([_total(1), *spread, _total(5)], gap)
    assert _wrong([*spread[:2], _total(4, 201, "estimated")], gap) == ["2: 300 (over 3 totals) / 301"]
    assert _wrong([*spread[:2], _total(4, 200)], gap)[0].startswith("4: estimated, substituted or unknown")


def test_a_short_gap_needs_no_mark_but_the_sum() -> None:
    short = _counter(_span(2.9, 3.2, "gap"))
    assert not _wrong([_total(2, 98), _total(3, 102)], short)
    assert _wrong([_total(2, 98), _total(3, 100)], short)


def test_a_gap_inside_a_day_leaves_the_day_measured() -> None:
    assert not _wrong([_total(0, 800, n=8)], _counter(_span(2, 5, "gap")))


def test_where_nothing_was_counted_a_gap_need_not_be_marked() -> None:
    night = counted(0, np.array([0, 100, 200, 200, 200, 300, 400, 500, 600, 700]), [_span(3, 6, "gap")], 900)
    spread = [_total(4, 120, "estimated"), _total(5, 80, "estimated")]
    assert not _wrong([_total(2, 0), _total(3, 0), *spread], night)
    assert _wrong([_total(2, 0), _total(3, 10), _total(4, 110, "estimated"), spread[1]], night)
    assert _wrong([_total(2, 0), _total(3, 0), _total(4, 120), spread[1]], night)
    both = add([(1, night), (1, _counter())])
    assert not _wrong([_total(2, 100), _total(3, 100), _total(4, 220, "estimated"), _total(5, 180, "estimated")], both)
    assert _wrong([_total(2, 100), _total(3, 90), _total(4, 230, "estimated"), _total(5, 180, "estimated")], both)


def test_what_a_break_swallows_counts_nowhere() -> None:
    broken = _counter(_span(2, 4, "break"))
    unknown = [_total(2, None, None, 0.0), _total(3, None, None, 0.0)]
    assert not _wrong([_total(1), *unknown, _total(4)], broken)
    assert not _wrong([_total(0, 600, coverage=0.75, n=8)], broken)
    assert _wrong([_total(0, 800, n=8)], broken) == ["0: 600 / 800"]
    assert _wrong([_total(0, 600, n=8)], broken) == ["0: coverage below 1 / 600 measured, coverage 1"]
    assert _wrong([_total(2, 100)], broken)


def test_uncovered_time_must_be_shown() -> None:
    swap = _counter(_span(2.3, 2.6, "uncovered"))
    assert not _wrong([_total(2, coverage=0.7)], swap)
    assert len(_wrong([_total(2)], swap)) == 1


def test_a_sum_has_the_gaps_of_all_and_is_not_unknown_for_a_hole() -> None:
    whole, broken = _counter(_span(2, 4, "gap")), _counter(_span(6, 7, "break"))
    both = add([(1, whole), (-2, broken)])
    assert both.gaps == [Gap(2 * Q, 4 * Q, True, 2 * Q, 4 * Q)]
    assert both.at(3 * Q) == 300 - 600
    assert not _wrong([_total(6, 100, coverage=0.5)], both)


def test_before_the_gap_ends_nothing_is_compared_but_marks() -> None:
    open_end = _counter(_span(7, 20, "gap"))
    assert not _wrong([_total(6), _total(7, 5, "estimated"), _total(8, None, None, 0.0)], open_end)
