"""Local days of quarter hours. Zones lie whole quarter hours from UTC, so a quarter hour belongs to one day."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from compound.timeutil import QUARTER, moment
from processors.energy.exact import Ints

_A_DAY = 96


class LocalDays:
    """The calendar of one zone: remembers the offset of every UTC day it was asked for."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._offsets: dict[int, Ints] = {}

    def number(self, quarter: Ints) -> Ints:
        """The local day of each quarter hour's start, in days since 1970-01-01."""
        days, which = np.unique(quarter // _A_DAY, return_inverse=True)
        offsets = np.array([self._offset(day) for day in days.tolist()], np.int64).reshape(-1, _A_DAY)
        return (quarter + offsets[which, quarter % _A_DAY]) // _A_DAY

    def _offset(self, day: int) -> Ints:
        """Offset from UTC, in quarter hours, during the 96 quarter hours of a UTC day."""
        if day not in self._offsets:
            ends = {self._at(day * _A_DAY), self._at((day + 1) * _A_DAY)}
            found = [self._at(day * _A_DAY + n) for n in range(_A_DAY)] if len(ends) > 1 else [*ends] * _A_DAY
            self._offsets[day] = np.array(found, np.int64)
        return self._offsets[day]

    def _at(self, quarter: int) -> int:
        offset = moment(quarter * QUARTER).astimezone(self.zone).utcoffset()
        assert offset is not None, "an aware time has an offset"
        return int(offset.total_seconds()) // 900
