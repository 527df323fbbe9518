"""The whole compound, day after day: what happens, what devices send of it, and what can be known.

A simulation is a function of (seed, scenario, origin, sessions): run again from any day's state it gives the same
messages with the same boot and seq, so a message sent twice is the same message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from simulators import clock
from simulators.clock import DAY, HOUR, MINUTE, QUARTER, SECOND
from simulators.demo import places
from simulators.demo.meters import METERS
from simulators.devices import meters, solar
from simulators.devices.meters import Count
from simulators.devices.registers import Counter, Swap
from simulators.faults import knowing
from simulators.faults.knowing import Sight, Span
from simulators.faults.readings import readings
from simulators.faults.scenario import INCIDENTS, TRANSPORT, UNSETTLED, Fault, Scenario
from simulators.faults.transmit import Number, boots, transmit
from simulators.wire import Message, devices
from simulators.world import energy, incidents, village, weather
from simulators.world import solar as world_solar
from simulators.world.happened import Happened

LIVE_EVERY = MINUTE
"""How often meters report while the simulation is live."""
BUFFERED = HOUR
"""So long do meters go on reporting every minute once nobody takes it; after that quarter hours only."""


class Session(msgspec.Struct):
    """One run of the simulators: when it began, when it went live, and up to where its messages were taken.

    `statuses`: status messages it sent. `faults_from`: its live faults follow this instant, at which the platform had
    read all history.
    """

    started: int
    live_from: int | None = None
    cursor: int = 0
    statuses: int = 0
    faults_from: int | None = None


class State(msgspec.Struct):
    """All that goes over midnight; `day` (ISO) is the next to simulate."""

    day: str
    village: village.VillageState = msgspec.field(default_factory=village.VillageState)
    counters: dict[str, Counter] = {}
    inverters: dict[str, solar.Running] = {}
    numbers: dict[str, Number] = {}
    sights: dict[str, Sight] = {}
    people: dict[str, int] = {}
    """Zone -> how many are in it."""
    unsent: list[Message] = []
    """Messages of earlier days that get out later."""

    def copy(self) -> State:
        """An independent copy."""
        return msgspec.json.decode(msgspec.json.encode(self), type=State)


@dataclass
class Day:
    """A simulated day. `messages` are those that get out during it, in order of `send`; `lost` never do."""

    day: date
    start: int
    messages: list[Message] = field(default_factory=list)
    lost: list[Message] = field(default_factory=list)
    happened: Happened = field(default_factory=Happened)
    counts: list[Count] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    swaps: list[tuple[Fault, Swap]] = field(default_factory=list)
    unsettled: list[Fault] = field(default_factory=list)
    """Faults whose effect is known only when they are over."""


class Simulation:
    """See the module. `sessions` may grow; a day that is to see the change is simulated anew from its state."""

    def __init__(
        self,
        seed: int,
        scenario: Scenario,
        origin: date,
        sessions: list[Session],
        lost: frozenset[tuple[str, int, int]] = frozenset(),
    ) -> None:
        """`lost`: messages (device, boot, seq) that got out and were lost by the broker."""
        self.seed, self.scenario, self.origin, self.sessions = seed, scenario, origin, sessions
        self.lost = lost
        self.planned = scenario.faults(origin, places.ZONE)

    def first(self) -> State:
        """The state before the first day: an empty compound."""
        return State(day=self.origin.isoformat())

    def faults(self) -> list[Fault]:
        """All faults, those after going live included."""
        return self.planned + self.live_faults()

    def live_faults(self) -> list[Fault]:
        """The faults after going live, of every session that came so far."""
        return [f for s in self.sessions if s.faults_from is not None for f in self.scenario.live(s.faults_from)]

    def step(self, state: State) -> Day:
        """Simulate the day of `state`, and move the state on to the next."""
        today = date.fromisoformat(state.day)
        day = Day(today, clock.midnight(today, places.ZONE))
        faults = self._by_device()
        self._energy(day, state, faults)
        self._people(day, state, faults)
        self._transmit(day, state, faults)
        state.day = (today + timedelta(days=1)).isoformat()
        return day

    def swaps(self) -> list[tuple[Fault, Swap]]:
        """All replacements of registers, as the technicians' records have them: only energy is simulated for it."""
        faults = self._by_device()
        last = max((f.end for f in self.planned if f.kind == "replacement"), default=0)
        state, found = self.first(), []
        while (start := clock.midnight(date.fromisoformat(state.day), places.ZONE)) <= last:
            day = Day(date.fromisoformat(state.day), start)
            self._energy(day, state, faults)
            found += day.swaps
            state.day = (day.day + timedelta(days=1)).isoformat()
        return found

    def _by_device(self) -> dict[str, list[Fault]]:
        faults: dict[str, list[Fault]] = defaultdict(list)
        for fault in self.faults():
            faults[fault.device].append(fault)
        return faults

    def _energy(self, day: Day, state: State, faults: dict[str, list[Fault]]) -> None:
        """Sun, loads, registers: the observations of meters, inverters and the weather station."""
        sky = weather.of_day(self.seed, day.day)
        inverters = world_solar.of_day(self.seed, day.day, sky, _broken(day.start, faults))
        quarters = energy.of_day(self.seed, day.day, sky, inverters)
        every = [fault for own in faults.values() for fault in own]
        registers = meters.MetersDay(self.seed, day.start, quarters, state.counters, every)
        extra = self._live_minutes(day.start)
        for meter in METERS:
            day.happened.observations[meter.device] = registers.observations(meter, extra)
        day.counts += registers.counts()
        day.swaps = registers.swaps()
        day.spans += [
            Span("energy", flaw.device, flaw.start, flaw.end, flaw.why, flaw.kind, flaw.start)
            for flaw in registers.flaws()
        ]
        state.counters = registers.carry()
        for device, inverter in inverters.items():
            before = state.inverters.get(device) or solar.first(self.seed, device, every)
            rebooted = {-(-f.end // weather.STEP) * weather.STEP for f in faults[device] if f.kind == "crash"}
            seen, counts, conditions, state.inverters[device] = solar.inverter(
                day.start, device, inverter, before, rebooted
            )
            day.happened.observations[device] = seen
            day.counts += counts
            day.happened.conditions += conditions
        day.happened.observations[places.WEATHER] = solar.weather(day.start, sky)

    def _people(self, day: Day, state: State, faults: dict[str, list[Fault]]) -> None:
        """Doors, spots and lockers; and where nobody can know who is inside."""
        end = day.start + DAY
        ours = [f for own in faults.values() for f in own if f.kind in INCIDENTS and day.start <= f.start < end]
        plans = [incidents.plan(fault) for fault in ours]
        people = village.run(self.seed, day.day, state.village, plans, self._live_minutes(day.start))
        people.observations.update(day.happened.observations)
        people.conditions += day.happened.conditions
        day.happened = people
        for condition in people.conditions:
            if condition.rule == "anti-passback":
                until = condition.start + incidents.PASSBACK_LASTS
                for zone in ("grounds", "z-b1"):
                    day.spans.append(Span("access", zone, condition.start, until, "card passed back", "moved", until))
        if day.day.day == 1:
            self._month(day, state)
        for passage in people.passages:
            state.people[passage.from_zone] = state.people.get(passage.from_zone, 0) - 1
            state.people[passage.to_zone] = state.people.get(passage.to_zone, 0) + 1

    def _month(self, day: Day, state: State) -> None:
        """With a month tokens change: nobody can tell from its first night reset on for a day where those inside went, nor
        from midnight on who left.
        """
        reset = day.start + RESET_HOUR * HOUR
        inside = dict(state.people)
        for passage in day.happened.passages:
            if passage.time < reset:
                for zone in sorted({passage.from_zone, passage.to_zone} - {places.OUTSIDE}):
                    day.spans.append(
                        Span("access", zone, passage.time, reset + DAY, "new tokens", "moved", reset + DAY)
                    )
                inside[passage.from_zone] = inside.get(passage.from_zone, 0) - 1
                inside[passage.to_zone] = inside.get(passage.to_zone, 0) + 1
        for zone, number in inside.items():
            if number > 0 and zone != places.OUTSIDE:
                day.spans.append(Span("access", zone, reset, reset + DAY, "new tokens", "moved", reset))

    def _transmit(self, day: Day, state: State, faults: dict[str, list[Fault]]) -> None:
        starts = [session.started for session in self.sessions]
        end = day.start + DAY
        sending, state.unsent = state.unsent, []
        for device, observations in day.happened.observations.items():
            own = [f for f in faults[device] if f.kind in TRANSPORT]
            restarts = boots(starts, (f for f in own if f.kind == "crash"))
            today = [f for f in own if f.start < end and f.end > day.start]
            messages = transmit(device, observations, today, restarts, state.numbers.setdefault(device, Number()))
            if self.lost:
                messages = [m._replace(send=None) if (m.device, m.boot, m.seq) in self.lost else m for m in messages]
            self._know(day, state, device, messages, faults[device])
            sending += messages
        for message in sending:
            if message.send is None:
                day.lost.append(message)
            elif message.send < end:
                day.messages.append(message)
            else:
                state.unsent.append(message)
        day.messages.sort(key=_sending)
        day.spans += self._unseen(state, end, faults)
        day.unsettled = [
            f for own in faults.values() for f in own if f.kind in UNSETTLED and f.start < end and f.end > day.start
        ]

    def _know(self, day: Day, state: State, device: str, messages: list[Message], faults: list[Fault]) -> None:
        """The spans over which the device's subject can't be known."""
        watch = _watch(device)
        if watch is None:
            day.spans += knowing.cells(device, messages)
            return
        if watch.domain in ("energy", "solar"):
            signs: Iterable[tuple[int, str]] = readings(day.start, messages, faults)
        else:
            signs = knowing.signs(messages)
        sight, spans = knowing.gaps(watch.domain, device, state.sights.get(device), signs, watch.shape, watch.limit)
        if watch.shape == "break":  # the interval that the next good report ends is known
            spans = [span._replace(end=span.end - QUARTER) for span in spans]
        if sight is not None:
            state.sights[device] = sight
        day.spans += spans

    def _unseen(self, state: State, end: int, faults: dict[str, list[Fault]]) -> list[Span]:
        """What can't be known since no good sign has come up to the day's end, or comes too late after it, since the device
        has crashed; the day that brings one gives the span its end.
        """
        found = []
        for device, sight in state.sights.items():
            watch = _watch(device)
            until = max([end, *(f.end for f in faults[device] if f.kind == "crash" and f.start < end)])
            if watch is not None and (sight.why or (watch.limit and until - sight.last > watch.limit)):
                shown = sight.last + watch.limit
                found.append(Span(watch.domain, device, sight.last, NEVER, sight.why or "no sign", watch.shape, shown))
        return found

    def _live_minutes(self, start: int) -> list[int]:
        """The minutes of the day at which meters report because somebody watches live."""
        minutes: set[int] = set()
        for number, session in enumerate(self.sessions):
            if session.live_from is None:
                continue
            begin, end = max(session.live_from, start), start + DAY
            if number + 1 < len(self.sessions):
                end = min(end, session.cursor + BUFFERED, self.sessions[number + 1].started)
            minutes.update(range(-(-begin // LIVE_EVERY) * LIVE_EVERY, end, LIVE_EVERY))
        return sorted(minutes)


class _Watch(NamedTuple):
    """How the subject of a device is lost sight of: see `knowing.gaps`."""

    domain: str
    shape: str
    limit: int


def _watch(device: str) -> _Watch | None:
    kind = devices()[device].kind
    if kind in ("meter", "inverter"):
        return _Watch("energy" if kind == "meter" else "solar", "break" if device in _INTERVALS else "gap", 0)
    if kind == "parking":
        return _Watch("parking", "gap", places.HEARTBEAT_LIMIT_S * SECOND)
    if kind == "gate":  # between the messages before and after a lost one anything may have happened at the door
        return _Watch("access", "gap", 0)
    return None


NEVER = 2**53
"""The end of what goes on: far after all else."""
RESET_HOUR = 3
"""Local hour of the night reset of presence."""
_INTERVALS = frozenset(meter.device for meter in METERS if meter.register == "interval_wh")


def _sending(message: Message) -> int:
    assert message.send is not None
    return message.send


def _broken(start: int, faults: dict[str, list[Fault]]) -> dict[str, list[tuple[int, int, int]]]:
    """The day's inverter faults as (first step, last step, fault bits)."""
    broken: dict[str, list[tuple[int, int, int]]] = {}
    for device in places.INVERTERS:
        for fault in faults[device]:
            if fault.kind == "inverter-fault" and fault.end > start and fault.start < start + DAY:
                first = max(0, (fault.start - start) // weather.STEP)
                last = min(weather.STEPS, -(-(fault.end - start) // weather.STEP))
                broken.setdefault(device, []).append((first, last, int(fault.more["evt1"])))
    return broken
