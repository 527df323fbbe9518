"""How a year's monthly budgets lie over its days and quarter hours (DOMAIN, Budget).

Within a month the plan goes over the days by weight (working day 1, day off as the quota says), evenly within a day. Days
and months are those of the site's zone, which lies whole quarter hours from UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from compound.timeutil import QUARTER, micros

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
SATURDAY = 5


class Year(NamedTuple):
    """The quarter hours of a local year. `edges`: where its days begin, and where the last ends (µs UTC)."""

    days: tuple[date, ...]
    edges: tuple[int, ...]

    @property
    def start(self) -> int:
        """The year's first moment, µs UTC."""
        return self.edges[0]

    def number(self, time: int) -> int:
        """Number of the quarter hour that begins at `time`."""
        return (time - self.start) // QUARTER

    def month_starts(self) -> list[int]:
        """Where the twelve months begin, µs UTC."""
        return [edge for day, edge in zip(self.days, self.edges, strict=False) if day.day == 1]

    def day_ends(self) -> Bools:
        """Which quarter hours are the last of a day."""
        ends = np.zeros(self.number(self.edges[-1]), np.bool_)
        ends[[self.number(edge) - 1 for edge in self.edges[1:]]] = True
        return ends


def year_of(year: int, zone: ZoneInfo) -> Year:
    """The days of a calendar year in `zone`."""
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    midnights = [datetime(day.year, day.month, day.day, tzinfo=zone) for day in (*days, date(year + 1, 1, 1))]
    return Year(tuple(days), tuple(micros(midnight) for midnight in midnights))


def day_weights(days: Sequence[date], working: Mapping[str, bool], free: Fraction) -> list[Fraction]:
    """The weight of each day: 1 when the calendar says it is a working day, else `free`; Monday to Friday where it is silent."""
    return [Fraction(1) if working.get(day.isoformat(), day.weekday() < SATURDAY) else free for day in days]


def plan(year: Year, months: Sequence[int], weights: Sequence[Fraction]) -> Floats:
    """The plan of each quarter hour of the year; it sums to each month's budget. A month of weight 0 goes evenly."""
    found = np.empty(year.number(year.edges[-1]))
    by_month: dict[int, Fraction] = {}
    for day, weight in zip(year.days, weights, strict=True):
        by_month[day.month] = by_month.get(day.month, Fraction(0)) + weight
    length = {month: sum(day.month == month for day in year.days) for month in by_month}
    for day, weight, (start, end) in zip(year.days, weights, pairwise(year.edges), strict=True):
        whole = by_month[day.month]
        share = weight / whole if whole else Fraction(1, length[day.month])
        first, last = year.number(start), year.number(end)
        found[first:last] = float(months[day.month - 1] * share / (last - first))
    return found
