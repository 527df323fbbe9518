"""Half a year of a few devices of every kind: live data, a backfill of 40 days, and points months late. The same every time."""

from __future__ import annotations

import random
from typing import Any

from compound.timeutil import DAY, HOUR, MINUTE, QUARTER, SECOND
from tests.properties.events import START, Given, message

FIRST = START - 200 * DAY
"""When the oldest points are; the devices are registered since earlier."""


def live() -> list[Given]:
    """Three days that arrive first, in order."""
    return _stretch(START - 3 * DAY, 3 * DAY)


def backfill() -> list[Given]:
    """The forty days before them, as a gateway sends them after an outage."""
    return _stretch(START - 43 * DAY, 40 * DAY)


def late() -> list[Given]:
    """Points of single hours all over the half year, older than several chunks, some of them between points that are known."""
    found = []
    for day in range(0, 200, 20):
        found += _stretch(FIRST + day * DAY + 5 * HOUR + 7 * MINUTE, HOUR)
    return found


def _stretch(since: int, length: int) -> list[Given]:
    """What the devices say in [since, since + length): a function of the time, so that stretches fit each other."""
    chance = random.Random(since)
    found: list[Given] = []
    for time in range(since, since + length, 2 * QUARTER):
        age = (time - FIRST) // SECOND
        seq = age // 60
        found += [
            message("meter", "reading", meter, time, {"boot": 1, "seq": seq, "import_wh": 1000 + age * watts // 3600})
            for meter, watts in (("m1", 4000), ("m2", 1500))
        ]
        found.append(message("weather", "reading", "w1", time, {"boot": 1, "seq": seq, "poa_w_m2": age % 900}))
        counter = {"boot": 1, "seq": seq, "energy_wh": age * 2 % 2**32, "power_w": 1800, "evt1": 0}
        found.append(message("inverter", "reading", "i1", time, {**counter, "state": chance.choice((4, 4, 4, 7))}))
    for time in range(since, since + length, 8 * HOUR):
        found += _doings(time + chance.randrange(60) * MINUTE, chance)
    return found


def _doings(time: int, chance: random.Random) -> list[Given]:
    """A car, a person and a parcel."""
    seq = (time - FIRST) // SECOND

    def said(kind: str, device: str, seconds: int, data: dict[str, Any]) -> Given:
        return message(kind, "event", device, time + seconds * SECOND, {"boot": 1, "seq": seq + seconds, **data})

    token = f"tok:access:2026-09:{chance.choice('ab') * 32}"
    spot, gate, cell = chance.choice(("s1", "s2")), chance.choice(("g1", "g2")), chance.choice(("A1", "A2"))
    return [
        said("parking", spot, 0, {"state": "occupied"}),
        said("parking", spot, chance.randrange(40, 2400), {"state": "free"}),
        said("gate", gate, 1, {"event": "grant", "card": token, "direction": chance.choice(("in", "out"))}),
        said("gate", gate, 2, {"event": "opened"}),
        said("gate", gate, 4, {"event": "passage", "direction": "in"}),
        said("gate", gate, chance.randrange(5, 90), {"event": "closed"}),
        said("locker", "l1", 3, {"event": "opened", "cell": cell, "purpose": chance.choice(("deposit", "pickup"))}),
        said("locker", "l1", 20, {"event": "closed", "cell": cell, "present": chance.random() < 0.5}),
    ]
