"""The people's day carried out in order of time: doors with their queues, parking spots, locker cells."""

from __future__ import annotations

import heapq
from collections import defaultdict
from datetime import date

import msgspec

from simulators import clock
from simulators.clock import HOUR, MINUTE, SECOND
from simulators.demo import places
from simulators.demo.places import DOORS, SPOT_CLASSES, SPOTS
from simulators.world import doors, heartbeats, lockers, people
from simulators.world.happened import Condition, Happened, Observation, Stay
from simulators.world.people import Plan, Step
from simulators.world.seeds import generator


class Car(msgspec.Struct):
    """A car on a spot."""

    person: str
    plate: str | None
    since: int


def _banks() -> dict[str, lockers.Bank]:
    return {bank: lockers.Bank() for bank in places.BANKS}


def _doors() -> dict[str, doors.DoorState]:
    return {door: doors.DoorState() for door in DOORS}


class VillageState(msgspec.Struct):
    """Everything that goes over midnight."""

    plans: list[Plan] = []
    cars: dict[str, Car] = {}
    vacated: dict[str, int] = {}
    """Spot -> not to be taken again before."""
    banks: dict[str, lockers.Bank] = msgspec.field(default_factory=_banks)
    doors: dict[str, doors.DoorState] = msgspec.field(default_factory=_doors)
    later: dict[str, list[tuple[int, str, str]]] = {}
    """Device -> what it will observe after midnight of what began before."""


def run(seed: int, day: date, state: VillageState, incidents: list[Plan], live: list[int]) -> Happened:
    """Carry out `day`, which changes `state` to that of the next midnight. `live`: minutes at which somebody watches."""
    return _Village(seed, day, state, incidents, live).run()


