"""A quota's figures and levels on the worked examples (DOMAIN, Budget and Levels)."""

from __future__ import annotations

import numpy as np
import pytest

from processors.quotas.figures import Curve, curve, figures, reached, still
from processors.quotas.plan import Floats, Ints

A_DAY = 96


def days(plan: list[float], actual: dict[int, int], coverage: float = 1.0) -> Curve:
    """A period of days with the given plans; `actual`: day's number -> what was used in it, all in its last quarter hour.

    Days after the last in `actual` are not known yet.
    """
    used, known = np.zeros(len(plan) * A_DAY, np.int64), np.zeros(len(plan) * A_DAY)
    for day, quantity in actual.items():
        used[(day + 1) * A_DAY - 1] = quantity
    known[: (max(actual) + 1) * A_DAY] = coverage
    ends = np.zeros(len(plan) * A_DAY, np.bool_)
    ends[A_DAY - 1 :: A_DAY] = True
    quarters = np.repeat(np.array(plan) / A_DAY, A_DAY)
    return curve(round(sum(plan)), used, known, quarters, ends)


def evenly(total: int, count: int, budget: int = 1000, length: int = 30) -> Curve:
    """A period of `length` even days in which `total` was used up to the end of day `count`, and no level came before."""
    used = np.full(count, total // count)
    used[-1] += total - used.sum()
    return days([budget / length] * length, dict(enumerate(used.tolist())))


def test_example_15_plan_pace_and_forecast() -> None:
    """Budget 3,000, 20 working + 10 free days (weight 0.5): 396 after 3 working days; 400 after 2."""
    month = [120.0] * 20 + [60.0] * 10
    found = figures(days(month, {0: 100, 1: 100, 2: 196}))
    assert found.plan == pytest.approx(360)
    assert found.pace == pytest.approx(1.10)
    assert found.forecast == pytest.approx(3300)
    early = figures(days(month, {0: 200, 1: 200}))
    assert early.forecast == pytest.approx(3160)


def test_example_16_levels_and_their_hysteresis() -> None:
    """Budget 1,000, 30 even days, end of day 23: 801 is a notice; 789 stays; 776 clears. Another: 800 after 24: nothing."""
    day_23 = evenly(801, 23)
    assert figures(day_23).forecast == pytest.approx(1044.8, abs=0.05)
    assert reached(day_23) == {"notice": 23 * A_DAY - 1}
    assert still(day_23, "notice")
    assert reached(evenly(789, 23)) == {}
    assert still(evenly(789, 23), "notice")
    assert not still(evenly(776, 23), "notice")
    assert reached(evenly(800, 24)) == {}


def test_the_fact_is_the_first_quarter_hour_at_which_it_holds() -> None:
    used: Ints = np.full(30 * A_DAY, 1, np.int64)
    plan: Floats = np.full(30 * A_DAY, 0.9)
    ends = np.zeros(30 * A_DAY, np.bool_)
    ends[A_DAY - 1 :: A_DAY] = True
    found = reached(curve(round(plan.sum()), used, np.ones(30 * A_DAY), plan, ends))
    budget = round(plan.sum())
    assert found["alarm"] == budget - 1
    assert found["notice"] == int(np.ceil(0.8 * budget)) - 1
    assert found["warning"] == 3 * A_DAY - 1  # 11 % over at the end of day 3, the first that is not early


def test_a_warning_by_forecast_is_only_at_a_days_end() -> None:
    jumpy = days([100.0] * 10, {0: 100, 1: 100, 2: 130})
    assert reached(jumpy) == {"warning": 3 * A_DAY - 1}
    used = np.zeros(10 * A_DAY, np.int64)
    used[0] = 200
    known = np.zeros(10 * A_DAY)
    known[: A_DAY + 10] = 1
    inside = curve(1000, used, known, np.full(10 * A_DAY, 100 / A_DAY), np.arange(10 * A_DAY) % A_DAY == A_DAY - 1)
    assert reached(inside) == {"warning": A_DAY - 1}
    known[10:] = 0
    assert reached(inside._replace(day_end=np.zeros(len(inside.actual), np.bool_))) == {}


def test_below_95_percent_coverage_a_forecast_raises_no_level_but_use_does() -> None:
    thin = days([100.0] * 10, dict.fromkeys(range(10), 94), coverage=0.94)
    assert reached(thin) == {}
    assert figures(thin).marked
    assert figures(thin).plan == pytest.approx(940)
    assert reached(days([100.0] * 10, dict.fromkeys(range(10), 104), coverage=0.94)).keys() == {"alarm"}


def test_pace_is_null_while_the_plan_is_nothing() -> None:
    found = figures(days([0.0] * 5 + [100.0] * 5, {0: 10, 1: 10}))
    assert (found.pace, found.forecast, found.used) == (None, None, 0.04)
    assert figures(days([0.0] * 20 + [100.0] * 10, {0: 10})).forecast == pytest.approx(1010)


def test_nothing_known_has_figures_without_forecast() -> None:
    nothing = days([100.0] * 10, {0: 0}, coverage=0.0)
    found = figures(nothing)
    assert (found.quarters, found.actual, found.forecast, found.coverage, found.marked) == (0, 0, None, None, True)
    assert reached(nothing) == {}
    assert not still(nothing, "alarm")


def test_a_gap_leaves_its_plan_out() -> None:
    used, known = np.zeros(10 * A_DAY, np.int64), np.ones(10 * A_DAY)
    used[: 4 * A_DAY : A_DAY] = 100
    known[A_DAY : 2 * A_DAY] = 0
    known[4 * A_DAY :] = 0
    used[A_DAY] = 0
    found = figures(curve(1000, used, known, np.full(10 * A_DAY, 100 / A_DAY), np.zeros(10 * A_DAY, np.bool_)))
    assert found.plan == pytest.approx(300)
    assert found.pace == pytest.approx(1.0)
    assert found.coverage == 0.75
    assert found.forecast == pytest.approx(1000)
