"""A yearly budget over months, days and quarter hours (DOMAIN, Budget)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from compound.timeutil import parse
from processors.quotas.budget import Edition, months, spread
from processors.quotas.plan import day_weights, plan, year_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
YEAR = year_of(2026, SHANGHAI)
EVEN = (Fraction(1, 12),) * 12


def test_months_by_weight_with_the_remainder_in_the_last() -> None:
    assert spread(1000, EVEN) == [83] * 11 + [87]
    winter = tuple(Fraction(n, 100) for n in (14, 12, 8, 6, 5, 5, 9, 9, 6, 6, 8, 12))
    assert spread(1_000_000, winter) == [n * 10_000 for n in (14, 12, 8, 6, 5, 5, 9, 9, 6, 6, 8, 12)]


def test_a_budget_changed_in_the_year_leaves_the_months_begun_as_they_are() -> None:
    starts = YEAR.month_starts()
    at = parse("2026-07-15T00:00:00+08:00")
    found = months([Edition(0, 12_000, EVEN), Edition(at, 12_500, EVEN)], starts)
    assert found == [1000] * 7 + [1100] * 5
    at_the_start = parse("2026-07-01T00:00:00+08:00")
    assert months([Edition(0, 12_000, EVEN), Edition(at_the_start, 12_600, EVEN)], starts) == [1000] * 6 + [1100] * 6


def test_the_first_edition_holds_for_the_whole_year_whenever_it_was_made() -> None:
    late = parse("2026-10-01T00:00:00+08:00")
    assert months([Edition(late, 12_000, EVEN)], YEAR.month_starts()) == [1000] * 12


def test_a_change_after_the_last_month_began_changes_no_month() -> None:
    at = parse("2026-12-02T00:00:00+08:00")
    assert months([Edition(0, 12_000, EVEN), Edition(at, 1, EVEN)], YEAR.month_starts()) == [1000] * 12


_weights = st.lists(st.integers(0, 100), min_size=12, max_size=12).filter(any)


@given(st.lists(st.tuples(st.integers(0, 334), st.integers(0, 10**12), _weights), min_size=1, max_size=5))
def test_the_months_sum_to_the_year(drawn: list[tuple[int, int, list[int]]]) -> None:
    editions = [
        Edition(YEAR.edges[day], budget, tuple(Fraction(w, sum(weights)) for w in weights))
        for day, budget, weights in drawn
    ]
    assert sum(months(editions, YEAR.month_starts())) == max(editions).budget


def test_the_plan_goes_over_the_days_by_weight_and_evenly_within() -> None:
    working = {"2026-10-01": False, "2026-10-10": True}  # National Day off, a Saturday worked
    weights = day_weights(YEAR.days, working, Fraction(1, 2))
    by_day = dict(zip(YEAR.days, weights, strict=True))
    assert by_day[date(2026, 10, 1)] == Fraction(1, 2)
    assert by_day[date(2026, 10, 10)] == 1
    assert (by_day[date(2026, 10, 9)], by_day[date(2026, 10, 11)]) == (Fraction(1), Fraction(1, 2))
    found = plan(YEAR, [1000] * 12, weights)
    october = slice(YEAR.number(YEAR.month_starts()[9]), YEAR.number(YEAR.month_starts()[10]))
    assert round(found[october].sum(), 6) == 1000
    first, ninth = YEAR.number(parse("2026-10-01T00:00:00+08:00")), YEAR.number(parse("2026-10-09T00:00:00+08:00"))
    assert round(found[ninth] / found[first], 9) == 2
    assert len(set(found[first : first + 96].tolist())) == 1


def test_a_month_without_weight_is_planned_evenly() -> None:
    found = plan(YEAR, [31] * 12, [Fraction(0)] * 365)
    assert round(found[0] * 96, 9) == 1


def test_days_of_a_zone_with_summer_time() -> None:
    berlin = year_of(2026, ZoneInfo("Europe/Berlin"))
    lengths = {(end - start) // 3_600_000_000 for start, end in zip(berlin.edges, berlin.edges[1:], strict=False)}
    assert lengths == {23, 24, 25}
    assert berlin.day_ends().sum() == 365
    assert len(berlin.month_starts()) == 12
