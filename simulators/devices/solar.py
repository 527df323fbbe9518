"""What inverters and the weather station report, every five minutes."""

from __future__ import annotations

import re

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


def first_energy(seed: int, device: str, faults: list[Fault]) -> int:
    """Wh an inverter has counted when the simulation begins; a rollover fault says how many are left to 2**32."""
    for fault in faults:
        if fault.kind == "rollover" and fault.device == device:
            return ACC32 - int(fault.more["left"])
    return int(generator(seed, f"energy/{device}").integers(40_000_000, 90_000_000))


def inverter(
    start: int, device: str, day: Inverter, before: int, rebooted: set[int]
) -> tuple[list[Observation], list[Count]]:
    """A day's readings and counters; `before`: Wh at midnight. At the instants `rebooted` the counter reads 0."""
    energy = np.concatenate([[before], before + np.cumsum(day.energy)])
    power = np.concatenate([[0], day.power])
    state = np.concatenate([[SLEEPING], day.state])
    evt1 = np.concatenate([[0], day.evt1])
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
    return observations, counts


def faults(device: str, seen: list[Observation]) -> list[Condition]:
    """The inverter's faults, from the first reading that tells of one to the first that does not."""
    found, since = [], None
    for observation in seen:
        faulty = _FAULTY.search(observation.body) is not None
        if faulty and since is None:
            since = observation.time
        elif not faulty and since is not None:
            found.append(Condition("inverter-fault", device, "inverter", since, observation.time))
            since = None
    return found


_FAULTY = re.compile(rf'"(?:state|St)":{FAULT}\b')


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
