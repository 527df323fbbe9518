"""What must be known of a meter to read its registers, as values and as columns for arithmetic on many at once.

Registers are integers in their field's unit (secondary Wh, litres, pulses), quantities integers in Wh or litres,
times integers in microseconds UTC.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from compound.timeutil import DAY, HOUR
from processors.energy.exact import Ints, muldiv

MARGIN = Fraction(11, 10)
"""A step may exceed rated power by this factor (DOMAIN, Fits)."""

_LARGEST_COUNTER = 2**62

MISFIT = -1
"""What `Meters.delta` says of a step that does not fit."""


def bounded(ratio: Fraction, most: int) -> Fraction:
    """`ratio` as it is, unless it is absurd: then the nearest below `most` whose terms leave room in 64 bits."""
    if max(ratio.numerator, ratio.denominator) < 2**50 and ratio <= most:
        return ratio
    return max(min(ratio, Fraction(most)).limit_denominator(10**12), Fraction(1, 10**12))


class Meter(NamedTuple):
    """Parameters of a register while they hold."""

    modulus: int
    """The register counts 0 … modulus - 1 (units of the register)."""
    ratio: Fraction
    """Wh or litres of one unit of the register: CT x PT x unit."""
    step: int
    """One step of the register's last digit, in its unit."""
    rated: int
    """Rated power in W, or flow in l/h."""
    interval: int
    """How often it reports, microseconds."""
    sky: int = 0
    """Number of the sky over a PV register, which its segments over an hour follow; 0: spread evenly."""

    @property
    def rate(self) -> Fraction:
        """The most it may count in a microsecond, in units of the register."""
        return bounded(MARGIN * self.rated / (HOUR * self.ratio), 10**6)

    @property
    def largest(self) -> int:
        """No register shows more: its counter, rolled over once, still fits 64 bits."""
        return min(int(_LARGEST_COUNTER / self.ratio), _LARGEST_COUNTER)

    def same_register(self, other: Meter) -> bool:
        """Whether readings of both continue one counter; if not, the change is a replacement (DOMAIN, Replacement)."""
        return self.ratio == other.ratio and self.modulus == other.modulus


class Meters:
    """Distinct `Meter`s as columns; a reading refers to its own by index. Grows, never changes."""

    def __init__(self) -> None:
        self._index: dict[Meter, int] = {}
        self.items: list[Meter] = []
        self._columns: Ints = np.zeros((8, 0), np.int64)

    def index(self, meter: Meter) -> int:
        """The number of `meter`, a new one when it was not seen before."""
        found = self._index.get(meter)
        if found is None:
            found = self._index[meter] = len(self.items)
            self.items.append(meter)
            column = [
                meter.modulus,
                meter.ratio.numerator,
                meter.ratio.denominator,
                meter.step,
                meter.rate.numerator,
                meter.rate.denominator,
                meter.interval,
                meter.sky,
            ]
            self._columns = np.column_stack([self._columns, np.array(column, np.int64)])
        return found

    def interval(self, meter: Ints) -> Ints:
        """The reporting interval of each, microseconds."""
        interval: Ints = self._columns[6, meter]
        return interval

    def sky(self, meter: Ints) -> Ints:
        """Number of the sky over each, 0 for none."""
        sky: Ints = self._columns[7, meter]
        return sky

    def counter(self, meter: Ints, register: Ints) -> Ints:
        """W = floor(register x ratio): the register is rounded, never a difference (DOMAIN, Rounding)."""
        return muldiv(register, self._columns[1, meter], self._columns[2, meter])

    def wrap(self, meter: Ints) -> Ints:
        """What a rollover adds to the counter: floor(modulus x ratio), so that counters telescope across it."""
        return self.counter(meter, self._columns[0, meter])

    def limit(self, meter: Ints, duration: Ints) -> Ints:
        """The largest delta of a fitting step: rated x 1.1 x duration + one step, in units of the register."""
        limit: Ints = muldiv(self._columns[4, meter], duration, self._columns[5, meter]) + self._columns[3, meter]
        return limit

    def delta(self, meter: Ints, duration: Ints, first: Ints, second: Ints) -> Ints:
        """How far each register went from `first` to `second` in `duration`, MISFIT where that does not fit.

        Fits: 0 <= delta <= limit. Rollover: first > 0.9 M, second < 0.1 M, fits, lasts at most a day (DOMAIN).
        """
        modulus = self._columns[0, meter]
        delta = second - first
        rolled = (delta < 0) & (first > modulus * 9 // 10) & (second <= (modulus - 1) // 10) & (duration <= DAY)
        delta = np.where(rolled, delta + modulus, delta)
        return np.where((delta >= 0) & (delta <= self.limit(meter, duration)), delta, MISFIT)
