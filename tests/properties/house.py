"""A house of all domains fed by hand, for properties: any order, batching, crash and number of workers.

Records get their partition and offset as a log would give them; `Worker.take` and `pass_time` are the real ones, with
the real tables. There is no broker and no log between, so that hypothesis decides every order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import psycopg

from compound.events import REGISTRY, Event, to_record
from compound.log.partition import partition_of
from compound.log.port import Address, Record, Slot, Stored
from compound.settings import Settings
from compound.store.db import connect
from processors.main import DOMAINS, create
from processors.runtime.worker import Worker

PARTITIONS = 3
FACTS: Mapping[str, tuple[str, ...]] = {
    "parking": ("segment",),
    "parcels": ("segment",),
    "access": ("segment", "person_segment"),
    "solar": ("segment",),
}
"""Tables of segments that are compared whole; other facts are compared by `figures`."""


class NoLog:
    """Only what the worker asks of a log beside reading: how many partitions a topic has."""

    def partitions(self, topic: str) -> int:
        """As in the house."""
        return 1 if topic in (REGISTRY, "history", "commands", "quarantine") else PARTITIONS

    def append(self, records: Sequence[Record]) -> list[Address]:
        """Nothing is appended here."""
        raise NotImplementedError

    def heads(self, topics: Sequence[str]) -> dict[Slot, int]:
        """Nobody can say."""
        return {}

    def generation(self, topic: str) -> int:
        """One."""
        return 1


@dataclass(slots=True)
class Member:
    """One worker process' worker of one domain, with the partitions it has."""

    worker: Worker
    slots: list[Slot]


class House:
    """All (or some) domains on one database, each with `workers` workers that share the partitions."""

    def __init__(self, url: str, domains: Iterable[str] = DOMAINS, workers: int = 1) -> None:
        self.url = url
        self.settings = Settings(database_url=url)
        self.domains = tuple(domains)
        self.workers = workers
        self.now = 0
        self._offsets: dict[Slot, int] = {}
        self._log: Any = NoLog()
        self._members: dict[str, list[Member]] = {name: self._staff(name) for name in self.domains}

    def _staff(self, name: str) -> list[Member]:
        members = []
        for number in range(self.workers):
            worker = Worker(create(name, self.settings), self._log, self.settings, clock=lambda: self.now / 1_000_000)
            worker._conn = connect(self.url, f"{name}-{number}", name)
            slots = [
                Slot(topic, 1, partition)
                for topic in worker.domain.topics
                for partition in range(self._log.partitions(topic))
                if partition % self.workers == number
            ]
            worker.load_positions(slots)
            members.append(Member(worker, slots))
        return members

    def crash(self, name: str) -> None:
        """All workers of a domain die and others take over: memory is gone, the tables stay."""
        for member in self._members[name]:
            member.worker._drop()
        self._members[name] = self._staff(name)

    def store(self, events: Sequence[tuple[str, Event]], recorded: int) -> list[Stored]:
        """Records as the log would give them, in this order; `recorded` in µs, one more each."""
        found = []
        for number, (topic, event) in enumerate(events):
            record = to_record(topic, event)
            slot = Slot(topic, 1, partition_of(record.key, self._log.partitions(topic)))
            offset = self._offsets.get(slot, 0)
            self._offsets[slot] = offset + 1
            found.append(Stored(*slot, offset, recorded + number, record.key, record.headers, record.value))
        return found

    def deliver(self, batch: Sequence[Stored], name: str) -> None:
        """Hand a batch to the workers of a domain, each its own partitions, in order."""
        for member in self._members[name]:
            mine = [s for s in batch if Slot(s.topic, s.generation, s.partition) in member.slots]
            if mine:
                member.worker.take(mine)

    def settle(self) -> None:
        """Derive all that is stale, tell what is due, until nothing changes any more."""
        for name in self.domains:
            for member in self._members[name]:
                member.worker.pass_time(member.slots, at_end=True)

    def close(self) -> None:
        """Let go of the connections."""
        for members in self._members.values():
            for member in members:
                member.worker._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def play(house: House, events: Sequence[tuple[str, Event]], chance: random.Random, size: int, crashes: int) -> None:
    """Feed events in the order given, in batches of up to `size`, domains interleaved at random, with crashes between."""
    pending: dict[str, list[Stored]] = {name: [] for name in house.domains}
    stored = house.store(events, recorded=1_800_000_000_000_000)
    house.now = 1_800_000_000_000_000 + 10 * len(stored)
    position = 0
    while position < len(stored) or any(pending.values()):
        step = stored[position : position + chance.randint(1, size)]
        position += len(step)
        for name in house.domains:
            topics = house._members[name][0].worker.domain.topics
            pending[name] += [each for each in step if each.topic in topics]
            if pending[name] and (chance.random() < 0.7 or position >= len(stored)):
                count = chance.randint(1, len(pending[name]))
                house.deliver(pending[name][:count], name)
                del pending[name][:count]
        if crashes and chance.random() < 0.2:
            house.crash(chance.choice(house.domains))
            crashes -= 1
        if chance.random() < 0.2:
            house.settle()
    house.settle()


def facts(url: str, domains: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """The facts of the state domains and the energy tables, by names, without what depends on arrival."""
    found = {}
    with psycopg.connect(url, options="-c TimeZone=UTC") as conn:
        for name in domains:
            for table in FACTS.get(name, ()):
                found[f"{name}.{table}"] = conn.execute(
                    f'SELECT subject, what, kind, start, key, "end", data::text, tell_at FROM {name}.{table} ORDER BY 1, 2, 3, 4, 5'
                ).fetchall()
        if "energy" in domains:
            for table, query in ENERGY.items():
                found[f"energy.{table}"] = conn.execute(query).fetchall()
    return found


_NAMED = "JOIN energy.series n ON n.id = t.series"
ENERGY: Mapping[str, str] = {
    "segment": 'SELECT n.subject, n.what, t.start, t."end", t.first, t.last, t.mark, t.split FROM energy.segment t '
    + _NAMED
    + " ORDER BY 1, 2, 3",
    "mark": f"SELECT n.subject, n.what, t.time, t.value, t.length, t.verdict FROM energy.mark t {_NAMED} ORDER BY 1, 2, 3, 4, 5",
    "quarter": "SELECT n.subject, n.what, p.point, t.start, t.quantity, t.covered, t.estimated, t.substituted"
    f" FROM energy.quarter t {_NAMED} JOIN energy.place p ON p.id = t.place"
    " WHERE (t.quantity, t.covered) <> (0, 0) ORDER BY 1, 2, 3, 4",
    "day": "SELECT n.subject, n.what, p.point, t.day, t.quantity, t.covered, t.unmeasured_day, t.unmeasured_month, t.unmeasured_year"
    f" FROM energy.day t {_NAMED} JOIN energy.place p ON p.id = t.place"
    " WHERE (t.quantity, t.covered) <> (0, 0) ORDER BY 1, 2, 3, 4",
}
