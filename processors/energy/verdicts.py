"""Which readings of a register count (DOMAIN, Fits, Suspects, Same time).

A verdict is a function of the readings alone, of the 12 times on each side of it and no others. Where every step fits,
numpy says so at once; Python looks only at the neighbourhoods of steps that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import pairwise

import numpy as np

from processors.energy.exact import Codes, Ints
from processors.energy.points import Points

REACH = 12
"""A verdict depends on this many times on each side."""

APART = 6
"""A suspect run's two ends are at most so many times apart."""

LONGEST_RUN = 3

Fits = Callable[[int, int], bool]


class Verdict(IntEnum):
    """What became of a reading."""

    ACCEPTED = 0
    SUSPECT = 1
    """Excused by its neighbours: shown, never counted."""
    CONFLICT = 2
    """Another value of the same time counts, or none does until a person picks one."""
    PENDING = 3
    """The newest, and its step does not fit: counted or not when the next comes."""
    WAITING = 4
    """No register is known to have counted here at that time."""


def judge(points: Points) -> Codes:
    """The verdict of each reading. Readings are distinct in (chain, time, value)."""
    count = len(points.time)
    verdicts = np.zeros(count, np.int8)
    new = np.ones(count, np.bool_)
    new[1:] = (points.chain[1:] != points.chain[:-1]) | (points.time[1:] != points.time[:-1])
    bounds = np.append(np.flatnonzero(new), count)
    first = bounds[:-1]
    chain = points.chain[first]
    trouble = np.diff(bounds) > 1
    joined = np.flatnonzero(chain[1:] == chain[:-1])
    trouble[joined[points.steps(first[joined], first[joined + 1]) < 0] + 1] = True
    for start, stop, low, high in _windows(chain, np.flatnonzero(trouble)):
        edges = bounds[start : stop + 1].tolist()
        found = _judge_window(points, [range(a, b) for a, b in pairwise(edges)])
        offset = bounds[start]
        verdicts[bounds[low] : bounds[high]] = found[bounds[low] - offset : bounds[high] - offset]
    return verdicts


def _windows(chain: Ints, trouble: Ints) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of times to look at closely: (start, stop, low, high); the verdicts of [low, high) are right.

    `chain` is that of each time; `trouble` lists the times with a step into them that doesn't fit, or several values.
    """
    begins = np.searchsorted(chain, chain[trouble], "left")
    ends = np.searchsorted(chain, chain[trouble], "right")
    starts = np.maximum(trouble - 1 - 2 * REACH, begins)
    stops = np.minimum(trouble + 1 + 2 * REACH, ends)
    n = 0
    while n < len(trouble):
        last = n
        while last + 1 < len(trouble) and starts[last + 1] < stops[last] and begins[last + 1] == begins[n]:
            last += 1
        start, stop = int(starts[n]), int(stops[last])
        yield start, stop, start if start == begins[n] else start + REACH, stop if stop == ends[n] else stop - REACH
        n = last + 1


def _judge_window(points: Points, times: list[range]) -> Codes:
    """Verdicts of the readings of one chain at consecutive `times`, as if there were no others."""
    pairs = [
        (one, other)
        for n, ones in enumerate(times)
        for others in times[n + 1 : n + 1 + APART]
        for one in ones
        for other in others
    ]
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    fitting = {pair for pair, delta in zip(pairs, points.steps(first, second).tolist(), strict=True) if delta >= 0}

    def fits(n: int, m: int) -> bool:
        return m - n <= APART and any((one, other) in fitting for one in times[n] for other in times[m])

    offset = times[0].start
    verdicts = np.zeros(times[-1].stop - offset, np.int8)
    suspects, pending = _suspects(len(times), fits)
    for n, readings in enumerate(times):
        verdict = Verdict.SUSPECT if n in suspects else Verdict.ACCEPTED
        if pending and n == len(times) - 1:
            verdict = Verdict.PENDING
        around = times[max(n - 1, 0) : n] + times[n + 1 : n + 2]
        chosen = readings if len(readings) == 1 else _chosen(readings, around, fitting)
        for reading in readings:
            verdicts[reading - offset] = verdict if reading in chosen else Verdict.CONFLICT
    return verdicts


def _chosen(readings: range, around: list[range], fitting: set[tuple[int, int]]) -> list[int]:
    """Of several values of one time the only one that fits both neighbours (the one there is, at an end), else none."""
    good = [
        reading
        for reading in readings
        if all(any((min(reading, other), max(reading, other)) in fitting for other in others) for others in around)
    ]
    return good if len(good) == 1 else []


def _suspects(count: int, fits: Fits) -> tuple[set[int], bool]:
    """Of times 0 … count - 1: which are suspect, and whether the last is pending (it is never suspect: nothing comes after it)."""
    left = list(range(count))
    excused = False
    for length in range(1, LONGEST_RUN + 1):
        found: set[int] = set()
        for n in range(len(left) - length - 1):
            run = left[n : n + length + 2]
            if fits(run[0], run[-1]) and not all(fits(one, other) for one, other in pairwise(run)):
                found.update(run[1:-1])
                excused |= run[-1] == count - 1
        left = [n for n in left if n not in found]
    pending = not excused and len(left) > 1 and left[-1] - left[-2] <= APART and not fits(left[-2], left[-1])
    return set(range(count)).difference(left), pending
