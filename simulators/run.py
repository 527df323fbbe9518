"""Running a scenario: history as fast as it is taken, then live; stopped and started again it goes on where it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from compound.mqtt import Broker
from simulators import clock
from simulators.clock import DAY, HOUR, MINUTE, SECOND
from simulators.connection import Broken, Stopped
from simulators.demo import places
from simulators.faults import scenario
from simulators.faults.scenario import Scenario
from simulators.gateways import Gateways, may_die
from simulators.outages import Outages
from simulators.pace import Pace, Rate, Speed
from simulators.simulation import Day, Session, Simulation, State
from simulators.truth.store import Truth, alone
from simulators.wire import Message, arrays, devices, single

_REWIND = timedelta(days=3)
"""No message gets out later than so many days after it was made."""
_BEHIND = 2 * MINUTE
"""What is older goes out in arrays, as a gateway sends its buffer."""
_TICK_S = 0.25
_SLICE = HOUR
"""Doors are sent in slices of an hour, so that a person's way through several doors stays nearly in order."""


@dataclass
class Options:
    """What to run. `live`: go on after history has caught up, else end there. `most_backlog`: objects (see `backlog`)."""

    data: Path
    broker: Broker
    scenario: str = "demo"
    history_days: int = 30
    seed: int = 1
    speed: Speed = None
    rate: float | None = None
    live: bool = True
    most_backlog: int = 60_000


@dataclass
class Progress:
    """Where a run is: simulated seconds done and in all, objects sent, and whether it is live."""

    done: int = 0
    total: int = 0
    objects: int = 0
    live: bool = False


Tell = Callable[[Progress], None]
Backlog = Callable[[int], int]
"""Of so many objects sent in this run, how many has the log not got yet? A large number where nobody can tell."""


