"""What happens: the same for a seed, and consistent in itself."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date

import numpy as np

from simulators import clock
from simulators.demo.meters import CHILDREN, METERS
from simulators.demo.places import DOORS
from simulators.simulation import Day
from simulators.world import energy, heartbeats, solar, weather
from simulators.world.calendar import is_working
from simulators.world.happened import Happened, Observation, Opening
from tests.unit.simulators.conftest import simulation

DAY = date(2026, 10, 28)


def _energy(seed: int, day: date = DAY) -> energy.Quarters:
    sky = weather.of_day(seed, day)
    return energy.of_day(seed, day, sky, solar.of_day(seed, day, sky, {}))


def test_a_seed_gives_the_same_days() -> None:
    first, second = (simulation(seed=3) for _ in range(2))
    a, b = first.step(first.first()), second.step(second.first())
    assert a.messages == b.messages
    assert a.happened == b.happened
    other = simulation(seed=4)
    assert other.step(other.first()).messages != a.messages


def test_the_tree_sums_and_every_loss_is_small() -> None:
    quarters = _energy(1)
    for meter in METERS:
        below = [quarters[child.key, child.registers[0]] for child in CHILDREN[meter.key] if child.role == "sub"]
        if below and meter.key != "main" and meter.use is None:
            rest = quarters[meter.key, meter.registers[0]] - np.sum(below, axis=0)
            assert (rest >= 0).all()
            assert rest.sum() <= 0.05 * quarters[meter.key, meter.registers[0]].sum() + 96


def test_the_main_meter_is_import_or_export_and_balances() -> None:
    sky = weather.of_day(1, DAY)
    inverters = solar.of_day(1, DAY, sky, {})
    quarters = energy.of_day(1, DAY, sky, inverters)
    imported, exported = quarters["main", "import_wh"], quarters["main", "export_wh"]
    assert not (imported * exported).any()
    generation = sum(inverter.energy.reshape(96, 3).sum(axis=1) for inverter in inverters.values())
    charge, discharge = quarters["bat", "import_wh"], quarters["bat", "export_wh"]
    used = imported - exported + generation + discharge - charge
    subs = sum(quarters[c.key, c.registers[0]] for c in CHILDREN["main"] if c.role == "sub")
    assert ((used - subs) >= 0).all()


def test_rated_power_is_never_exceeded() -> None:
    quarters = _energy(2, date(2026, 1, 20))
    for meter in METERS:
        for register in meter.registers:
            assert quarters[meter.key, register].max() * 4 <= meter.rated, meter.key


def test_holidays_are_quiet() -> None:
    assert not is_working(date(2026, 10, 1))
    assert is_working(date(2026, 10, 10))  # a Saturday that is worked
    assert is_working(date(2031, 3, 3))  # not announced yet: a Monday
    busy, free = _energy(1), _energy(1, date(2026, 10, 1))
    assert free["b1", "import_wh"].sum() < 0.6 * busy["b1", "import_wh"].sum()


def test_the_sun_sets_and_energy_is_whole(calm: list[Day]) -> None:
    sky = weather.of_day(1, DAY)
    assert sky.poa[0] == sky.poa[-1] == 0
    assert 100 < sky.poa.max() < 1200
    inverter = solar.of_day(1, DAY, sky, {"inv-1": [(120, 150, 1)]})["inv-1"]
    assert (inverter.energy[120:150] == 0).all()
    assert set(inverter.state[120:150]) == {solar.FAULT}
    assert inverter.power.max() <= 45_000


def test_nobody_leaves_where_nobody_was(calm: list[Day]) -> None:
    people: dict[str, int] = defaultdict(int)
    where: dict[str | None, str] = {}
    passages = sorted((p for day in calm for p in day.happened.passages), key=lambda p: p.time)
    assert len(passages) > 2000
    for passage in passages:
        assert where.get(passage.card, "outside") == passage.from_zone
        where[passage.card] = passage.to_zone
        people[passage.from_zone] -= 1
        people[passage.to_zone] += 1
        assert people[passage.from_zone] >= 0 or passage.from_zone == "outside"


def test_doors_are_passed_one_after_another(calm: list[Day]) -> None:
    for door in DOORS:
        openings = sorted(o for day in calm for o in day.happened.openings if o.door == door)
        for before, after in itertools.pairwise(openings):
            assert before.end < after.start


def test_a_spot_has_one_car_at_a_time(calm: list[Day]) -> None:
    stays = defaultdict(list)
    for day in calm:
        for stay in day.happened.stays:
            if stay.end is not None:
                stays[stay.spot].append(stay)
    assert sum(map(len, stays.values())) > 250
    for own in stays.values():
        own.sort(key=lambda stay: stay.start)
        for before, after in itertools.pairwise(own):
            assert before.end is not None
            assert before.end + 60_000_000 < after.start


def test_each_device_says_one_thing_at_a_time(calm: list[Day]) -> None:
    for device, observations in calm[0].happened.observations.items():
        times = [seen.time for seen in observations]
        assert times == sorted(set(times)), device
        assert all(calm[0].start <= time < calm[1].start for time in times)


def test_a_door_that_stands_open_says_so() -> None:
    start = 1_000 * clock.DAY
    happened = Happened()
    first = next(seen.time for seen in _beats(happened, start))
    happened.openings.append(Opening("g-dc", first, first + 20 * clock.MINUTE))
    happened.observations.clear()
    bodies = [seen.body for seen in _beats(happened, start)]
    assert bodies[:3] == ['"door":"open"', '"door":"open"', '"door":"closed"']


def test_a_door_that_stands_open_over_midnight_says_so() -> None:
    start = 1_000 * clock.DAY
    first = next(seen.time for seen in _beats(Happened(), start))
    ajar = {"g-dc": (start - clock.MINUTE, first + 20 * clock.MINUTE)}
    bodies = [seen.body for seen in _beats(Happened(), start, ajar)]
    assert bodies[:3] == ['"door":"open"', '"door":"open"', '"door":"closed"']


def _beats(happened: Happened, start: int, ajar: dict[str, tuple[int, int]] | None = None) -> list[Observation]:
    heartbeats.gates(happened, ajar or {}, start, [])
    return sorted(happened.observations["g-dc"])
