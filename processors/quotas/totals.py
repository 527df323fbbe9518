"""A department's totals by quarter hour, as the energy domain has committed them, kept as columns.

The days' totals tell which days changed; only these are read again. A change that leaves a day's total and coverage as
they were (a late reading between two of the same day) is seen when all is read again, every ten minutes.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from compound.store.db import Connection
from compound.timeutil import MINUTE, micros, moment
from processors.quotas.plan import Floats, Ints
from processors.quotas.registered import Planned

AGAIN: Final = 10 * MINUTE
"""All is read again so long after it was last, µs."""

Day = tuple[date, int, float]
"""A local day: what was used, and the share of it that is known."""


class Totals:
    """What a quota's department used in the quarter hours of its year, and how much of each is known."""

    def __init__(self, planned: Planned) -> None:
        self.actual: Ints = np.zeros(len(planned.plan), np.int64)
        self.coverage: Floats = np.zeros(len(planned.plan))
        self._days: set[Day] = set()
        self._read_at: int | None = None

    def refresh(self, conn: Connection, planned: Planned, now: int) -> bool:
        """Read what changed since the last time; whether anything did. `now` is the clock, µs."""
        days = _days(conn, planned)
        changed = {day for day, _, _ in days ^ self._days}
        if self._read_at is None or now - self._read_at >= AGAIN:
            changed = set(planned.year.days)
            self._read_at = now
        if not changed:
            return False
        self._days = days
        self._read(conn, planned, min(changed), max(changed))
        return True

    def _read(self, conn: Connection, planned: Planned, first: date, last: date) -> None:
        """Quarter hours of the local days `first` to `last`."""
        year = planned.year
        since = year.edges[year.days.index(first)]
        until = year.edges[year.days.index(last) + 1]
        self.actual[year.number(since) : year.number(until)] = 0
        self.coverage[year.number(since) : year.number(until)] = 0
        rows = conn.execute(
            "SELECT start, quantity, coverage FROM energy.department_quarter(%s, %s, %s, %s)",
            (planned.quota.department, planned.quota.medium, moment(since), moment(until)),
        ).fetchall()
        if rows:
            starts, quantities, shares = zip(*rows, strict=True)
            index = [year.number(micros(start)) for start in starts]
            self.actual[index] = quantities
            self.coverage[index] = shares


def _days(conn: Connection, planned: Planned) -> set[Day]:
    days = planned.year.days
    rows = conn.execute(
        "SELECT day, quantity, coverage FROM energy.department_day(%s, %s, %s, %s)",
        (planned.quota.department, planned.quota.medium, days[0], date(days[-1].year + 1, 1, 1)),
    ).fetchall()
    return {(day, int(quantity), float(share)) for day, quantity, share in rows}
