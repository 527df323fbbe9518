"""The ends of all series in memory, and the fast path: readings that come after them and fit.

By far the most readings are the newest of their register and fit. For these one computation over all series at once
says everything, without a look at the tables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compound.timeutil import SECOND
from processors.energy.decode import Batch
from processors.energy.exact import Bools, Ints, previous
from processors.energy.meter import MISFIT, Meters
from processors.energy.segments import Segments, concatenate, of_intervals, of_steps


class Tail(NamedTuple):
    """The end of one series."""

    end: int
    """Time of the newest reading; of interval data the latest end."""
    value: int
    serial: int
    meter: int
    """Number of the parameters that hold, from `end` to before `until`."""
    until: int
    clean: bool
    """All of the last times that a later verdict may depend on count: a fitting reading changes no verdict but its own."""


class Fast(NamedTuple):
    """What the fast path made of a batch."""

    taken: Bools
    """Which readings it took; of a series all or none."""
    segments: Segments
    reached: Ints
    """For each segment, how far its series had come before the batch."""


class Tails:
    """The tails by number of the series, as columns that grow."""

    def __init__(self, meters: Meters) -> None:
        self.meters = meters
        self._columns: Ints = np.zeros((len(Tail._fields), 0), np.int64)

    def forget(self) -> None:
        """Drop all: another worker may have written."""
        self._columns = self._columns[:, :0]

    def set(self, series: int, tail: Tail) -> None:
        """Note the end of one series."""
        self._grow(series)
        self._columns[:, series] = tail

    def take(self, batch: Batch) -> Fast:
        """Take the readings of every series of which all in `batch` come after its tail and fit."""
        series = batch.series
        self._grow(int(series.max(initial=0)))
        held_end, held_value, held_serial, meter, until, clean = self._columns[:, series]
        first = np.append(True, series[1:] != series[:-1])[: len(series)]
        end = batch.time + batch.length * SECOND
        since = np.where(first, held_end, previous(end, first, 0))
        before = np.where(first, held_value, previous(batch.value, first, 0))
        serial = np.where(first, held_serial, previous(batch.serial, first, 0))
        in_order = batch.time >= since + (batch.length == 0)
        good = (clean != 0) & in_order & (batch.time < until) & (batch.serial == serial)
        delta = np.full(len(series), MISFIT)
        delta[good] = self._deltas(batch.take(good), meter[good], since[good], before[good])
        taken = ~np.isin(series, series[delta < 0])
        segments = self._segments(batch.take(taken), meter[taken], since[taken], before[taken], delta[taken])
        reached = self._columns[0, segments.series].copy()
        last = taken & np.append(first[1:], True)[: len(series)]
        self._columns[:3, series[last]] = end[last], batch.value[last], batch.serial[last]
        return Fast(taken, segments, reached)

    def _deltas(self, batch: Batch, meter: Ints, since: Ints, before: Ints) -> Ints:
        """How far each register went since the reading before, and what each interval holds; MISFIT where it doesn't fit."""
        steps = self.meters.delta(meter, batch.time - since, before, batch.value)
        within = batch.value <= self.meters.limit(meter, batch.length * SECOND)
        return np.where(batch.length == 0, steps, np.where(within, batch.value, MISFIT))

    def _segments(self, batch: Batch, meter: Ints, since: Ints, before: Ints, delta: Ints) -> Segments:
        steps, intervals = np.flatnonzero(batch.length == 0), np.flatnonzero(batch.length)
        times = since[steps], batch.time[steps]
        values = before[steps], batch.value[steps]
        found = of_steps(self.meters, batch.series[steps], meter[steps], times, values, delta[steps])
        if not len(intervals):
            return found
        own = batch.take(intervals)
        of_own = of_intervals(own.series, own.time, own.length * SECOND, own.value, meter[intervals], self.meters)
        return concatenate([found, of_own])

    def _grow(self, series: int) -> None:
        have = self._columns.shape[1]
        if series >= have:
            more = np.zeros((len(Tail._fields), max(2 * have, series + 1)), np.int64)
            more[:, :have] = self._columns
            self._columns = more
