"""What lies between readings that count: how much was used from when to when, and how well that is known."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from compound.timeutil import HOUR
from processors.energy.exact import Bools, Codes, Ints
from processors.energy.meter import Meters
from processors.energy.points import Points
from processors.energy.verdicts import Verdict


class Mark(IntEnum):
    """Quality of a segment by its length (DOMAIN, Quality); a quarter hour takes the worst of those in it."""

    MEASURED = 0
    ESTIMATED = 1
    SUBSTITUTED = 2
    BREAK = 3
    """No quantity: the step does not fit, or the serial changed without a record."""


class Segments(NamedTuple):
    """Stretches [start, end) of time (microseconds UTC), each with the counter W at its ends (Wh or litres)."""

    series: Ints
    start: Ints
    end: Ints
    first: Ints
    last: Ints
    """The counter at the end, unrolled: last - first is the quantity, 0 in a break."""
    mark: Codes
    split: Bools
    """One end is an interpolated reading: its energy is known at no level (DOMAIN, Replacement)."""
    sky: Ints
    """Number of the sky by which it is spread, 0: evenly. Only a PV register's over an hour have one."""

    def take(self, index: Ints | Bools) -> Segments:
        """The chosen segments."""
        return Segments._make(column[index] for column in self)


def concatenate(parts: Sequence[Segments]) -> Segments:
    """All segments of `parts`, one after the other."""
    return Segments._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


NONE: Final = Segments._make(
    [*np.zeros((5, 0), np.int64), np.zeros(0, np.int8), np.zeros(0, np.bool_), np.zeros(0, np.int64)]
)


def marks(duration: Ints, interval: Ints) -> Codes:
    """Up to 1 1/2 intervals measured, up to an hour estimated, longer substituted."""
    long = np.where(duration <= HOUR, Mark.ESTIMATED, Mark.SUBSTITUTED)
    return np.where(2 * duration <= 3 * interval, Mark.MEASURED, long).astype(np.int8)


def between(points: Points, verdicts: Codes) -> Segments:
    """The segments between neighbouring accepted readings of each chain, in order of (series, start).

    A segment never spans a change of ratio or modulus: there it is cut at the interpolated reading.
    """
    good = points.take(np.flatnonzero(verdicts == Verdict.ACCEPTED))
    first = np.flatnonzero(good.chain[1:] == good.chain[:-1])
    second = first + 1
    delta = good.steps(first, second)
    cut = np.zeros(len(first), np.bool_)
    for n in np.flatnonzero((good.meter[first] != good.meter[second]) & (delta >= 0)):
        parts = good.stretches(int(first[n]), int(second[n]))
        cut[n] = any(not good.meters.items[parts[0][2]].same_register(good.meters.items[part[2]]) for part in parts)
    whole = first[~cut]
    steps = of_steps(
        good.meters,
        good.series[whole],
        good.meter[whole],
        (good.time[whole], good.time[whole + 1]),
        (good.value[whole], good.value[whole + 1]),
        delta[~cut],
    )
    if not cut.any():
        return steps
    pieces = (_pieces(good, int(n), int(d)) for n, d in zip(first[cut], delta[cut], strict=True))
    found = concatenate([steps, *pieces])
    return found.take(np.lexsort((found.start, found.series)))


def of_steps(
    meters: Meters, series: Ints, meter: Ints, times: tuple[Ints, Ints], values: tuple[Ints, Ints], delta: Ints
) -> Segments:
    """A segment for each step of a register from one time and value to the other; `delta` < 0: it doesn't fit."""
    known = delta >= 0
    first = meters.counter(meter, values[0])
    last = meters.counter(meter, values[1]) + np.where(values[1] < values[0], meters.wrap(meter), 0)
    duration = times[1] - times[0]
    return Segments(
        series=series,
        start=times[0],
        end=times[1],
        first=first,
        last=np.where(known, last, first),
        mark=np.where(known, marks(duration, meters.interval(meter)), Mark.BREAK).astype(np.int8),
        split=np.zeros(len(series), np.bool_),
        sky=np.where(known, skies(meters, meter, duration), 0),
    )


def skies(meters: Meters, meter: Ints, duration: Ints) -> Ints:
    """The sky that each segment follows: a PV register's, when it is longer than an hour."""
    return np.where(duration > HOUR, meters.sky(meter), 0)


def _pieces(points: Points, first: int, delta: int) -> Segments:
    """The parts of a step across changes of ratio: the reading at a change is interpolated, and all parts are estimated."""
    start, value = int(points.time[first]), int(points.value[first])
    duration = int(points.time[first + 1]) - start
    parts = points.stretches(first, first + 1)
    edges = [start, *(end for _, end, _ in parts)]
    registers = np.array([value + delta * (edge - start) // duration for edge in edges], np.int64)
    meter = np.array([number for _, _, number in parts], np.int64)
    mark = max(marks(np.array([duration]), points.meters.interval(meter[:1]))[0], Mark.ESTIMATED)
    count = len(parts)
    return Segments(
        series=np.full(count, points.series[first]),
        start=np.array(edges[:-1], np.int64),
        end=np.array(edges[1:], np.int64),
        first=points.meters.counter(meter, registers[:-1]),
        last=points.meters.counter(meter, registers[1:]),
        mark=np.full(count, mark, np.int8),
        split=np.ones(count, np.bool_),
        sky=skies(points.meters, meter, np.full(count, duration)),
    )


def of_intervals(series: Ints, start: Ints, duration: Ints, value: Ints, meter: Ints, meters: Meters) -> Segments:
    """The segments of interval data that counts: each is its own, its energy rounded by itself."""
    zeros = np.zeros(len(start), np.int64)
    return Segments(
        series=series,
        start=start,
        end=start + duration,
        first=zeros,
        last=meters.counter(meter, value),
        mark=marks(duration, meters.interval(meter)),
        split=np.zeros(len(start), np.bool_),
        sky=skies(meters, meter, duration),
    )
