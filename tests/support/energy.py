"""Short ways to say readings and registers in tests of the energy domain. All times are local, UTC+8, 2026-10-12."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from compound.registry.timeline import FOREVER
from compound.timeutil import QUARTER, parse
from processors.energy.days import LocalDays
from processors.energy.derive import derive
from processors.energy.exact import Ints
from processors.energy.meter import Meter, Meters
from processors.energy.registers import Readings, Register, Span
from processors.energy.segments import Mark, Segments
from processors.energy.spread import Days, Sky, days, quarters, spread
from processors.energy.verdicts import Verdict

Reading = tuple[int, int]
SHANGHAI = LocalDays(ZoneInfo("Asia/Shanghai"))
LONG_AGO = parse("2020-01-01T00:00:00+08:00")


def at(clock: str) -> int:
    """Microseconds of a local time of day."""
    return parse(f"2026-10-12T{clock}:00+08:00")


def TEN(*values: int) -> list[Reading]:
    """Readings every quarter hour from 10:00."""
    return [(at("10:00") + n * QUARTER, value) for n, value in enumerate(values)]


def meter(
    rated: int,
    *,
    modulus: int = 10**9,
    ratio: Fraction = Fraction(1),
    step: int = 10,
    interval: int = QUARTER,
    sky: int = 0,
) -> Meter:
    """A meter of `rated` W with a register in Wh that reports each quarter hour."""
    return Meter(modulus=modulus, ratio=ratio, step=step, rated=rated, interval=interval, sky=sky)


def replaced(old: Meter, removed: int, final: int, installed: int, start: int, new: Meter | None = None) -> list[Span]:
    """A meter's register, and the one that replaced it by a record."""
    return [
        Span(LONG_AGO, removed, old, closing=final),
        Span(installed, FOREVER, new or old, opening=start),
    ]


def spans(before: Meter, after: Meter, changed: int, record: int | None) -> list[Span]:
    """A register whose parameters change, with or without a reading on record at that moment."""
    if record is not None:
        return replaced(before, changed, record, changed, record, after)
    return [Span(LONG_AGO, changed, before), Span(changed, FOREVER, after, continues=True)]


def no_sky(_: int, quarter: Ints) -> Ints:
    """Night."""
    return np.zeros_like(quarter)


class Day(NamedTuple):
    """A row of `Days`."""

    series: int
    day: int
    place: int
    quantity: int
    covered: int
    unmeasured_day: int
    unmeasured_month: int
    unmeasured_year: int


@dataclass(frozen=True)
class Result:
    """What was derived from readings."""

    verdicts: list[Verdict]
    """In order of (time, value)."""
    segments: Segments
    sky: Sky

    def known(self) -> Segments:
        return self.segments.take(self.segments.mark != Mark.BREAK)

    def quantities(self) -> list[int]:
        return (self.known().last - self.known().first).tolist()  # type: ignore[no-any-return]

    def lengths(self) -> list[int]:
        return (self.segments.end - self.segments.start).tolist()  # type: ignore[no-any-return]

    def marks(self) -> list[Mark]:
        return [Mark(mark) for mark in self.segments.mark]

    def covered(self) -> int:
        return int((self.known().end - self.known().start).sum())

    def quarter_quantities(self) -> dict[int, int]:
        """Quantity by quarter hour's start."""
        shares = spread(self.segments, self.sky)
        rows = quarters(self.segments, shares, np.zeros_like(shares.quarter))
        return dict(zip((rows.quarter * QUARTER).tolist(), rows.quantity.tolist(), strict=True))

    def day_rows(self) -> list[Day]:
        shares = spread(self.segments, self.sky)
        table: Days = days(self.segments, shares, np.zeros_like(shares.quarter), SHANGHAI.number(shares.quarter))
        return [Day(*row) for row in zip(*(column.tolist() for column in table), strict=True)]


def readings_of(readings: Sequence[Reading], serials: Mapping[Reading, int] | None = None) -> Readings:
    """As the tables hold them: distinct and in order."""
    distinct = sorted(set(readings))
    time, value = np.array(distinct, np.int64).reshape(-1, 2).T
    return Readings(time, value, np.array([(serials or {}).get(key, 0) for key in distinct], np.int64))


def run(
    register: Meter | Sequence[Span],
    readings: Sequence[Reading],
    *,
    serials: Mapping[Reading, int] | None = None,
    choices: Mapping[int, int] | None = None,
    sky: Sky = no_sky,
) -> Result:
    """All that follows from `readings` of a register."""
    known = [Span(LONG_AGO, FOREVER, register)] if isinstance(register, Meter) else register
    verdicts, segments = derive(
        Register(known, Meters(), choices), 1, readings_of(readings, serials), -FOREVER, FOREVER
    )
    return Result([Verdict(code) for code in verdicts], segments, sky)
