"""Quotas: yearly budgets of departments, what was used of them, and where it leads."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import Model, Time

Level = Literal["notice", "warning", "alarm"]
Medium = Literal["electricity", "water", "gas", "heat"]


class LevelReached(Model):
    """When a level was reached, in the period's own time, by all that is now known."""

    example: ClassVar = {"level": "notice", "at": "2026-10-24T16:00:00Z"}

    level: Level
    at: Time


class Figure(Model):
    """A month or a year of a quota, up to the last quarter hour known. Quantities in the quota's unit."""

    example: ClassVar[dict[str, Any]] = {
        "period": "month",
        "start": "2026-09-30T16:00:00Z",
        "end": "2026-10-31T16:00:00Z",
        "until": "2026-10-24T16:00:00Z",
        "budget": 3000000,
        "actual": 2610000,
        "used": 0.87,
        "plan": 2300000.0,
        "pace": 1.1348,
        "rest": 700000.0,
        "forecast": 3404348.0,
        "coverage": 0.998,
        "marked": False,
        "edit": 0,
        "levels": [LevelReached.example],
    }

    period: Literal["month", "year"]
    start: Time
    end: Time
    until: Time = Field(description="End of the last quarter hour known.")
    budget: int
    actual: int
    used: float | None = Field(description="actual / budget.")
    plan: float = Field(description="What was planned for the covered time.")
    pace: float | None = Field(description="actual / plan over the covered time; null when that plan is 0.")
    rest: float = Field(description="budget - that plan.")
    forecast: float | None = Field(description="actual + pace x rest; before 10 % of the period actual + rest.")
    coverage: float | None
    marked: bool = Field(description="Coverage below 95 %: the forecast raises no level.")
    edit: int = Field(description="How often the budget was edited since it was first set.")
    levels: list[LevelReached] = Field(description="The levels reached, by time.")


class QuotaShown(Model):
    """A department's quota of a year and medium: the year, and its months begun so far."""

    example: ClassVar = {
        "quota": "q-fin-2026-el",
        "department": "d-fin",
        "medium": "electricity",
        "unit": "Wh",
        "year": 2026,
        "counts": "consumption",
        "timezone": "Asia/Shanghai",
        "total": {**Figure.example, "period": "year", "start": "2025-12-31T16:00:00Z", "end": "2026-12-31T16:00:00Z"},
        "months": [Figure.example],
    }

    quota: str
    department: str
    medium: Medium
    unit: Literal["Wh", "l"]
    year: int
    counts: Literal["consumption", "import"]
    timezone: str
    total: Figure | None = Field(description="The year; null while nothing was measured in it.")
    months: list[Figure]
