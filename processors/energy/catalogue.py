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
    """What was looked up of the series is remembered; `use` says by which connection and registry, for which series."""

    def __init__(self) -> None:
        self.numbers = Numbers()
        self.meters = Meters()
        self._calendars: dict[str, LocalDays] = {}
        self._zones: dict[int, str | None] = {}
        self._seats: set[tuple[int, int]] = set()
        self._registry: Registry | None = None

    def forget(self) -> None:
        """Drop what came out of tables."""
        self.numbers.forget()
        self._zones.clear()
        self._seats.clear()
        self._registry = None

    def use(self, conn: Connection, registry: Registry) -> None:
        """Begin a transaction."""
        self.conn = conn
        if registry is not self._registry:
            self._registry = registry
            self._book = RecordBook(registry)
            self._registers: dict[int, Register] = {}
            self._places: dict[int, int] = {}

    def know(self, series: Ints) -> None:
        """Look up what is not known yet of `series`; the other methods speak of known ones only."""
        missing = [number for number in distinct(series) if number not in self._registers]
        if not missing:
            return
        self.numbers.keys(self.conn, "series", missing)
        self._zones.update(self.conn.execute("SELECT id, zone FROM series WHERE id = ANY(%s)", (missing,)).fetchall())
        for number in missing:
            places = self._register(number)
            self._places[number] = places.pop() if len(places) == 1 else SEVERAL
        self.set_zones([number for number in missing if self._zones[number] is None and self._registers[number].spans])
        self._take_seats(missing)

    def _register(self, series: int) -> set[int]:
        """Make the register of a series; its places."""
        assert self._registry is not None, "use() comes first"
        subject, what = self.subject(series)
        spans = spans_of(
            self._registry, self._book, subject, what, lambda table, key: self.numbers.one(self.conn, table, key)
        )
        register = Register(spans, self.meters, self._book.of(subject, what).choices)
        self._registers[series] = register
        return set(register.place.tolist())

    def _take_seats(self, series: list[int]) -> None:
        taken = {(number, place) for number in series for place in self._registers[number].place.tolist()} - self._seats
        if taken:
            self._seats |= taken
            columns = [list(column) for column in zip(*sorted(taken), strict=True)]
            self.conn.execute(
                "INSERT INTO seat (series, place) SELECT * FROM unnest(%s::int[], %s::int[]) ON CONFLICT DO NOTHING",
                columns,
            )

    def set_zones(self, series: list[int]) -> list[int]:
        """Cut the days of `series` by their sites' zones from now on; those whose days were cut by another one before."""
        assert self._registry is not None, "use() comes first"
        zones = {number: zone_of(self._registry, self.subject(number)[0]) for number in series}
        changed = {number: zone for number, zone in zones.items() if zone != self._zones[number]}
        if changed:
            self.conn.execute(
                "UPDATE series SET zone = r.zone FROM unnest(%s::int[], %s::text[]) AS r(id, zone) WHERE series.id = r.id",
                (list(changed), list(changed.values())),
            )
        moved = [number for number in changed if self._zones[number] is not None]
        self._zones.update(changed)
        return moved

    def subject(self, series: int) -> tuple[str, str]:
        """The meter and the register that a series is of."""
        subject, what = self.numbers.keys(self.conn, "series", [series])[series]
        return subject, what

    def register(self, series: int) -> Register:
        """The register of a series."""
        return self._registers[series]

    def of_intervals(self, series: int) -> bool:
        """Whether a series is interval data, not a register."""
        return self.subject(series)[1] in INTERVALS

    def calendar(self, series: int) -> LocalDays:
        """The days of a series."""
        zone = self._zones[series] or "UTC"
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
            known[number] = self._places[number]
        place = known[segments.series[shares.segment]]
        for number in [number for number in numbers if known[number] == SEVERAL]:
            own = np.flatnonzero(segments.series[shares.segment] == number)
            start = segments.start[shares.segment[own]]
            place[own] = self.register(number).place_of(shares.quarter[own] * QUARTER, start)
        return place

    def sky(self, number: int, quarter: Ints) -> Ints:
        """Clear-sky irradiance under the sky of that number, W/m2."""
        latitude, longitude = self.numbers.keys(self.conn, "sky", [number])[number]
        return clear_sky(latitude, longitude, quarter)


def distinct(numbers: Ints) -> Iterable[int]:
    """The different numbers."""
    found: list[int] = np.unique(numbers).tolist()
    return found
