"""The quotas that are registered, each with its year, the budgets of its periods and its plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple

from compound.registry.model import Calendar, Department, Quota
from compound.registry.timeline import FOREVER, Registry
from compound.store.db import Connection
from compound.timeutil import moment
from processors.quotas.budget import Edition, months
from processors.quotas.plan import Floats, Year, day_weights, plan, year_of


class Period(NamedTuple):
    """A month or the year of a quota, [start, end) µs UTC."""

    kind: Literal["month", "year"]
    start: int
    end: int
    budget: int


class Planned(NamedTuple):
    """A quota as it now stands: `plan` is of every quarter hour of its year, in Wh or litres."""

    id: str
    quota: Quota
    edit: int
    year: Year
    plan: Floats
    periods: tuple[Period, ...]


def quotas(registry: Registry, edits: Mapping[str, int], at: int = FOREVER) -> list[Planned]:
    """All quotas of departments that are known; one that was removed is none. Versions that begin after `at` (µs) don't count."""
    found = (_planned(registry, quota, edits.get(quota, 0), at) for quota in registry.ids("quota"))
    return [planned for planned in found if planned]


def edits(conn: Connection, at: int = FOREVER) -> dict[str, int]:
    """How often the budget or weights of each quota were changed since they were first set, by versions that begin by `at` (µs)."""
    rows = conn.execute(
        "SELECT id, count(*) - 1 FROM ("
        '  SELECT id, budget, weights, lag((budget, weights)) OVER (PARTITION BY id ORDER BY "offset") AS before FROM ('
        "    SELECT DISTINCT ON (id, \"offset\") id, \"offset\", data->>'budget' AS budget, data->'weights' AS weights"
        "    FROM registry.item WHERE kind = 'quota' AND data IS NOT NULL AND valid_from <= %s ORDER BY id, \"offset\") item) edit"
        " WHERE before IS DISTINCT FROM (budget, weights) GROUP BY id",
        (datetime.max.replace(tzinfo=UTC) if at == FOREVER else moment(at),),
    ).fetchall()
    return {quota: int(count) for quota, count in rows}


def _planned(registry: Registry, quota_id: str, edit: int, at: int) -> Planned | None:
    versions = [version for version in registry.versions("quota", quota_id) if version.since <= at]
    newest = versions[-1].item if versions else None
    if not isinstance(newest, Quota):
        return None
    department = [v.item for v in registry.versions("department", newest.department) if isinstance(v.item, Department)]
    if not department:
        return None
    editions = [
        Edition(v.since, v.item.budget, tuple(map(Fraction, v.item.weights)))
        for v in versions
        if isinstance(v.item, Quota) and v.item.year == newest.year
    ]
    year = year_of(newest.year, registry.zone(department[-1].site))
    starts = year.month_starts()
    budgets = months(editions, starts)
    weights = day_weights(year.days, _working(registry, newest.calendar), Fraction(newest.free_day_weight))
    periods = [Period("year", year.start, year.edges[-1], newest.budget)]
    for (start, end), budget in zip(pairwise([*starts, year.edges[-1]]), budgets, strict=True):
        periods.append(Period("month", start, end, budget))
    return Planned(quota_id, newest, edit, year, plan(year, budgets, weights), tuple(periods))


def _working(registry: Registry, calendar: str | None) -> Mapping[str, bool]:
    """The calendar's days as they are now known; none where the quota names no calendar."""
    items = [v.item for v in registry.versions("calendar", calendar)] if calendar else []
    return next((item.working for item in reversed(items) if isinstance(item, Calendar)), {})
