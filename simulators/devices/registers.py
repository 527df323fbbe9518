"""A meter's register over a day: what it shows, what of it can be counted on, and its faults.

`shown` is the register's value as the device reports it: whole steps, wrapped at the modulus, in the field's unit.
`metered` is the same as a counter that never wraps and goes on over replacements, in Wh or litres from the day the
simulation began: what a platform that does everything right makes of the register. Energy that flowed while no
register counted (a swap, a stuck register) is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np

from simulators.clock import DAY, QUARTER
from simulators.demo.meters import Meter
from simulators.faults.scenario import Fault
from simulators.world.weather import Ints


class Installed(msgspec.Struct):
    """A register as it hangs there since `since`."""

    since: int
    zero: int
    """The counter of the load (Wh or l) at which this register showed `start`."""
    start: int
    """What it showed then, unwrapped, in its field's unit."""
    metered: int
    """`metered` at that moment."""
    serial: str | None = None


class Removed(msgspec.Struct):
    """A register that was taken away and not yet replaced."""

    final: int
    """What it showed, in its field's unit."""
    metered: int
    """`metered` since then, until another is counted on."""


class Counter(msgspec.Struct):
    """What of a register goes over midnight."""

    true: int
    """Everything that has flowed, Wh or l."""
    counted: int
    """What has flowed while the register was not stuck."""
    installed: Installed
    last: int = 0
    """What flowed in the last quarter hour (interval meters)."""
    removed: Removed | None = None


class Swap(msgspec.Struct):
    """A replacement as a technician would record it, in the field's unit."""

    device: str
    register: str
    removed_at: int
    final: int
    installed_at: int
    start: int
    serial: str | None


@dataclass
class RegisterDay:
    """One register's day: the 97 quarter-hour ends from midnight to midnight, and every moment between."""

    meter: Meter
    register: str
    start: int
    true: Ints
    counted: Ints
    installed: list[Installed]
    swaps: list[tuple[Fault, Swap]] = field(default_factory=list)
    standing: list[tuple[int, int, int]] = field(default_factory=list)
    """[from, to) without a register, and `metered` over it."""
    removed: Removed | None = None
    """What was taken away and is not replaced by the day's end."""

    def at(self, counts: Ints, time: int) -> int:
        """A counter at `time`, spread evenly over its quarter hour, rounded down."""
        quarter, rest = divmod(time - self.start, QUARTER)
        if not rest:
            return int(counts[quarter])
        return int(counts[quarter] + (int(counts[quarter + 1]) - int(counts[quarter])) * rest // QUARTER)

    def _raw(self, hanging: Installed, counted: Ints) -> Ints:
        """What the register shows, unwrapped."""
        ratio, step = self.meter.ratio, self.meter.step
        steps = (counted - hanging.zero) * ratio.denominator // (ratio.numerator * step)
        return hanging.start + steps * step

    def _metered(self, hanging: Installed, raw: Ints) -> Ints:
        ratio = self.meter.ratio
        floor = raw * ratio.numerator // ratio.denominator
        return hanging.metered + floor - hanging.start * ratio.numerator // ratio.denominator

    def read(self, time: int) -> tuple[int, int, str | None]:
        """(shown, metered, serial) at `time`."""
        hanging = next(one for one in reversed(self.installed) if one.since <= time)
        raw = self._raw(hanging, np.array([self.at(self.counted, time)], np.int64))
        return int(raw[0]) % self.meter.modulus, int(self._metered(hanging, raw)[0]), hanging.serial

    def quarters(self) -> tuple[Ints, Ints]:
        """(shown, metered) at the 97 quarter-hour ends."""
        shown, metered = np.empty(97, np.int64), np.empty(97, np.int64)
        times = self.start + QUARTER * np.arange(97)
        for number, hanging in enumerate(self.installed):
            later = self.installed[number + 1].since if number + 1 < len(self.installed) else self.start + 2 * DAY
            held = (times >= hanging.since) & (times < later)
            raw = self._raw(hanging, self.counted[held])
            shown[held], metered[held] = raw % self.meter.modulus, self._metered(hanging, raw)
        for begin, end, value in self.standing:
            metered[(times >= begin) & (times < end)] = value
        return shown, metered

    def serial(self, time: int) -> str | None:
        """The serial that a reading at `time` carries."""
        return next(one for one in reversed(self.installed) if one.since <= time).serial

    def carry(self) -> Counter:
        """What the next day begins with."""
        return Counter(
            true=int(self.true[-1]),
            counted=int(self.counted[-1]),
            installed=self.installed[-1],
            last=int(self.true[-1] - self.true[-2]),
            removed=self.removed,
        )


def first(meter: Meter, register: str, fraction: float, left: int | None, origin: int) -> Counter:
    """A register on the first day: somewhere (`fraction`) in its range, or `left` units (Wh, l) before it wraps."""
    ratio, step = meter.ratio, meter.step
    whole = int(meter.modulus * fraction) if left is None else meter.modulus - int(left / ratio)
    shown = whole // (step * ratio.denominator) * step * ratio.denominator
    counted = int(shown * ratio)
    return Counter(counted, counted, Installed(origin, counted, shown, 0, meter.serial))


def of_day(
    meter: Meter, register: str, start: int, quarters: Ints, before: Counter, faults: list[Fault]
) -> RegisterDay:
    """The day's register. Stuck registers and replacements change what is counted; spikes are the reader's."""
    counts = quarters.copy()
    for fault in faults:
        if fault.kind == "stuck":
            first_quarter, last = (max(0, min(96, (t - start) // QUARTER)) for t in (fault.start, fault.end))
            counts[first_quarter:last] = 0
    day = RegisterDay(
        meter=meter,
        register=register,
        start=start,
        true=np.concatenate([[before.true], before.true + np.cumsum(quarters)]),
        counted=np.concatenate([[before.counted], before.counted + np.cumsum(counts)]),
        installed=[before.installed],
    )
    for fault in faults:
        if fault.kind == "replacement" and fault.start < start + DAY and fault.end > start:
            _swap(day, fault, before.removed)
    return day


def _swap(day: RegisterDay, fault: Fault, removed: Removed | None) -> None:
    """No register from the fault's start on, another from its end on. `removed`: what an earlier day took away for it.

    Without a record only whole quarter hours of either register count.
    """
    recorded = bool(fault.more.get("recorded", True))
    if fault.start >= day.start:
        removed = Removed(*day.read(fault.start if recorded else fault.start // QUARTER * QUARTER)[:2])
    assert removed is not None, "a day begins with what the day before took away"
    day.standing.append((fault.start, fault.end, removed.metered))
    if fault.end > day.start + DAY:
        day.removed = removed
        return
    start, serial = int(fault.more.get("start", 0)), fault.more.get("serial")
    hanging = Installed(fault.end, day.at(day.counted, fault.end), start, 0, serial)
    ratio = day.meter.ratio
    begun = fault.end if recorded else -(-fault.end // QUARTER) * QUARTER
    ahead = day._raw(hanging, np.array([day.at(day.counted, begun)], np.int64))
    unseen = int(ahead[0]) * ratio.numerator // ratio.denominator - start * ratio.numerator // ratio.denominator
    hanging.metered = removed.metered - unseen  # so that the counter stands still over what no record vouches for
    day.installed.append(hanging)
    swap = Swap(day.meter.device, day.register, fault.start, removed.final, fault.end, start, serial)
    day.swaps.append((fault, swap))
