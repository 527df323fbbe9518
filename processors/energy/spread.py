"""Segments spread over quarter hours, and these summed over local days.

At time t inside a segment the counter is W1 + floor((W2 - W1)(t - t1) / (t2 - t1)); a quarter hour's share is the
difference of the counter at its ends, so the shares of a segment sum to it exactly (DOMAIN, Rounding).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from compound.timeutil import QUARTER
from processors.energy.exact import Bools, Ints, muldiv, previous, totals
from processors.energy.segments import Mark, Segments

Sky = Callable[[int, Ints], Ints]
"""(number of a sky, numbers of quarter hours) -> clear-sky irradiance in the middle of each, whole W/m2."""


class Shares(NamedTuple):
    """Parts of segments in quarter hours; a quarter hour is numbered by its start / 15 min since the epoch."""

    segment: Ints
    quarter: Ints
    quantity: Ints
    covered: Ints
    """Microseconds of the quarter hour that the segment covers."""


def spread(segments: Segments, sky: Sky) -> Shares:
    """The shares of all segments, in their order; breaks have none."""
    begin = segments.start // QUARTER
    count = np.where(segments.mark == Mark.BREAK, 0, -(-segments.end // QUARTER) - begin)
    segment = np.repeat(np.arange(len(count)), count)
    first = np.zeros(len(segment), np.bool_)
    starts = np.cumsum(count) - count
    first[starts[count > 0]] = True
    quarter = begin[segment] + np.arange(len(segment)) - starts[segment]
    start, end = segments.start[segment], segments.end[segment]
    elapsed = np.minimum((quarter + 1) * QUARTER, end) - start
    quantity = (segments.last - segments.first)[segment]
    counter = muldiv(quantity, elapsed, end - start)
    covered = elapsed - previous(elapsed, first, 0)
    for n in np.flatnonzero((segments.sky > 0) & (count > 0)):
        own = slice(starts[n], starts[n] + count[n])
        light = np.cumsum(sky(int(segments.sky[n]), quarter[own]) * covered[own])
        if light[-1]:
            counter[own] = muldiv(quantity[own], light, light[-1:])
    return Shares(segment, quarter, counter - previous(counter, first, 0), covered)


class Quarters(NamedTuple):
    """Totals of quarter hours, in order of (series, quarter, place)."""

    series: Ints
    quarter: Ints
    place: Ints
    quantity: Ints
    covered: Ints
    estimated: Ints
    substituted: Ints
    """Microseconds covered by segments so marked: the worst mark there is counts for the whole quarter hour."""


class Days(NamedTuple):
    """Totals of local days, in order of (series, day, place); days are numbered since 1970-01-01 of the site's calendar."""

    series: Ints
    day: Ints
    place: Ints
    quantity: Ints
    covered: Ints
    unmeasured_day: Ints
    unmeasured_month: Ints
    unmeasured_year: Ints
    """Quantity that is not measured at the level of a day, month or year: that of segments marked so which cross its
    edge, or whose end is interpolated. A segment wholly inside is measured, since the register knows its energy."""


def quarters(segments: Segments, shares: Shares, place: Ints) -> Quarters:
    """Sums of shares by series, quarter hour and `place` (of each share)."""
    mark = segments.mark[shares.segment]
    estimated = np.where(mark == Mark.ESTIMATED, shares.covered, 0)
    substituted = np.where(mark == Mark.SUBSTITUTED, shares.covered, 0)
    keys, sums = totals(
        (segments.series[shares.segment], shares.quarter, place),
        (shares.quantity, shares.covered, estimated, substituted),
    )
    return Quarters(*keys, *sums)


def days(segments: Segments, shares: Shares, place: Ints, day: Ints) -> Days:
    """Sums of shares by series, local day and place; `place` and `day` are those of each share's quarter hour."""
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    inside = _inside(shares, len(segments.start))
    unmeasured = []
    for period in (day, months, months // 12):
        unknown = (segments.mark != Mark.MEASURED) & (segments.split | ~inside(period))
        unmeasured.append(np.where(unknown[shares.segment], shares.quantity, 0))
    keys, sums = totals((segments.series[shares.segment], day, place), (shares.quantity, shares.covered, *unmeasured))
    return Days(*keys, *sums)


def _inside(shares: Shares, count: int) -> Callable[[Ints], Bools]:
    """Tells which of `count` segments lie wholly in one period, given the period of each share."""
    first = np.searchsorted(shares.segment, np.arange(count), "left")
    last = np.searchsorted(shares.segment, np.arange(count), "right") - 1

    def inside(period: Ints) -> Bools:
        within = np.ones(count, np.bool_)
        present = last >= first
        within[present] = period[first[present]] == period[last[present]]
        return within

    return inside
