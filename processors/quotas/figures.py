"""A quota's figures at every quarter hour of its period, and its levels (DOMAIN, Budget and Levels).

All are of the covered time: plan and coverage of a quarter hour are weighed by the share of it that is known.

used = actual / budget; pace = actual / plan (null while the plan is 0); rest = budget - plan;
forecast = actual + pace x rest, and actual + rest before 10 % of the period.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from processors.quotas.plan import Bools, Floats, Ints

LEVELS: Final = ("notice", "warning", "alarm")
"""From the lowest to the highest."""
USED: Final = {"notice": 0.80, "warning": 0.90, "alarm": 1.00}
FORECAST: Final = 1.00
"""Notice and warning by use hold only while the forecast is over the budget."""
FORECAST_WARNING: Final = 1.05
"""At the end of a day, a forecast over this is a warning by itself."""
COVERAGE: Final = 0.95
"""Below it the forecast is marked and raises no level."""
EARLY: Final = 10
"""Before a tenth of the period the forecast is actual + rest."""
BELOW: Final = 0.02
"""A level told is cleared this far below."""
EQUAL: Final = 1e-9
"""What rounding may make of equal figures."""


class Curve(NamedTuple):
    """Figures at the end of each quarter hour of a period, from its start to the last quarter hour known."""

    budget: int
    actual: Ints
    plan: Floats
    forecast: Floats
    coverage: Floats
    day_end: Bools


class Figures(NamedTuple):
    """The figures at the end of the last quarter hour known; `quarters` of them from the period's start."""

    quarters: int
    budget: int
    actual: int
    used: float | None
    plan: float
    pace: float | None
    rest: float
    forecast: float | None
    coverage: float | None

    @property
    def marked(self) -> bool:
        """Whether the forecast stands on too little data."""
        return self.coverage is None or self.coverage < COVERAGE - EQUAL


def curve(budget: int, actual: Ints, coverage: Floats, plan: Floats, day_end: Bools) -> Curve:
    """The figures of a period from its quarter hours: quantity, share known, plan, and which are the last of a day."""
    length = len(plan)
    known = np.flatnonzero(coverage > 0)
    count = int(known[-1]) + 1 if len(known) else 0
    total = np.cumsum(actual[:count])
    planned = np.cumsum(plan[:count] * coverage[:count])
    elapsed = np.arange(1, count + 1)
    pace = np.divide(total, planned, out=np.full(count, np.nan), where=planned > 0)
    pace[EARLY * elapsed < length] = 1.0
    forecast = total + pace * (budget - planned)
    return Curve(budget, total, planned, forecast, np.cumsum(coverage[:count]) / elapsed, day_end[:count])


def figures(found: Curve) -> Figures:
    """The figures as last known."""
    if len(found.actual) == 0:
        return Figures(0, found.budget, 0, _share(0, found.budget), 0.0, None, float(found.budget), None, None)
    actual, planned, forecast = int(found.actual[-1]), float(found.plan[-1]), float(found.forecast[-1])
    return Figures(
        quarters=len(found.actual),
        budget=found.budget,
        actual=actual,
        used=_share(actual, found.budget),
        plan=planned,
        pace=_share(actual, planned),
        rest=found.budget - planned,
        forecast=None if np.isnan(forecast) else forecast,
        coverage=float(found.coverage[-1]),
    )


def reached(found: Curve) -> dict[str, int]:
    """The facts: level -> number of the first quarter hour at whose end it holds."""
    if found.budget <= 0:
        return {}
    used, forecast = found.actual / found.budget, found.forecast / found.budget
    sure = found.coverage >= COVERAGE - EQUAL
    over = sure & (forecast > FORECAST + EQUAL)
    holds = {level: used >= share - EQUAL for level, share in USED.items()}
    holds["notice"] &= over
    holds["warning"] &= over
    holds["warning"] |= sure & found.day_end & (forecast > FORECAST_WARNING + EQUAL)
    return {level: int(np.argmax(holds[level])) for level in LEVELS if holds[level].any()}


def still(found: Curve, level: str) -> bool:
    """Whether a level that was told goes on: it does until it is 2 points below what raises it.

    The forecast that counts is the newest or that of the last day's end, whichever is higher: a forecast swings within a
    day, as the plan of a day is even and its use is not. One on too little data clears nothing.
    """
    if len(found.actual) == 0 or found.budget <= 0:
        return False
    used = float(found.actual[-1]) / found.budget
    enough = used >= USED[level] - BELOW - EQUAL
    if level == "alarm" or found.coverage[-1] < COVERAGE - EQUAL:
        return enough
    ends = np.flatnonzero(found.day_end)
    newest = float(found.forecast[-1])
    forecast = np.fmax(newest, float(found.forecast[ends[-1]]) if len(ends) else newest) / found.budget
    by_use = enough and bool(forecast > FORECAST - BELOW + EQUAL)
    return by_use or (level == "warning" and bool(forecast > FORECAST_WARNING - BELOW + EQUAL))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
