"""The worker: positions commit with effects (P2), zombies write nothing, conditions become history once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from compound.events import HISTORY, REGISTRY, Event, Received, from_stored, to_record
from compound.log.book import decode_headers
from compound.log.open import open_log
from compound.log.port import Log, Reader, Stored
from compound.registry.file import to_event
from compound.registry.projection import DERIVED_BY, Change
from compound.registry.timeline import build
from compound.settings import Settings
from compound.store.db import connect
from compound.timeutil import text
from processors.runtime import registry as registry_domain
from processors.runtime.domain import Tx
from processors.runtime.outbox import Relay
from processors.runtime.telling import note_arrivals
from processors.runtime.worker import FenceLost, Worker
from tests.support import toy
from tests.support.toy import SECOND, record

START = 1_700_000_000 * SECOND


class Rig:
    """A database, its log, and workers turned by hand with a clock that the test sets."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(database_url=url, processors_poll_s=0.05)
        self.log: Log = open_log("", url, 4)
        self.conn = connect(url, "test", "toy", autocommit=True)
        self.conn.execute("SELECT runtime.make_domain('toy'), runtime.make_timeline('toy')")
        self.now = START / SECOND
        self.stop = threading.Event()
        self._pairs: list[tuple[Worker, Reader]] = []
        self._registry: tuple[Worker, Reader] | None = None

    def worker(self, domain: Any = None) -> tuple[Worker, Reader]:
        worker = Worker(domain or toy.create(self.settings), self.log, self.settings, clock=lambda: self.now)
        worker._conn = connect(self.settings.database_url, "test-worker", worker.domain.name)
        reader = self.log.reader(worker.domain.name, worker.domain.topics, worker.load_positions)
        self._pairs.append((worker, reader))
        return worker, reader

    def turn(self, pair: tuple[Worker, Reader], seconds: float = 2.0, turns: int = 3) -> None:
        for _ in range(turns):
            self.now += seconds
            pair[0].turn(pair[1], self.stop)

    def register(self, *devices: str, at: int = START - 1000 * SECOND, **more: Any) -> None:
        place = {"type": "parking", "site": "s", "carpark": "c"}
        changes = [Change("point", "p", text(at), place)]
        changes += [
            Change("device", d, text(at), {"kind": "parking", "site": "s", "point": "p", **more}) for d in devices
        ]
        self.log.append([to_record(REGISTRY, to_event(change, START)) for change in changes])
        if self._registry is None:
            self._registry = self.worker(registry_domain.create(self.settings))
        self.turn(self._registry)

    def runs(self) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            "SELECT subject, data->>'value', extract(epoch FROM \"end\" - start)::int FROM segment WHERE kind = 'run'"
            " ORDER BY subject, start"
        ).fetchall()

    def history(self) -> list[Event]:
        relay = Relay(self.log, self.settings.database_url)
        with connect(self.settings.database_url, "relay") as conn:
            while relay.turn(conn):
                pass
        rows = self.conn.execute(
            'SELECT generation, partition, "offset", key, headers, value FROM book.event WHERE topic = %s ORDER BY "offset"',
            (HISTORY,),
        ).fetchall()
        stored = [
            Stored(HISTORY, r[0], r[1], r[2], 0, bytes(r[3]), decode_headers(bytes(r[4])), bytes(r[5])) for r in rows
        ]
        return [from_stored(each).event for each in stored]

    def close(self) -> None:
        for worker, reader in self._pairs:
            reader.close()
            worker._drop()
        self.log.close()
        self.conn.close()


