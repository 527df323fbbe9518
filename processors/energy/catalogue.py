"""What is known of each series: its register by the registry that holds, the calendar of its days, the sky above it."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import numpy as np

from compound.registry.timeline import Registry
from compound.store.db import Connection
from compound.timeutil import QUARTER
from processors.energy.days import LocalDays
from processors.energy.decode import INTERVALS
from processors.energy.exact import Ints
from processors.energy.meter import Meters
from processors.energy.numbers import Numbers
from processors.energy.registered import RecordBook, spans_of, zone_of
from processors.energy.registers import Register
from processors.energy.segments import Segments
from processors.energy.sky import clear_sky
from processors.energy.spread import Shares

SEVERAL = -1
"""Stands for the place of a series that was in more than one."""


class Catalogue:
    """Looks things up on first use and remembers them; `use` says by which connection and registry."""

    def __init__(self) -> None:
        self.numbers = Numbers()
        self.meters = Meters()
        self._registry: Registry | None = None
        self._calendars: dict[str, LocalDays] = {}
        self._zones: dict[int, str | None] = {}
        self.forget()

    def forget(self) -> None:
        """Drop what came out of tables."""
        self.numbers.forget()
        self._zones.clear()
        self._registry = None

    def use(self, conn: Connection, registry: Registry) -> None:
        """Begin a transaction."""
        self.conn = conn
        if registry is not self._registry:
            self._registry = registry
            self._book = RecordBook(registry)
            self._registers: dict[int, Register] = {}
            self._places: dict[int, int] = {}

    def register(self, series: int) -> Register:
        """The register of a series."""
        found = self._registers.get(series)
        return found if found is not None else self._register(series)

    def _register(self, series: int) -> Register:
        assert self._registry is not None, "use() comes first"
        subject, what = self.numbers.key(self.conn, "series", series)
        spans = spans_of(
            self._registry, self._book, subject, what, lambda table, key: self.numbers.one(self.conn, table, key)
        )
        register = Register(spans, self.meters, self._book.of(subject, what).choices)
        self._registers[series] = register
        places = set(register.place.tolist())
        if places:
            self.conn.cursor().executemany(
                "INSERT INTO seat (series, place) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [(series, place) for place in places],
            )
            self._places[series] = places.pop() if len(places) == 1 else SEVERAL
            if self.zone(series) is None:
                self.set_zone(series)
        return register

    def of_intervals(self, series: int) -> bool:
        """Whether a series is interval data, not a register."""
        return self.numbers.key(self.conn, "series", series)[1] in INTERVALS

    def zone(self, series: int) -> str | None:
        """The zone by which the days of a series are cut."""
        if series not in self._zones:
            row = self.conn.execute("SELECT zone FROM series WHERE id = %s", (series,)).fetchone()
            self._zones[series] = row[0] if row else None
        return self._zones[series]

    def set_zone(self, series: int) -> bool:
        """Cut the days of a series by its site's zone from now on; whether that is another one than before."""
        assert self._registry is not None, "use() comes first"
        subject, _ = self.numbers.key(self.conn, "series", series)
        zone, before = zone_of(self._registry, subject), self.zone(series)
        if zone == before:
            return False
        self.conn.execute("UPDATE series SET zone = %s WHERE id = %s", (zone, series))
        self._zones[series] = zone
        return before is not None

    def calendar(self, series: int) -> LocalDays:
        """The days of a series."""
        zone = self.zone(series) or "UTC"
        if zone not in self._calendars:
            self._calendars[zone] = LocalDays(ZoneInfo(zone))
        return self._calendars[zone]

    def days(self, segments: Segments, shares: Shares) -> Ints:
        """The local day of each share."""
        series = segments.series[shares.segment]
        calendars: dict[LocalDays, list[int]] = {}
        for number in distinct(segments.series):
            calendars.setdefault(self.calendar(number), []).append(number)
        if len(calendars) == 1:
            return next(iter(calendars)).number(shares.quarter)
        day = np.empty(len(series), np.int64)
        for calendar, numbers in calendars.items():
            own = np.isin(series, numbers)
            day[own] = calendar.number(shares.quarter[own])
        return day

    def places(self, segments: Segments, shares: Shares) -> Ints:
        """The place of each share: where the meter sat when its quarter hour began."""
        numbers = distinct(segments.series)
        known = np.zeros(max(numbers, default=0) + 1, np.int64)
        for number in numbers:
            self.register(number)
            known[number] = self._places.get(number, SEVERAL)
        place = known[segments.series[shares.segment]]
        for number in [number for number in numbers if known[number] == SEVERAL]:
            own = np.flatnonzero(segments.series[shares.segment] == number)
            start = segments.start[shares.segment[own]]
            place[own] = self.register(number).place_of(shares.quarter[own] * QUARTER, start)
        return place

    def sky(self, number: int, quarter: Ints) -> Ints:
        """Clear-sky irradiance under the sky of that number, W/m2."""
        latitude, longitude = self.numbers.key(self.conn, "sky", number)
        return clear_sky(latitude, longitude, quarter)


def distinct(numbers: Ints) -> Iterable[int]:
    """The different numbers."""
    found: list[int] = np.unique(numbers).tolist()
    return found
