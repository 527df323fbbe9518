"""Working days of Chinese public institutions, by the State Council's holiday notices."""

from __future__ import annotations

from datetime import date
from functools import cache

import chinese_calendar


@cache
def is_working(day: date) -> bool:
    """Whether offices are open on `day`. A year not announced yet has Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5
