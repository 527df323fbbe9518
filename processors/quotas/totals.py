"""A department's totals by quarter hour, as the energy domain has committed them, kept as columns.

The days' totals tell which days changed; only these are read again. A change that leaves a day's total and coverage as
they were (a late reading between two of the same day) is seen when all is read again, every hour.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from compound.registry.model import Quota
from compound.store.db import Connection
from compound.timeutil import HOUR, micros, moment
from processors.quotas.plan import Floats, Ints
from processors.quotas.registered import Planned

AGAIN: Final = HOUR
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
        again = self._read_at is None or now - self._read_at >= AGAIN
        if again:
            changed |= {day for day, _, _ in days}
            self._read_at = now
        self._days = days
        if changed:
            self._read(conn, planned, min(changed), max(changed))
        return again or bool(changed)

    def end(self, planned: Planned, at: int) -> None:
        """Forget quarter hours that end after `at` (µs)."""
        first = max(min(planned.year.number(at), len(self.actual)), 0)
        self.actual[first:] = 0
        self.coverage[first:] = 0

    def _read(self, conn: Connection, planned: Planned, first: date, last: date) -> None:
        """Quarter hours of the local days `first` to `last`."""
        year = planned.year
        since = year.edges[year.days.index(first)]
        until = year.edges[year.days.index(last) + 1]
        self.actual[year.number(since) : year.number(until)] = 0
        self.coverage[year.number(since) : year.number(until)] = 0
        rows = conn.execute(
            "SELECT start, quantity, coverage FROM energy.uses_by_quarters('department', ARRAY[%s], %s, %s, %s, %s, 'infinity')"
            " WHERE quantity IS NOT NULL",
            (*_counted(planned.quota), moment(since), moment(until)),
        ).fetchall()
        if rows:
            starts, quantities, shares = zip(*rows, strict=True)
            index = [year.number(micros(start)) for start in starts]
            self.actual[index] = quantities
            self.coverage[index] = shares


def _days(conn: Connection, planned: Planned) -> set[Day]:
    days = planned.year.days
    department, medium, only = _counted(planned.quota)
    rows = conn.execute(
        "SELECT period, quantity, coverage FROM energy.uses_by_days('department', ARRAY[%s], %s, %s,"
        " energy.zone_of('department', %s), %s, %s, 'day', 'infinity') WHERE quantity IS NOT NULL",
        (department, medium, only, department, days[0], date(days[-1].year + 1, 1, 1)),
    ).fetchall()
    return {(day, int(quantity), float(share)) for day, quantity, share in rows}


def _counted(quota: Quota) -> tuple[str, str, str | None]:
    """Department, medium, and the register that alone counts (None: consumption, with what is generated behind a main)."""
    only = "import_wh" if quota.counts == "import" and quota.medium == "electricity" else None
    return quota.department, quota.medium, only
