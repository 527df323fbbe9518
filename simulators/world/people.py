"""Who comes to the compound and what their day looks like: itineraries as lists of steps with earliest times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import msgspec
import numpy as np

from simulators import clock
from simulators.clock import HOUR, MINUTE, SECOND
from simulators.demo import places
from simulators.world.calendar import is_working
from simulators.world.seeds import generator

WORKPLACE = {
    "d-off": "z-b1",
    "d-fin": "z-b1",
    "d-hr": "z-b1",
    "d-plan": "z-b2",
    "d-it": "z-b1",
    "d-svc": "z-b3",
    "d-cat": "z-b4",
    "d-log": "grounds",
}
_PEDESTRIAN = ("g-n1", "g-n2", "g-s1")


class Step(msgspec.Struct, array_like=True):
    """Something a person does: not before `earliest`, and at least `gap` after the step before (µs)."""

    earliest: int
    gap: int
    kind: str
    """in, out (arg: door) | park (arg: car park) | unpark | deposit (arg: bank) | collect | and the incidents'."""
    arg: str = ""
    lasts: int = 0
    """How long it takes (µs), where that is not usual: a door forced or held, a locker left open."""


class Plan(msgspec.Struct):
    """A person and what is left of the day. `card` None: someone without one."""

    person: str
    card: str | None
    steps: list[Step]
    ready: int
    """When the step before was done."""
    plate: str | None = None
    visitor: bool = False


@dataclass(frozen=True)
class Employee:
    """Someone who works here, with habits."""

    card: str
    department: str
    zone: str
    carpark: str | None
    plate: str | None
    gate: str
    arrives: int
    """Usual arrival, µs after midnight."""
    leaves: int
    lunches: float
    """How often in the canteen."""


@cache
def employees(seed: int) -> tuple[Employee, ...]:
    """The staff, always the same for a seed."""
    random = generator(seed, "employees")
    staff: list[Employee] = []
    for department, (_, _, _, heads, _) in places.DEPARTMENTS.items():
        for _ in range(heads):
            number = len(staff) + 1
            drives = random.random() < 0.58
            early = {"d-cat": -1.7, "d-log": -0.6}.get(department, 0.0)
            staff.append(
                Employee(
                    card=f"C{number:04d}",
                    department=department,
                    zone=WORKPLACE[department],
                    carpark=("P1" if random.random() < 0.6 else "P2") if drives else None,
                    plate=f"鲁A{random.integers(10_000, 99_999)}" if drives else None,
                    gate=str(random.choice(_PEDESTRIAN)),
                    arrives=int((8.25 + early + random.normal(0, 0.25)) * HOUR),
                    leaves=int((17.7 + early * 1.3 + abs(random.normal(0, 0.55))) * HOUR),
                    lunches=0.0 if department == "d-cat" else float(random.beta(1.2, 2.0)),
                )
            )
    return tuple(staff)


def plans(seed: int, day: date, busy: set[str], parked: dict[str, str]) -> list[Plan]:
    """The itineraries that begin on `day`. `busy`: who is still at it; `parked`: person -> car park of a car left here."""
    random = generator(seed, "plans", day)
    start = clock.midnight(day, places.ZONE)
    working = is_working(day)
    result: list[Plan] = []
    for person in employees(seed):
        comes = random.random() < (0.93 if working or person.department == "d-cat" else 0.07)
        draws = random.random(6)
        shifts = random.normal(size=3)
        if comes and person.card not in busy:
            result.append(_employee(person, start, draws, shifts, working, parked.get(person.card)))
    result += _guards(start, day)
    if working:
        result += _visitors(random, start, day)
    result += _couriers(random, start)
    return [plan for plan in result if plan.person not in busy]


def _door(zone: str, draw: float) -> str:
    """A door into `zone`, the first more often."""
    doors = places.DOORS_INTO[zone]
    return doors[0] if draw < 0.7 else doors[-1]


