"""Readings as columns, and the steps between them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from compound.timeutil import DAY
from processors.energy.exact import Ints
from processors.energy.meter import MISFIT, Meters

Change = tuple[int, int]
"""(from when, number of the meter's parameters from then on)."""


class Points(NamedTuple):
    """Readings of many registers, in order of (series, chain, time, value).

    A series is what a meter says of one register; a chain is one physical register in it, from installation to removal.
    """

    series: Ints
    chain: Ints
    """Grows along the readings."""
    time: Ints
    value: Ints
    meter: Ints
    """Number (in `Meters`) of the parameters that held at the reading's time."""
    serial: Ints
    """Number of the serial that the reading carries, 0 for none."""
    meters: Meters
    changes: Mapping[int, list[Change]]
    """By chain, for those whose parameters change: every change in order of time, the first at the chain's start."""

    def take(self, index: Ints) -> Points:
        """The chosen readings."""
        return self._replace(
            series=self.series[index],
            chain=self.chain[index],
            time=self.time[index],
            value=self.value[index],
            meter=self.meter[index],
            serial=self.serial[index],
        )

    def steps(self, first: Ints, second: Ints) -> Ints:
        """How far the register went from readings `first` to `second` (indices, of one chain), MISFIT where the step doesn't fit.

        A step between two serials never fits: it is another register (DOMAIN, Replacement).
        """
        meter, later = self.meter[first], self.meter[second]
        duration = self.time[second] - self.time[first]
        delta = self.meters.delta(meter, duration, self.value[first], self.value[second])
        for n in np.flatnonzero(meter != later):
            delta[n] = self._step_across(int(first[n]), int(second[n]))
        serial, other = self.serial[first], self.serial[second]
        return np.where((serial != other) & (serial != 0) & (other != 0), MISFIT, delta)

    def stretches(self, first: int, second: int) -> list[tuple[int, int, int]]:
        """The step's parts by parameters: (start, end, number of the meter)."""
        start, end = int(self.time[first]), int(self.time[second])
        changes = [change for change in self.changes[int(self.chain[first])] if start < change[0] < end]
        edges = [start, *(since for since, _ in changes), end]
        meters = [int(self.meter[first]), *(meter for _, meter in changes)]
        return [(since, until, meter) for (since, until), meter in zip(pairwise(edges), meters, strict=True)]

    def _step_across(self, first: int, second: int) -> int:
        """A step across a change of parameters fits when it is no more than its parts allow together, and one register step."""
        parts = [(end - start, self.meters.items[meter]) for start, end, meter in self.stretches(first, second)]
        limit = sum(
            (meter.rate * duration for duration, meter in parts), Fraction(max(meter.step for _, meter in parts))
        )
        low, high = int(self.value[first]), int(self.value[second])
        modulus = parts[0][1].modulus
        short = sum(duration for duration, _ in parts) <= DAY
        if (
            high < low
            and short
            and 10 * low > 9 * modulus
            and 10 * high < modulus == self.meters.items[self.meter[second]].modulus
        ):
            high += modulus
        return high - low if 0 <= high - low <= limit else MISFIT
