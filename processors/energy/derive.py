"""The whole of it for one series: from its readings and what is registered of it to verdicts and segments."""

from __future__ import annotations

import numpy as np

from processors.energy.exact import Bools, Codes, Ints
from processors.energy.intervals import Intervals, judge_intervals
from processors.energy.registers import Readings, Register
from processors.energy.segments import Segments, between, of_intervals
from processors.energy.verdicts import Verdict, judge


def derive(register: Register, series: int, readings: Readings, since: int, until: int) -> tuple[Codes, Segments]:
    """Verdicts of cumulative `readings`, and the segments between those that count.

    `readings` are all there are in [since, until], microseconds UTC. Results are right from the 12th time on from each end
    that is not the register's own (DOMAIN, Suspects).
    """
    points, source = register.lay(series, readings, since, until)
    judged = judge(points)
    verdicts = np.where(register.span_of(readings) < 0, Verdict.WAITING, Verdict.CONFLICT).astype(np.int8)
    verdicts[source[source >= 0]] = judged[source >= 0]
    verdicts[_told_again(register, readings) & (verdicts == Verdict.CONFLICT)] = Verdict.ACCEPTED
    return verdicts, between(points, judged)


def _told_again(register: Register, readings: Readings) -> Bools:
    """Readings that say what a record says of the same time."""
    found = np.zeros(len(readings.time), np.bool_)
    for time, value, _ in register.records.tolist():
        found |= (readings.time == time) & (readings.value == value)
    return found


def derive_intervals(
    register: Register, series: int, start: Ints, duration: Ints, value: Ints
) -> tuple[Codes, Segments]:
    """Verdicts of interval data in order of (start, duration, value), and the segments of those that count."""
    span = register.span_at(start)
    verdicts = np.full(len(start), Verdict.WAITING, np.int8)
    held = np.flatnonzero(span >= 0)
    start, duration, value, meter = start[held], duration[held], value[held], register.meter[span[held]]
    picked = np.zeros(len(start), np.bool_)
    for time, chosen in register.choices.items():
        picked |= (start == time) & (value == chosen)
    verdicts[held] = judge_intervals(register.meters, Intervals(start, duration, value, meter, picked))
    good = verdicts[held] == Verdict.ACCEPTED
    segments = of_intervals(
        np.full(good.sum(), series), start[good], duration[good], value[good], meter[good], register.meters
    )
    return verdicts, segments
