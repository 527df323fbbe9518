"""Energy and water of a day: every meter's quarter hours in whole Wh or litres, summing exactly up the tree."""

from __future__ import annotations

from datetime import date

import numpy as np

from simulators.demo.meters import BY_KEY, CHILDREN, METERS, Meter
from simulators.world import loads
from simulators.world.seeds import generator
from simulators.world.solar import Inverter
from simulators.world.weather import Floats, Ints, Weather

Quarters = dict[tuple[str, str], Ints]
"""(meter key, register) -> what passed in each of the 96 quarter hours."""

_LOSS = {"electricity": 0.008, "water": 0.02, "gas": 0.0, "heat": 0.03}
"""Share lost between a meter and those under it: cables, leaks, pipes."""


def of_day(seed: int, day: date, weather: Weather, inverters: dict[str, Inverter]) -> Quarters:
    """All meters' day. The main meter sees loads and losses less generation, and the battery either way."""
    temperature = weather.ambient.reshape(loads.QUARTERS, 3).mean(axis=1)
    used: dict[str, Ints] = {}
    for meter in METERS:
        if meter.parent is None:
            _sum(seed, day, meter, temperature, used)
    quarters: Quarters = {
        (meter.key, meter.registers[0]): used[meter.key] for meter in METERS if meter.role != "storage"
    }
    charge, discharge = _battery(seed, day)
    generation = np.sum([i.energy.reshape(loads.QUARTERS, 3).sum(axis=1) for i in inverters.values()], axis=0)
    net = used["main"] - generation + charge - discharge
    quarters["main", "import_wh"] = np.maximum(net, 0)
    quarters["main", "export_wh"] = np.maximum(-net, 0)
    quarters["bat", "import_wh"], quarters["bat", "export_wh"] = charge, discharge
    return quarters


def _sum(seed: int, day: date, meter: Meter, temperature: Floats, used: dict[str, Ints]) -> Ints:
    """What `meter` measures: its own load, its children, and a small true loss."""
    total = loads.leaf(seed, day, meter, temperature)
    below = np.zeros(loads.QUARTERS, np.int64)
    for child in CHILDREN[meter.key]:
        if child.role == "storage":
            continue
        below = below + _sum(seed, day, child, temperature, used)
    if below.any():
        share = _LOSS[meter.medium] * generator(seed, f"loss/{meter.key}", day).uniform(0.6, 1.4, loads.QUARTERS)
        total = total + below + np.rint(below * share).astype(np.int64)
    used[meter.key] = total
    return total


def _battery(seed: int, day: date) -> tuple[Ints, Ints]:
    """Charge (in the valley and at noon) and discharge (at the evening peak) of the battery, Wh a quarter hour."""
    random = generator(seed, "battery", day)
    hours = np.arange(loads.QUARTERS) / 4
    power = BY_KEY["bat"].peak * random.uniform(0.85, 1.0, loads.QUARTERS)
    charging = ((hours >= 1) & (hours < 4)) | ((hours >= 11) & (hours < 12.5))
    discharging = (hours >= 17.5) & (hours < 21)
    none = np.zeros(loads.QUARTERS)
    charge, discharge = np.where(charging, power / 4, none), np.where(discharging, power / 4, none)
    return charge.astype(np.int64), discharge.astype(np.int64)
