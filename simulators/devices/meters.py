"""What meters report: registers at every quarter hour (the load profile that a meter freezes and keeps), and live more often."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from simulators.clock import QUARTER
from simulators.demo.meters import METERS, Meter
from simulators.devices import registers
from simulators.devices.registers import Counter, RegisterDay, Swap
from simulators.faults.scenario import Fault
from simulators.world.energy import Quarters
from simulators.world.happened import Observation
from simulators.world.seeds import generator
from simulators.world.weather import Ints


class Count(NamedTuple):
    """A counter at an instant: `metered` as it can be known (Wh or l), `true` as it is."""

    device: str
    register: str
    time: int
    metered: int
    true: int


class Flaw(NamedTuple):
    """A reading at `time` that is not what the register counted, or the stretch over which it is not known."""

    device: str
    start: int
    end: int
    why: str
    kind: str
    """gap: the registers around bound it | break: the energy is unknown | uncovered: known, but not all the time."""


class MetersDay:
    """The meters over one day: `registers` by (meter key, register), swaps and flaws, and readings on demand."""

    def __init__(
        self, seed: int, start: int, quarters: Quarters, before: dict[str, Counter], faults: list[Fault]
    ) -> None:
        self.start = start
        self.before = before
        self.faults = {meter.device: [f for f in faults if f.device == meter.device] for meter in METERS}
        self.days: dict[tuple[str, str], RegisterDay] = {}
        for meter in METERS:
            for register in meter.registers:
                known = before.get(f"{meter.device}/{register}")
                own = self.faults[meter.device]
                self.days[meter.key, register] = registers.of_day(
                    meter,
                    register,
                    start,
                    quarters[meter.key, register],
                    known or _first(seed, meter, register, start, own),
                    own,
                )

    def carry(self) -> dict[str, Counter]:
        """The counters at the day's end."""
        return {f"{day.meter.device}/{day.register}": day.carry() for day in self.days.values()}

    def swaps(self) -> list[tuple[Fault, Swap]]:
        """The day's replacements of registers."""
        return [swap for day in self.days.values() for swap in day.swaps]

    def counts(self) -> list[Count]:
        """Every register at the day's 96 quarter-hour beginnings."""
        result = []
        times = [self.start + n * QUARTER for n in range(96)]
        for (_, register), day in self.days.items():
            metered = day.quarters()[1] if register != "interval_wh" else day.counted
            device = day.meter.device
            result += [
                Count(device, register, *row)
                for row in zip(times, metered[:96].tolist(), day.true[:96].tolist(), strict=True)
            ]
        return result

    def flaws(self) -> list[Flaw]:
        """What can't be known because of the registers themselves."""
        result = []
        for fault, swap in self.swaps():
            if fault.more.get("recorded", True):
                result.append(Flaw(swap.device, fault.start, fault.end, "replaced", "uncovered"))
            else:
                left, begun = fault.start // QUARTER * QUARTER, -(-fault.end // QUARTER) * QUARTER
                result.append(Flaw(swap.device, left, begun, "replaced without a record", "break"))
        return result

    def observations(self, meter: Meter, extra: Iterable[int]) -> list[Observation]:
        """Readings at the quarter hours of the day, and at the instants `extra` of it."""
        if meter.register == "interval_wh":
            return self._intervals(meter)
        days = [(register, self.days[meter.key, register]) for register in meter.registers]
        gone = [f for f in self.faults[meter.device] if f.kind == "replacement"]
        columns = [(register, self._spiked(day, day.quarters()[0])) for register, day in days]
        watts = np.diff(days[0][1].counted) * 4
        result = []
        for n in range(96):
            time = self.start + n * QUARTER
            if any(fault.start <= time < fault.end for fault in gone):
                continue
            values = [(register, int(shown[n])) for register, shown in columns]
            power = int(watts[n - 1]) if n and meter.medium == "electricity" and len(days) == 1 else None
            result.append(Observation(time, "reading", _body(meter, values, power, days[0][1].serial(time))))
        for time in extra:
            if time % QUARTER and not any(fault.start <= time < fault.end for fault in gone):
                values = [(register, day.read(time)[0]) for register, day in days]
                power = int(watts[(time - self.start) // QUARTER]) if len(days) == 1 else None
                power = power if meter.medium == "electricity" else None
                result.append(Observation(time, "reading", _body(meter, values, power, days[0][1].serial(time))))
        result.sort(key=lambda seen: seen.time)
        return result

    def _spiked(self, day: RegisterDay, shown: Ints) -> Ints:
        """The readings with those that a disturbance made far too high."""
        for fault in self.faults[day.meter.device]:
            if fault.kind == "spike":
                hit = [n for n in range(96) if fault.start <= self.start + n * QUARTER < fault.end]
                shown[hit] += int(fault.more["height"])
        return shown

    def _intervals(self, meter: Meter) -> list[Observation]:
        """The energy of each quarter hour, reported at its end."""
        day = self.days[meter.key, meter.register]
        energies = np.diff(day.counted).tolist()
        before = self.before.get(f"{meter.device}/{meter.register}")
        ended = ([before.last] if before else [None]) + energies[:95]
        return [
            Observation(self.start + n * QUARTER, "reading", f'"interval_s":900,"interval_wh":{energy}')
            for n, energy in enumerate(ended)
            if energy is not None
        ]


def _first(seed: int, meter: Meter, register: str, start: int, faults: list[Fault]) -> Counter:
    random = generator(seed, f"register/{meter.key}/{register}")
    left = next(
        (int(f.more["left"]) for f in faults if f.kind == "rollover" and f.more.get("register", register) == register),
        None,
    )
    return registers.first(meter, register, float(random.uniform(0.08, 0.6)), left, start)


_ITEMS = {"import_wh": "00010000", "export_wh": "00020000"}


def _body(meter: Meter, values: list[tuple[str, int]], power: int | None, serial: str | None) -> str:
    if meter.wire == "dlt645":
        items = [f'"{_ITEMS[name]}":"{wh // 1000}.{wh % 1000 // 10:02d}"' for name, wh in values]
        return f'"items":{{{",".join(items)}}}'
    fields = [f'"serial":"{serial}"'] if serial else []
    fields += [f'"{name}":{value}' for name, value in values]
    if power is not None:
        fields.append(f'"power_w":{power}')
    return ",".join(fields)
