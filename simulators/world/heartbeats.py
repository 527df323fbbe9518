"""What sensors and controllers say when nothing happens, and cars that only pass over a spot's sensor."""

from __future__ import annotations

import bisect

import numpy as np

from simulators import clock
from simulators.clock import HOUR, MINUTE, QUARTER, SECOND
from simulators.demo.places import BANKS, CELLS, DOORS, HEARTBEAT_S, SPOTS
from simulators.world.happened import Happened

Changes = dict[str, list[tuple[int, str]]]
"""Spot -> its changes in order of time, the state at midnight first where that is occupied."""


def spots(happened: Happened, changes: Changes, start: int, random: np.random.Generator) -> None:
    """Every spot's hourly heartbeat, each at a minute of its own; and a few cars that pass over a free spot."""
    for _ in range(5):
        _pass_over(happened, changes, start, random)
    every = HEARTBEAT_S * SECOND
    for number, spot in enumerate(SPOTS):
        phase = (number * 11 + 7) % HEARTBEAT_S * SECOND
        seen = sorted(changes.get(spot, []))
        for time in range(start + phase, start + clock.DAY, every):
            state = _state(seen, time)
            happened.observe(spot, time, "reading", f'"state":"{state}"')


def _state(changes: list[tuple[int, str]], time: int) -> str:
    place = bisect.bisect_right(changes, (time, "~"))
    return changes[place - 1][1] if place else "free"


def _pass_over(happened: Happened, changes: Changes, start: int, random: np.random.Generator) -> None:
    """A car stands on a free spot for less than half a minute: no stay."""
    spot = list(SPOTS)[int(random.integers(len(SPOTS)))]
    time = start + int(random.uniform(8, 19) * HOUR)
    lasts = int(random.integers(8, 26)) * SECOND
    seen = sorted(changes.get(spot, []))
    if _state(seen, time) != "free" or any(abs(other - time) < 10 * MINUTE for other, _ in seen):
        return
    happened.observe(spot, time, "event", '"state":"occupied"')
    happened.observe(spot, time + lasts, "event", '"state":"free"')
    changes[spot] += [(time, "occupied"), (time + lasts, "free")]
    changes[spot].sort()


def gates(happened: Happened, ajar: dict[str, tuple[int, int]], start: int, extra: list[int]) -> None:
    """Every door's state each quarter hour, and at the instants `extra`. `ajar`: what stands open from the day before."""
    open_at = {door: [ajar[door]] if door in ajar else [] for door in DOORS}
    for opening in happened.openings:
        open_at[opening.door].append((opening.start, opening.end))
    for number, door in enumerate(DOORS):
        openings = sorted(open_at[door])
        phase = (number * 61 + 13) * SECOND + SECOND // 2  # no incident begins at half a second
        for time in {*range(start + phase, start + clock.DAY, QUARTER), *(minute + phase % MINUTE for minute in extra)}:
            place = bisect.bisect_right(openings, (time, start + 2 * clock.DAY)) - 1
            shut = place < 0 or openings[place][1] <= time
            happened.observe(door, time, "reading", f'"door":"{"closed" if shut else "open"}"')


def banks(happened: Happened, in_use: dict[str, int], start: int) -> None:
    """Every bank's number of free cells each quarter hour (as the day ended: nobody counts by it)."""
    for number, bank in enumerate(BANKS):
        body = f'"cells_free":{len(CELLS) - in_use[bank]}'
        for time in range(start + (number * 97 + 41) * SECOND, start + clock.DAY, QUARTER):
            happened.observe(bank, time, "reading", body)