@dataclass
class Runner:
    """One run. `current` says whether the platform has read everything: live faults wait for it.

    `stop` ends it cleanly: what is under way is acknowledged and written down.

    `backlog`: asked now and then; above the limit the run pauses, since brokers lose what their memory can't hold.
    """

    options: Options
    tell: Tell = lambda progress: None
    current: Callable[[], bool] = lambda: True
    backlog: Backlog | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress = field(default_factory=Progress)
    _ask_again: float = 0.0

    def run(self) -> Progress:
        """Run until stopped, or until history has caught up. Raises TruthError, Broken, ValueError."""
        plan = scenario.load(self.options.scenario)
        with suppress(Stopped), alone(self.options.data / "simulate.lock"):
            self._prepare(plan)
        return self.progress

    def _prepare(self, plan: Scenario) -> None:
        truth = Truth(self.options.data / "truth.db")
        try:
            first = clock.local_day(clock.now(), places.ZONE) - timedelta(days=self.options.history_days)
            origin = truth.begin(plan.name, self.options.seed, first)
            sessions = truth.sessions()
            begin = sessions[-1].cursor if sessions else clock.midnight(origin, places.ZONE)
            sessions.append(Session(started=clock.now(), cursor=begin))
            truth.save(len(sessions), sessions[-1])
            self._run(truth, Simulation(self.options.seed, plan, origin, sessions), begin)
        finally:
            truth.close()

    def _run(self, truth: Truth, simulation: Simulation, begin: int) -> None:
        session, number = simulation.sessions[-1], len(simulation.sessions)
        gateways = Gateways(
            self.options.broker, f"sim-{self.options.data.resolve().name}", may_die(simulation.scenario.live(0))
        )
        outages = Outages(gateways, truth, lambda device: self.boots(simulation)[device])
        out = _Out(self, truth, gateways, outages, session, number)
        boots = self.boots(simulation)
        gateways.open(boots)
        try:
            gateways.online(boots, clock.now())
            truth.back(clock.now())
            pace = Pace(begin, self.options.speed)
            for day in self._days(truth, simulation, begin):
                self._play(day, simulation, truth, out, pace)
                if self.stop.is_set() or (self.progress.live and not self.options.live):
                    break
        finally:
            gateways.close()

    def boots(self, simulation: Simulation) -> dict[str, int]:
        """Every device's boot at this moment."""
        now, crashes = clock.now(), [f for f in simulation.faults() if f.kind == "crash"]
        return {
            device: len(simulation.sessions) + sum(f.device == device and f.end <= now for f in crashes)
            for device in devices()
        }

    def _days(self, truth: Truth, simulation: Simulation, begin: int) -> Iterator[tuple[State, date]]:
        """The states of the days from the one that holds `begin` on."""
        today = clock.local_day(begin, places.ZONE)
        state = truth.state(today - _REWIND) or simulation.first()
        while True:
            day = date.fromisoformat(state.day)
            if day >= today:
                truth.keep(state)
                yield state, day
            else:
                simulation.step(state)

    def _play(self, at: tuple[State, date], simulation: Simulation, truth: Truth, out: _Out, pace: Pace) -> None:
        """Send a day's messages; going live on the way makes the rest of the day anew."""
        state, today = at
        end = clock.midnight(today, places.ZONE) + DAY
        before = state.copy()
        day = simulation.step(state)
        truth.write(day, out.session.cursor)
        while out.session.cursor < end and not self.stop.is_set():
            until = min(pace.until(), end)
            behind = pace.until() - out.session.cursor > _BEHIND
            if behind:
                out.arrays(_between(day, out.session.cursor, until), until)
            elif not self.progress.live and clock.now() - out.session.cursor < _BEHIND:
                self.progress.live = True
                if not self.options.live:
                    return
                out.session.live_from = _soon()
                day = self._again(day, out.session.live_from, simulation, before, state, out)
            elif self._may_break(simulation):
                out.session.faults_from = _soon()
                day = self._again(day, out.session.faults_from, simulation, before, state, out)
            else:
                out.live(_between(day, out.session.cursor, until), until)
                self.stop.wait(_TICK_S)
            self._report(out.session.cursor, simulation)

    def _may_break(self, simulation: Simulation) -> bool:
        """Whether the live faults may begin: the platform has read all history. Asked at most every second."""
        if not self.progress.live or simulation.sessions[-1].faults_from is not None or not simulation.scenario.live(0):
            return False
        if time.monotonic() < self._ask_again:
            return False
        self._ask_again = time.monotonic() + 1.0
        return self.current()

    def _again(self, old: Day, since: int, simulation: Simulation, before: State, state: State, out: _Out) -> Day:
        """The day anew, since the session is live or its faults begin from `since` on: what was sent stays as it was."""
        out.truth.save(len(simulation.sessions), out.session)
        again = before.copy()
        day = simulation.step(again)
        for name in State.__struct_fields__:
            setattr(state, name, getattr(again, name))
        out.truth.write(day, since, old)
        out.outages.plan(simulation.live_faults())
        return day

    def _report(self, cursor: int, simulation: Simulation) -> None:
        begin = clock.midnight(simulation.origin, places.ZONE)
        self.progress.done = (cursor - begin) // SECOND
        self.progress.total = max((clock.now() - begin) // SECOND, self.progress.done)
        self.tell(self.progress)


def _soon() -> int:
    """The next full second."""
    return (clock.now() // SECOND + 1) * SECOND


def _between(day: Day, cursor: int, until: int) -> list[Message]:
    """The day's messages that get out in [cursor, until). What should have got out earlier was sent before."""
    return [message for message in day.messages if message.send is not None and cursor <= message.send < until]


class _Out:
    """Sends messages and writes down what was acknowledged."""

    def __init__(
        self, runner: Runner, truth: Truth, gateways: Gateways, outages: Outages, session: Session, number: int
    ) -> None:
        self.runner, self.truth, self.gateways, self.outages = runner, truth, gateways, outages
        self.session, self.number = session, number
        self.rate = Rate(runner.options.rate)

    def arrays(self, messages: list[Message], until: int) -> None:
        """Send everything up to `until` as gateways send their buffers."""
        self.outages.mend(until)
        doors = [m for m in messages if devices()[m.device].kind == "gate"]
        others = [m for m in messages if devices()[m.device].kind != "gate"]
        slices: dict[int, list[Message]] = {}
        for message in doors:
            slices.setdefault((message.send or 0) // _SLICE, []).append(message)
        for part in [*slices.values(), others]:
            for topic, payload, sent in arrays(part):
                self._publish(topic, payload, sent)
        self._done(messages, until)

    def live(self, messages: list[Message], until: int) -> None:
        """Send what is due, one object a message."""
        self.outages.mend(until)
        for message in messages:
            self._publish(*single(message), [message])
        self._done(messages, until)

    def _publish(self, topic: str, payload: str, messages: list[Message]) -> None:
        self.rate.take(len(messages))
        self.gateways.publish(devices()[messages[0].device], topic, payload, self.runner.stop)
        before = self.runner.progress.objects
        self.runner.progress.objects += len(messages)
        if self.runner.backlog is not None and before // _ASK != self.runner.progress.objects // _ASK:
            while (
                self.runner.backlog(self.runner.progress.objects) > self.runner.options.most_backlog
                and not self.runner.stop.is_set()
            ):
                time.sleep(_TICK_S)

    def _done(self, messages: list[Message], until: int) -> None:
        self.outages.strike(until)
        self.gateways.flush()
        self.session.cursor = until
        self.session.statuses = self.gateways.statuses
        self.truth.sent(messages, self.number, self.session)


_ASK = 20_000
"""The backlog is asked for every so many objects."""

__all__ = ["Broken", "Options", "Progress", "Runner"]
