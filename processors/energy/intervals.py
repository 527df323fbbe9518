"""Interval data: a meter that reports the energy of an interval, not a register (DOMAIN, Interval data).

Each interval is its own segment. Its end belongs to it: the one that ends at 00:00 closes the day before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from processors.energy.exact import Bools, Codes, Ints
from processors.energy.meter import Meters
from processors.energy.verdicts import Verdict


class Intervals(NamedTuple):
    """Intervals of one series, distinct, in order of (start, duration, value)."""

    start: Ints
    duration: Ints
    value: Ints
    meter: Ints
    """Number of the meter's parameters at its start."""
    picked: Bools
    """A person chose this value for its start."""


def fits(meters: Meters, intervals: Intervals) -> Bools:
    """Whether each holds no more than rated power x 1.1 x duration + one register step."""
    within: Bools = (intervals.value >= 0) & (intervals.value <= meters.limit(intervals.meter, intervals.duration))
    return within


def judge_intervals(meters: Meters, intervals: Intervals) -> Codes:
    """Verdict of each. What doesn't fit is suspect; of those that overlap none counts, unless a person picked it.

    A verdict depends on the intervals that overlap, and no others.
    """
    good = fits(meters, intervals)
    picked = intervals.picked & good
    free = good & ~_overlap(intervals, picked) & (picked | ~_overlap(intervals, good))
    return np.where(free, Verdict.ACCEPTED, np.where(good, Verdict.CONFLICT, Verdict.SUSPECT)).astype(np.int8)


def _overlap(intervals: Intervals, among: Bools) -> Bools:
    """Which of `intervals` overlap another one that is in `among`."""
    end = intervals.start + intervals.duration
    far = np.iinfo(np.int64)
    reached = np.concatenate([[far.min], np.maximum.accumulate(np.where(among, end, far.min))[:-1]])
    starts = np.where(among, intervals.start, far.max)
    following = np.append(np.minimum.accumulate(starts[::-1])[::-1][1:], far.max)
    overlap: Bools = (reached > intervals.start) | (following < end)
    return overlap
