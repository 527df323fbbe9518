"""What inverters and the weather station report, every five minutes."""

from __future__ import annotations

import msgspec
import numpy as np

from simulators.clock import QUARTER
from simulators.demo import places
from simulators.devices.meters import Count
from simulators.faults.scenario import Fault
from simulators.world.happened import Condition, Observation
from simulators.world.seeds import generator
from simulators.world.solar import FAULT, SLEEPING, Inverter
from simulators.world.weather import STEP, STEPS, Weather

ACC32 = 2**32


class Running(msgspec.Struct):
    """What of an inverter goes over midnight: Wh counted, what its last step was like, and since when it tells of a fault."""

    energy: int
    state: int = SLEEPING
    evt1: int = 0
    faulty_since: int | None = None


def first(seed: int, device: str, faults: list[Fault]) -> Running:
    """An inverter when the simulation begins; a rollover fault says how many Wh are left to 2**32."""
    for fault in faults:
        if fault.kind == "rollover" and fault.device == device:
            return Running(ACC32 - int(fault.more["left"]))
    return Running(int(generator(seed, f"energy/{device}").integers(40_000_000, 90_000_000)))


def inverter(
    start: int, device: str, day: Inverter, before: Running, rebooted: set[int]
) -> tuple[list[Observation], list[Count], list[Condition], Running]:
    """A day's readings, counters and faults, and what the next day begins with.

    At the instants `rebooted` the counter reads 0. A fault that goes on has no end yet; the day that ends it tells it again.
    """
    energy = np.concatenate([[before.energy], before.energy + np.cumsum(day.energy)])
    power = np.concatenate([[0], day.power])
    state = np.concatenate([[before.state], day.state])
    evt1 = np.concatenate([[before.evt1], day.evt1])
    encode = _sunspec if device == places.SUNSPEC else _native
    observations = []
    for n in range(STEPS):
        time = start + n * STEP
        shown = 0 if time in rebooted else int(energy[n]) % ACC32
        observations.append(Observation(time, "reading", encode(shown, int(power[n]), int(state[n]), int(evt1[n]))))
    counts = [
        Count(device, "energy_wh", start + n * STEP, int(energy[n]), int(energy[n]))
        for n in range(0, STEPS, QUARTER // STEP)
    ]
    conditions, since = _faults(device, start, (state[:STEPS] == FAULT).tolist(), before.faulty_since)
    return observations, counts, conditions, Running(int(energy[-1]), int(state[-1]), int(evt1[-1]), since)


def _faults(device: str, start: int, faulty: list[bool], since: int | None) -> tuple[list[Condition], int | None]:
    """Its faults, from the first reading that tells of one to the first that does not; and since when one goes on."""
    found = []
    for time, broken in zip(range(start, start + STEPS * STEP, STEP), faulty, strict=True):
        if broken and since is None:
            since = time
        elif not broken and since is not None:
            found.append(Condition("inverter-fault", device, "inverter", since, time))
            since = None
    return found + ([] if since is None else [Condition("inverter-fault", device, "inverter", since, None)]), since


def _native(energy: int, power: int, state: int, evt1: int) -> str:
    return f'"energy_wh":{energy},"power_w":{power},"state":{state},"evt1":{evt1}'


def _sunspec(energy: int, power: int, state: int, evt1: int) -> str:
    """Raw registers of model 103; power has a scale factor of 10 W."""
    registers = f'"W":{power // 10},"W_SF":1,"WH":{energy},"WH_SF":0,"St":{state},"Evt1":{evt1}'
    return f'"model":103,"registers":{{{registers}}}'


def weather(start: int, day: Weather) -> list[Observation]:
    """A day of the weather station: whole W/m² and thousandths of a degree."""
    rows = zip(
        np.rint(day.poa).astype(int).tolist(),
        np.rint(day.ghi).astype(int).tolist(),
        np.rint(day.ambient * 1000).astype(int).tolist(),
        np.rint(day.module * 1000).astype(int).tolist(),
        strict=True,
    )
    return [
        Observation(
            start + n * STEP,
            "reading",
            f'"poa_w_m2":{poa},"ghi_w_m2":{ghi},"ambient_mc":{ambient},"module_mc":{module}',
        )
        for n, (poa, ghi, ambient, module) in enumerate(rows)
    ]