class _Village:
    def __init__(self, seed: int, day: date, state: VillageState, incidents: list[Plan], live: list[int]) -> None:
        self.seed, self.day, self.state, self.live = seed, day, state, live
        self.happened = Happened()
        self.random = generator(seed, "village", day)
        self.cards = [person.card for person in people.employees(seed)]
        self.start = clock.midnight(day, places.ZONE)
        self.end = self.start + clock.DAY
        self.changes: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.ajar = {door: (s.opened, s.closed) for door, s in state.doors.items() if s.closed > self.start}
        for spot in state.cars:
            self.changes[spot].append((self.start - 1, "occupied"))
        busy = {plan.person for plan in state.plans}
        parked = {car.person: SPOTS[spot].carpark for spot, car in state.cars.items()}
        self.plans = state.plans + people.plans(seed, day, busy, parked) + incidents
        self.heap = [(self._due(plan), number) for number, plan in enumerate(self.plans)]
        heapq.heapify(self.heap)

    def run(self) -> Happened:
        for device, observations in self.state.later.items():
            self.happened.observations[device] += [Observation(*seen) for seen in observations]
        while self.heap and self.heap[0][0] < self.end:
            due, number = heapq.heappop(self.heap)
            plan = self.plans[number]
            plan.ready = self._do(plan, plan.steps.pop(0), due)
            if plan.steps:
                heapq.heappush(self.heap, (self._due(plan), number))
        self.state.plans = [plan for plan in self.plans if plan.steps]
        self._still_there()
        random = generator(self.seed, "heartbeats", self.day)
        heartbeats.spots(self.happened, self.changes, self.start, random)
        heartbeats.gates(self.happened, self.ajar, self.start, self.live)
        heartbeats.banks(self.happened, {name: len(bank.cells) for name, bank in self.state.banks.items()}, self.start)
        self._cut()
        return self.happened

    @staticmethod
    def _due(plan: Plan) -> int:
        return max(plan.steps[0].earliest, plan.ready + plan.steps[0].gap)

    def _do(self, plan: Plan, step: Step, due: int) -> int:
        """Carry out one step; returns when it is done."""
        happened, state, arg = self.happened, self.state, step.arg
        match step.kind:
            case "in" | "out":
                assert plan.card is not None
                done, slipped = doors.passes(happened, state.doors[arg], arg, plan.card, step.kind, due)
                if step.kind == "in":
                    self._leave_again(arg, slipped, done)
                return done
            case "passback":
                assert plan.card is not None
                done, _ = doors.passes(happened, state.doors[arg], arg, plan.card, "in", due)
                happened.conditions.append(Condition("anti-passback", plan.card, "place", done, done + doors.INSTANT))
                return done
            case "park":
                return self._park(plan, arg, due)
            case "unpark":
                return self._unpark(plan, due)
            case "deposit":
                recipient = str(self.random.choice(self.cards))
                return lockers.deposit(happened, arg, state.banks[arg], due, recipient, self.random)
            case "collect":
                for name, bank in state.banks.items():
                    due = lockers.collect(happened, name, bank, due, plan.person, self.random)
                return due
            case "retrieve":
                return lockers.retrieve(happened, arg, state.banks[arg], due)
            case "hold":
                assert plan.card is not None
                return doors.passes(happened, state.doors[arg], arg, plan.card, "in", due, step.lasts)[0]
            case "force":
                return doors.force(happened, state.doors[arg], arg, due, step.lasts)
            case "prop":
                return doors.prop(happened, state.doors[arg], arg, due, step.lasts)
            case "deny":
                return doors.deny(happened, state.doors[arg], arg, plan.person, due)
            case "slip-in" | "slip-out":
                slips = state.doors[arg].slips
                direction = step.kind.removeprefix("slip-")
                slips[direction] = slips.get(direction, 0) + 1
                return due
            case "service":
                return lockers.service(happened, arg, state.banks[arg], due, self.random)
            case "leave-open":
                return lockers.leave_open(happened, arg, state.banks[arg], due, step.lasts)
            case unknown:
                raise ValueError(f"no such step: {unknown}")

    def _leave_again(self, door: str, number: int, since: int) -> None:
        """Who slipped in slips out again behind someone, after an hour or so."""
        for n in range(number):
            step = Step(since + int(self.random.integers(40, 90)) * MINUTE, 0, "slip-out", door)
            self.plans.append(Plan(person=f"nobody-{since}-{n}", card=None, steps=[step], ready=since))
            heapq.heappush(self.heap, (step.earliest, len(self.plans) - 1))

    def _park(self, plan: Plan, carpark: str, due: int) -> int:
        """Onto a random free spot of the right class, in the other car park when this is full; else in the street."""
        kind = "visitor" if plan.visitor else "staff"
        free = [
            spot
            for spot in SPOTS.values()
            if spot.kind == kind and spot.device not in self.state.cars and self.state.vacated.get(spot.device, 0) < due
        ]
        spots = [spot.device for spot in free if spot.carpark == carpark] or [spot.device for spot in free]
        if not spots:
            return due
        spot = spots[int(self.random.integers(len(spots)))]
        self.state.cars[spot] = Car(plan.person, plan.plate, due)
        plate = f',"plate":"{plan.plate}"' if plan.plate else ""
        self.happened.observe(spot, due, "event", f'"state":"occupied"{plate}')
        self.happened.stays.append(Stay(spot, due, None, plan.plate))
        self.changes[spot].append((due, "occupied"))
        return due + 20 * SECOND

    def _unpark(self, plan: Plan, due: int) -> int:
        spot = next((spot for spot, car in self.state.cars.items() if car.person == plan.person), None)
        if spot is None:
            return due
        car = self.state.cars.pop(spot)
        due = max(due, car.since + 2 * MINUTE)
        self.state.vacated[spot] = due + 2 * MINUTE
        self.happened.observe(spot, due, "event", '"state":"free"')
        self.happened.stays.append(Stay(spot, car.since, due, car.plate))
        self._overstay(spot, car, due)
        self.changes[spot].append((due, "free"))
        return due + 20 * SECOND

    def _overstay(self, spot: str, car: Car, end: int | None) -> None:
        start = car.since + SPOT_CLASSES[SPOTS[spot].kind][2] * SECOND
        if start < (end or self.end):
            self.happened.conditions.append(Condition("overstay", spot, "spot", start, end))

    def _still_there(self) -> None:
        """Conditions of what is still going on at the day's end."""
        for spot, car in self.state.cars.items():
            self._overstay(spot, car, None)
        for name, bank in self.state.banks.items():
            for cell, held in bank.cells.items():
                for hours in lockers.OVERDUE_HOURS if held.deposited is not None else ():
                    start = held.deposited + hours * HOUR  # type: ignore[operator]
                    if start < self.end:
                        self.happened.conditions.append(Condition(f"overdue-{hours}", name, cell, start, None))

    def _cut(self) -> None:
        """Sort every device's observations; those after midnight wait for the next day."""
        self.state.later = {}
        for device, observations in self.happened.observations.items():
            observations.sort(key=lambda seen: seen.time)
            after = [seen for seen in observations if seen.time >= self.end]
            if after:
                self.state.later[device] = [(seen.time, seen.channel, seen.body) for seen in after]
                del observations[-len(after) :]