def _employee(
    who: Employee,
    start: int,
    draws: np.ndarray[tuple[int], np.dtype[np.float64]],
    shifts: np.ndarray[tuple[int], np.dtype[np.float64]],
    working: bool,
    left_car: str | None,
) -> Plan:
    """A working day: by car or on foot, the workplace, perhaps the canteen, the data room, an evening or a night more."""
    arrive = start + who.arrives + int(shifts[0] * 9 * MINUTE)
    leave = start + who.leaves + int(shifts[1] * 20 * MINUTE)
    leave = min(max(leave, arrive + 3 * HOUR), start + 22 * HOUR)
    by_car = who.carpark is not None and left_car is None
    leaves_car = by_car and draws[0] < 0.015  # off on a trip: the car stays
    steps: list[Step] = []
    if by_car:
        assert who.carpark is not None
        steps += [
            Step(arrive, 0, "in", places.CARPARK_GATE[who.carpark]),
            Step(0, int(70 + 60 * draws[1]) * SECOND, "park", who.carpark),
        ]
    else:
        steps.append(Step(arrive, 0, "in", who.gate))
    inside = who.zone != "grounds"
    if inside:
        steps.append(Step(0, int(90 + 100 * draws[2]) * SECOND, "in", _door(who.zone, draws[3])))
    if who.department == "d-it" and draws[4] < 0.012 and working:
        leave = start + 42 * HOUR  # a release: stays in the building until the next evening
    elif who.department == "d-it" and draws[4] < 0.3:
        visit = start + int((9.5 + 5 * draws[5]) * HOUR)
        steps += [Step(visit, 5 * MINUTE, "in", "g-dc"), Step(0, int(15 + 45 * draws[5]) * MINUTE, "out", "g-dc")]
    if working and inside and draws[2] < who.lunches and leave < start + 23 * HOUR:
        lunch = start + int((11.75 + 0.8 * draws[1]) * HOUR)
        steps += [
            Step(lunch, 10 * MINUTE, "out", _door(who.zone, draws[1])),
            Step(0, 100 * SECOND, "in", "g-b4"),
            Step(0, int(16 + 20 * draws[4]) * MINUTE, "out", "g-b4"),
            Step(0, 100 * SECOND, "in", _door(who.zone, draws[5])),
        ]
    if inside:
        steps.append(Step(leave, 10 * MINUTE, "out", _door(who.zone, draws[0])))
    steps.append(Step(leave, 60 * SECOND, "collect"))
    if (by_car and not leaves_car) or left_car is not None:
        carpark = left_car or who.carpark
        assert carpark is not None
        steps += [Step(0, 60 * SECOND, "unpark"), Step(0, 70 * SECOND, "out", places.CARPARK_GATE[carpark])]
    else:
        steps.append(Step(0, 90 * SECOND, "out", who.gate))
    return Plan(person=who.card, card=who.card, steps=steps, ready=start, plate=who.plate)


def _guards(start: int, day: date) -> list[Plan]:
    """Two crews of three at the gates, day and night, each crew every second day."""
    crew = day.toordinal() % 2
    shifts = [("day", 7.75, 20.25), ("night", 19.75, 32.25)]
    return [
        Plan(
            person=f"G{name[0]}{crew}{n}",
            card=f"G{name[0]}{crew}{n}",
            ready=start,
            steps=[
                Step(start + int((begin + 0.03 * n) * HOUR), 0, "in", "g-s1"),
                Step(start + int((end + 0.03 * n) * HOUR), HOUR, "out", "g-s1"),
            ],
        )
        for name, begin, end in shifts
        for n in range(3)
    ]


def _visitors(random: np.random.Generator, start: int, day: date) -> list[Plan]:
    """People with business at the service hall; half of them by car."""
    result = []
    for n in range(int(random.integers(22, 40))):
        card = f"V{(day.toordinal() * 40 + n) % 400:03d}"
        by_car = random.random() < 0.5
        arrive = start + int((8.7 + 7.2 * random.beta(1.4, 1.6)) * HOUR)
        stay = int(min(random.lognormal(4.1, 0.75), 420) * MINUTE)
        gate = "g-car1" if by_car else str(random.choice(_PEDESTRIAN))
        steps = [Step(arrive, 0, "in", gate)]
        if by_car:
            steps.append(Step(0, 80 * SECOND, "park", "P1"))
        steps += [Step(0, 110 * SECOND, "in", "g-b3"), Step(0, max(stay, 4 * MINUTE), "out", "g-b3")]
        if by_car:
            steps.append(Step(0, 100 * SECOND, "unpark"))
        steps.append(Step(0, 80 * SECOND, "out", gate))
        plate = f"鲁B{random.integers(10_000, 99_999)}" if by_car else None
        result.append(Plan(person=card, card=card, steps=steps, ready=start, plate=plate, visitor=True))
    return result


def _couriers(random: np.random.Generator, start: int) -> list[Plan]:
    """Four couriers, one a bank, who come twice on every day."""
    result = []
    for number, bank in enumerate(places.BANKS, 1):
        steps: list[Step] = []
        for begin in (9.8, 15.2):
            arrive = start + int((begin + 0.6 * random.random()) * HOUR)
            steps.append(Step(arrive, HOUR, "in", "g-s1"))
            steps += [Step(0, 50 * SECOND, "deposit", bank)] * int(random.integers(3, 8))
            steps += [Step(0, 30 * SECOND, "retrieve", bank), Step(0, 60 * SECOND, "out", "g-s1")]
        result.append(Plan(person=f"K{number}", card=f"K{number}", steps=steps, ready=start))
    return result
