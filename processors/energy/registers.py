"""The physical registers behind a series: which one a reading belongs to, and what records say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from processors.energy.exact import Bools, Ints
from processors.energy.meter import Meter, Meters
from processors.energy.points import Change, Points


class Span(NamedTuple):
    """A stretch [since, until) of a series in which nothing that is registered of it changes (microseconds UTC)."""

    since: int
    until: int
    meter: Meter
    place: int = 0
    """Number of the measuring point."""
    serial: int = 0
    """Number of the serial on record, 0 where none is."""
    opening: int | None = None
    """The register at `since` by the record of its installation; in its field's unit."""
    closing: int | None = None
    """The register at `until` by the record of its removal."""
    continues: bool = False
    """Whether it is still the register of the span before."""


class Readings(NamedTuple):
    """What a meter sent of one register, distinct in and in order of (time, value)."""

    time: Ints
    value: Ints
    serial: Ints
    """Number of the serial it carries, 0 for none."""


class Register:
    """A series' spans as columns, with what people recorded of it.

    `choices` are persons' picks between the values of one time (DOMAIN, same meter, register, time).
    """

    def __init__(self, spans: Sequence[Span], meters: Meters, choices: Mapping[int, int] | None = None) -> None:
        self.spans = spans
        self.meters = meters
        self.choices = choices or {}
        self.since = np.array([span.since for span in spans], np.int64)
        self.until = np.array([span.until for span in spans], np.int64)
        self.place = np.array([span.place for span in spans], np.int64)
        self.meter = np.array([meters.index(span.meter) for span in spans], np.int64)
        self.largest = np.array([span.meter.largest for span in spans], np.int64)
        self.serial = np.array([span.serial for span in spans], np.int64)
        self.chain = np.cumsum([not span.continues for span in spans], dtype=np.int64)
        self.records = np.array([*self._records()], np.int64).reshape(-1, 3)
        self.changes = self._changes()

    def _records(self) -> Iterator[tuple[int, int, int]]:
        """(time, value, number of the span) of every record of a register's start or end."""
        for n, span in enumerate(self.spans):
            for time, value in ((span.since, span.opening), (span.until, span.closing)):
                if value is not None and value <= span.meter.largest:
                    yield time, value, n

    def _changes(self) -> dict[int, list[Change]]:
        found: dict[int, list[Change]] = {}
        for chain, since, meter in zip(self.chain.tolist(), self.since.tolist(), self.meter.tolist(), strict=True):
            known = found.setdefault(chain, [])
            if not known or known[-1][1] != meter:
                known.append((since, meter))
        return found

    def span_at(self, time: Ints, *, with_end: bool = False) -> Ints:
        """Number of the span that holds each time, -1 where none does; `with_end`: the end of one is of it, too."""
        found = np.searchsorted(self.since, time, "right") - 1
        until = np.append(self.until, 0)[found]
        return np.where((found >= 0) & ((time < until) | (with_end & (time == until))), found, -1)

    def place_of(self, quarter_start: Ints, segment_start: Ints) -> Ints:
        """The place of a quarter hour's share: where the meter sat when the quarter hour began, else when its segment did.

        0 where it sat nowhere: only until a change of the registry is taken in.
        """
        at_quarter = self.span_at(quarter_start)
        return np.append(self.place, 0)[np.where(at_quarter >= 0, at_quarter, self.span_at(segment_start))]

    def span_of(self, readings: Readings) -> Ints:
        """Number of the span each reading belongs to, by its serial where it carries one, else by time; -1: it waits.

        A register may be read at the moment it is taken out. A reading that carries the serial of another register on
        record belongs to that one, which was not in place then. A value that no register can show belongs to none.
        """
        found = self.span_at(readings.time, with_end=True)
        found[readings.value > np.append(self.largest, 0)[found]] = -1
        for serial in np.unique(self.serial[self.serial != 0]):
            elsewhere = ~np.isin(self.chain, self.chain[self.serial == serial])
            found[(readings.serial == serial) & (found >= 0) & np.append(elsewhere, False)[found]] = -1
        return found

    def lay(self, series: int, readings: Readings, since: int, until: int) -> tuple[Points, Ints]:
        """Readings and the records in [since, until] as points, and which reading each point is (-1: a record).

        Left out are readings that wait, and those of a time of which a person said what counts.
        """
        told, told_value, told_span = self.records[(self.records[:, 0] >= since) & (self.records[:, 0] <= until)].T
        span = self.span_of(readings)
        own = np.flatnonzero((span >= 0) & ~self._overruled(readings, span))
        time = np.concatenate([readings.time[own], told])
        value = np.concatenate([readings.value[own], told_value])
        span = np.concatenate([span[own], told_span])
        serial = np.concatenate([readings.serial[own], np.zeros(len(told), np.int64)])
        points = Points(
            series=np.full(len(time), series),
            chain=self.chain[span],
            time=time,
            value=value,
            meter=self.meter[span],
            serial=np.where(serial == 0, self.serial[span], serial),
            meters=self.meters,
            changes=self.changes,
        )
        order = np.lexsort((value, time, points.chain))
        return points.take(order), np.concatenate([own, np.full(len(told), -1)])[order]

    def _overruled(self, readings: Readings, span: Ints) -> Bools:
        """Readings of a time for which a record, or a choice between its values, says what counts."""
        overruled = np.zeros(len(readings.time), np.bool_)
        for time, _, number in self.records.tolist():
            overruled |= (readings.time == time) & (self.chain[span] == self.chain[number])
        for time, value in self.choices.items():
            same = readings.time == time
            if (readings.value[same] == value).any():
                overruled |= same & (readings.value != value)
        return overruled