@pytest.fixture
def rig(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setitem(DERIVED_BY, "parking", ("toy",))
    made = Rig(database)
    yield made
    made.close()


def test_p2_effects_and_positions_commit_together(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """P2: an error after the effects rolls both back; the next turn takes the batch once."""
    rig.register("a")
    pair = rig.worker()
    rig.log.append([record("a", START, "occupied"), record("a", START + 5 * SECOND, "free", 1)])

    def broken(tx: Tx, events: Sequence[Received]) -> None:
        toy.create(rig.settings).apply(tx, events)
        raise RuntimeError("after the effects")

    monkeypatch.setattr(pair[0].domain, "apply", broken)
    with pytest.raises(RuntimeError, match="after the effects"):
        rig.turn(pair)
    assert rig.runs() == []
    monkeypatch.undo()
    pair[0]._reset(pair[1])
    rig.turn(pair)
    assert rig.runs() == [("a", "occupied", 5), ("a", "free", None)]


def test_p2_a_zombie_writes_nothing(rig: Rig) -> None:
    """P2: a worker that another one has overtaken loses its fence, drops what it holds, and goes on from the truth."""
    rig.register("a")
    old = rig.worker()
    rig.log.append([record("a", START, "occupied")])
    rig.turn(old)
    rig.log.append([record("a", START + 5 * SECOND, "free", 1)])
    held = old[1].poll(10, 1.0)
    new = Worker(toy.create(rig.settings), rig.log, rig.settings, clock=lambda: rig.now)
    new._conn = connect(rig.settings.database_url, "new", "toy")
    new.load_positions(sorted(old[1].assigned()))
    new.take(held)
    with pytest.raises(FenceLost):
        old[0].take(held)
    old[0]._reset(old[1])
    rig.log.append([record("a", START + 8 * SECOND, "occupied", 2)])
    rig.turn(old)
    assert rig.runs() == [("a", "occupied", 5), ("a", "free", 3), ("a", "occupied", None)]
    new._drop()


def test_points_of_an_unknown_device_wait_for_its_registration(rig: Rig) -> None:
    """They make no segment, and all of them count once the device is registered."""
    rig.register("other")
    pair = rig.worker()
    rig.log.append([record("b", START + i * SECOND, "occupied" if i % 2 else "free", i) for i in range(5)])
    rig.turn(pair)
    assert rig.runs() == []
    rig.register("b")
    rig.turn(pair)
    assert [run[2] for run in rig.runs()] == [1, 1, 1, 1, None]


def test_a_live_condition_is_told_once_and_clears(rig: Rig) -> None:
    """Occupied for over 10 s by the clock, quiet for 10 s: raised once; freed: cleared."""
    rig.register("a")
    pair = rig.worker()
    rig.now = START / SECOND
    rig.log.append([record("a", START, "occupied")])
    rig.turn(pair, seconds=2)
    assert rig.history() == []
    rig.conn.execute("UPDATE subject SET recorded = to_timestamp(%s)", (rig.now,))
    rig.turn(pair, seconds=6, turns=4)
    assert [e.type for e in rig.history()] == ["alert.raised.v1"]
    rig.log.append([record("a", START + 60 * SECOND, "free", 1)])
    rig.now = START / SECOND + 100
    rig.turn(pair, turns=4)
    assert [e.type for e in rig.history()] == ["alert.raised.v1", "alert.cleared.v1"]


def test_what_was_over_before_it_could_be_known_is_recorded_not_sent(rig: Rig) -> None:
    """A buffered burst with a long stay inside rings no bell."""
    rig.register("a")
    pair = rig.worker()
    rig.now = START / SECOND + 36_000
    rig.log.append([record("a", START, "occupied"), record("a", START + 60 * SECOND, "free", 1)])
    rig.turn(pair, turns=5)
    told = [(e.type, msgspec.json.decode(e.data)["notify"]) for e in rig.history()]
    assert told == [("alert.raised.v1", False), ("alert.cleared.v1", False)]


def test_a_late_point_withdraws_what_was_told(rig: Rig) -> None:
    """The condition turns out never to have been."""
    rig.register("a")
    pair = rig.worker()
    rig.log.append([record("a", START, "occupied")])
    rig.now = START / SECOND + 50
    rig.turn(pair)
    rig.conn.execute("UPDATE subject SET recorded = to_timestamp(%s), late_recorded = NULL", (START / SECOND,))
    rig.turn(pair, turns=4)
    assert [e.type for e in rig.history()] == ["alert.raised.v1"]
    rig.log.append([record("a", START + 5 * SECOND, "free", 1)])
    rig.turn(pair, turns=4)
    assert [e.type for e in rig.history()] == ["alert.raised.v1", "alert.withdrawn.v1"]


def test_what_was_withdrawn_and_holds_after_all_is_recorded(rig: Rig) -> None:
    """Its device is taken off the registry and comes back, when the condition is over: that is said, and not sent."""
    rig.register("a")
    pair = rig.worker()
    rig.log.append([record("a", START, "occupied")])
    rig.now = START / SECOND + 50
    rig.turn(pair)
    rig.conn.execute("UPDATE subject SET recorded = to_timestamp(%s), late_recorded = NULL", (START / SECOND,))
    rig.turn(pair, turns=4)
    gone = Change("device", "a", text(START - 1000 * SECOND), None)
    rig.log.append([to_record(REGISTRY, to_event(gone, START)), record("a", START + 60 * SECOND, "free", 1)])
    assert rig._registry is not None
    rig.turn(rig._registry)
    rig.turn(pair, turns=4)
    assert [e.type for e in rig.history()] == ["alert.raised.v1", "alert.withdrawn.v1"]
    rig.register("a")
    rig.turn(pair, turns=4)
    told = [(e.type, msgspec.json.decode(e.data)["notify"]) for e in rig.history()]
    assert told[2:] == [("alert.raised.v1", False), ("alert.cleared.v1", False)]


def test_maintenance_pages_no_one_and_its_end_does_not_either(rig: Rig) -> None:
    """Raised in maintenance: not sent; cleared after maintenance: not sent, for nobody heard of it."""
    rig.register("a", maintenance=True)
    pair = rig.worker()
    rig.now = START / SECOND + 50
    rig.log.append([record("a", START, "occupied")])
    rig.turn(pair)
    rig.conn.execute("UPDATE subject SET recorded = to_timestamp(%s), late_recorded = NULL", (START / SECOND,))
    rig.turn(pair, turns=4)
    rig.register("a", at=START + 30 * SECOND)
    rig.log.append([record("a", START + 60 * SECOND, "free", 1)])
    rig.turn(pair, turns=6)
    told = [(e.type, msgspec.json.decode(e.data)["notify"]) for e in rig.history()]
    assert told == [("alert.raised.v1", False), ("alert.cleared.v1", False)]


def test_a_slow_clock_is_no_burst(rig: Rig) -> None:
    """A device that is steadily two minutes late has a slow clock; a jump in its lateness is a late burst."""
    with connect(rig.settings.database_url, "arrivals", "toy") as conn:
        tx = Tx(conn, "toy", build([]), 0)

        def arrive(time_s: int, recorded_s: int) -> int:
            recorded = START + recorded_s * SECOND
            note_arrivals(tx, {"a": ("parking", 0, START + time_s * SECOND, recorded, recorded)})
            row = conn.execute("SELECT extract(epoch FROM late_recorded)::bigint FROM subject").fetchone()
            assert row is not None
            return int(row[0]) - START // SECOND

        assert arrive(0, 120) == 120, "the first that is late may begin a burst"
        assert [arrive(step, 120 + step) for step in range(4, 40, 4)] == [120] * 9
        assert arrive(900, 165) == 165


def test_whether_all_partitions_are_read_counts_those_of_others(rig: Rig) -> None:
    """As far as they went at the tick before: under load something always came a moment ago."""
    rig.register("a")
    worker, reader = pair = rig.worker()
    rig.turn(pair)
    conn, slots = worker._conn, sorted(reader.assigned())
    assert conn is not None
    (address,) = rig.log.append([record("a", START, "occupied")])
    others = [slot for slot in slots if slot.partition != address.partition]
    assert worker._whole(conn, slots)
    assert [worker._whole(conn, others) for _ in range(2)] == [False, False]
    rig.turn(pair)
    rig.log.append([record("a", START + SECOND, "free", 1)])
    assert [worker._whole(conn, others) for _ in range(2)] == [True, False]
    conn.rollback()


def test_who_was_stopped_after_looking_at_the_log_tells_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that slept: what ended the condition meanwhile stands in the log, not yet read."""
    rig.register("a")
    worker, reader = pair = rig.worker()
    rig.now = START / SECOND
    rig.log.append([record("a", START, "occupied")])
    rig.turn(pair)
    rig.conn.execute("UPDATE subject SET recorded = to_timestamp(%s), late_recorded = NULL", (START / SECOND,))
    poll = reader.poll

    def stopped(most: int, timeout: float) -> list[Stored]:
        found = poll(most, timeout)
        rig.log.append([record("a", START + 5 * SECOND, "free", 1)])
        rig.now += 600
        return found

    monkeypatch.setattr(reader, "poll", stopped)
    worker.turn(reader, rig.stop)
    monkeypatch.undo()
    rig.turn(pair)
    assert rig.runs() == [("a", "occupied", 5), ("a", "free", None)]
    assert rig.history() == []


def test_a_clock_that_was_set_back_stops_no_ticks(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one that jumps ahead: both tick at the next turn."""
    rig.register("a")
    pair = rig.worker()
    ticks: list[int] = []
    monkeypatch.setattr(pair[0].domain, "tick", lambda tx: ticks.append(tx.now))
    rig.log.append([record("a", START, "occupied")])
    for jump in (2.0, -86_400.0, 2.0, 86_400.0):
        before = len(ticks)
        rig.turn(pair, seconds=jump, turns=1)
        rig.turn(pair, seconds=2.0, turns=1)
        assert len(ticks) > before, f"after {jump} s"
