"""Access and alerts on the real runtime: log, workers that share partitions, outbox, history, command; crashes between."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compound.events import COMMANDS, HISTORY, REGISTRY, Event, to_record
from compound.log.open import open_log
from compound.log.port import Reader
from compound.registry.file import to_event
from compound.registry.projection import Change
from compound.settings import Settings
from compound.store.db import connect
from compound.timeutil import MINUTE, SECOND, parse
from processors import access, alerts
from processors.runtime import registry as registry_domain
from processors.runtime.outbox import Relay
from processors.runtime.worker import Worker
from tests.support.access import event, facts, items, registry
from tests.support.access_rig import as_facts, stored
from tests.support.alerts import acknowledge


class Rig:
    """Workers turned by hand, with a clock that the test sets."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(database_url=url, processors_poll_s=0.05, processors_batch=40)
        self.log = open_log("", url, 4)
        self.conn = connect(url, "test", autocommit=True)
        self.late = 0.0
        self.stop = threading.Event()
        self.pairs: list[tuple[Worker, Reader]] = []

    def clock(self) -> float:
        return time.time() + self.late

    def worker(self, create: Callable[[Settings], Any]) -> tuple[Worker, Reader]:
        worker = Worker(create(self.settings), self.log, self.settings, clock=self.clock)
        worker._conn = connect(self.settings.database_url, "worker", worker.domain.name)
        reader = self.log.reader(worker.domain.name, worker.domain.topics, worker.load_positions)
        self.pairs.append((worker, reader))
        return worker, reader

    def kill(self, pair: tuple[Worker, Reader]) -> None:
        """Gone without a word to the others."""
        self.pairs.remove(pair)
        pair[0]._drop()
        pair[1].close()

    def turn(self, turns: int = 3, seconds: float = 0.0) -> None:
        """Everybody works for a while; history goes to the log."""
        for _ in range(turns):
            self.late += seconds
            for worker, reader in self.pairs:
                worker.turn(reader, self.stop)
            with connect(self.settings.database_url, "relay") as conn:
                while Relay(self.log, self.settings.database_url).turn(conn):
                    pass

    def until_read(self) -> None:
        while any(sum(reader.lag().values()) or not reader.assigned() for _, reader in self.pairs):
            self.turn(1)
        self.turn(2, seconds=1.5)

    def register(self) -> None:
        rows = [Change(kind, item_id, since, data) for kind, item_id, since, data in items()]
        self.log.append([to_record(REGISTRY, to_event(change, 0)) for change in rows])
        self.worker(registry_domain.create)
        self.turn()

    def append(self, *events: Event, topic: str = "gate") -> None:
        self.log.append([to_record(topic, each) for each in events])

    def alerts(self) -> list[tuple[Any, ...]]:
        return self.conn.execute("SELECT rule, subject, state FROM alerts.alert ORDER BY raised, rule").fetchall()

    def close(self) -> None:
        for pair in list(self.pairs):
            self.kill(pair)
        self.log.close()
        self.conn.close()


@pytest.fixture
def rig(database: str) -> Iterator[Rig]:
    made = Rig(database)
    made.register()
    yield made
    made.close()


def test_a_forced_door_reaches_the_desk_once_and_is_acknowledged(rig: Rig) -> None:
    rig.worker(access.create)
    rig.worker(alerts.create)
    now = int(time.time() * 1_000_000)
    rig.append(event("south", now, "opened", 1))
    rig.turn(2)
    assert rig.alerts() == []
    rig.turn(8, seconds=2)
    assert rig.alerts() == [("forced", "gate-south", "raised")]
    (alert,) = rig.conn.execute("SELECT id FROM alerts.alert").fetchall()[0]
    rig.append(acknowledge(alert, now), topic=COMMANDS)
    rig.turn(2)
    assert rig.alerts() == [("forced", "gate-south", "acknowledged")]
    rig.append(event("south", now + 6 * SECOND, "closed", 2))
    rig.turn(3, seconds=60)
    assert rig.alerts() == [("forced", "gate-south", "cleared")]
    told = rig.conn.execute("SELECT count(*) FROM book.event WHERE topic = %s", (HISTORY,)).fetchone()
    assert told == (2,)


def test_p2_p3_workers_that_come_and_go_give_the_same_facts(rig: Rig) -> None:
    """Two workers share the doors and so write the same persons; one dies, another comes, records stand twice in the log."""
    chance, start, events = random.Random(3), parse("2026-11-02T07:00:00+08:00"), list[Event]()
    for n in range(120):
        door, at = chance.choice(["north", "south", "office"]), start + n * 3 * MINUTE
        for seq, what in enumerate(("grant", "opened", "passage", "closed")):
            card, way = (chance.choice("ABCD"), chance.choice(["in", "out"])) if what == "grant" else ("", "")
            events.append(event(door, at + seq * SECOND, what, n * 4 + seq, card, way))
    order = [*events, *events[::5]]
    chance.shuffle(order)
    first, second = rig.worker(access.create), rig.worker(access.create)
    rig.append(*order[:200])
    rig.turn(4)
    rig.kill(first)
    rig.append(*order[200:400])
    rig.turn(4)
    third = rig.worker(access.create)
    rig.append(*order[400:])
    rig.until_read()
    assert second[1].assigned()
    assert third[1].assigned()
    assert stored(rig.conn) == as_facts(facts(events, registry()))
