"""A domain whose facts are one state timeline for each device: decode, fold, tell. Most domains are just this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic

import msgspec
import structlog

from compound.events import Received
from compound.settings import Settings
from processors.runtime import metrics
from processors.runtime.domain import Tx
from processors.runtime.point import Point
from processors.runtime.tables import Changes
from processors.runtime.telling import Rule, Teller, note_arrivals
from processors.runtime.timeline import Fold, S, StateTimeline

_out = structlog.get_logger()

Decode = Callable[[Received], Sequence[Point]]


def arrivals_of(events: Sequence[Received], late_us: int) -> dict[str, tuple[str, int, int, int, int | None]]:
    """By subject: topic, partition, newest time, newest recorded, newest recorded of an event later than `late_us`."""
    found: dict[str, tuple[str, int, int, int, int | None]] = {}
    for received in events:
        time, recorded = received.event.time, received.recorded
        late = recorded if recorded - time > late_us else None
        known = found.get(received.event.subject)
        if known is not None:
            time, recorded = max(time, known[2]), max(recorded, known[3])
            late = max((value for value in (late, known[4]) if value is not None), default=None)
        found[received.event.subject] = received.topic, received.partition, time, recorded, late
    return found


def points_of(domain: str, decode: Decode, events: Sequence[Received]) -> list[Point]:
    """The points of all events. One that breaks the contract, which ingest would not have let in, is counted, said, and
    passed over: it stays in the log, and must not stop what comes after it.
    """
    points: list[Point] = []
    for received in events:
        try:
            points += decode(received)
        except msgspec.DecodeError as error:
            metrics.UNREADABLE.labels(domain).inc()
            _out.error("no point", domain=domain, topic=received.topic, offset=received.offset, error=str(error))
    return points


class StateDomain(Generic[S]):
    """Topics in, one fold, conditions told. Subclass and override `contribute` for what segments say about other subjects."""

    def __init__(
        self,
        name: str,
        topics: tuple[str, ...],
        decode: Decode,
        fold: Fold[S],
        rules: Mapping[str, Rule],
        settings: Settings,
    ) -> None:
        self.name = name
        self.topics = topics
        self.timeline = StateTimeline(fold, keep=settings.processors_timelines)
        self.teller = Teller(rules, settings.quiet_s, settings.late_s)
        self._decode = decode

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Points of the events into the timeline, and what follows."""
        note_arrivals(tx, arrivals_of(events, self.teller.late))
        self._changed(tx, self.timeline.add(tx, points_of(self.name, self._decode, events)))

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """Fold again after a change of the registry."""
        self._changed(tx, self.timeline.rederive(tx, devices))

    def tick(self, tx: Tx) -> bool:
        """Tell what is due."""
        return self.teller.tick(tx)

    def forget(self) -> None:
        """Drop the tails."""
        self.timeline.forget()

    def contribute(self, tx: Tx, changes: Changes) -> None:
        """What the changed segments say about other subjects; nothing unless a domain says so."""

    def _changed(self, tx: Tx, changes: Changes) -> None:
        for (subject, _), _kind, _start, _key in (*changes.removed, *changes.added):
            tx.changed.add((self.name, subject))
        self.contribute(tx, changes)
