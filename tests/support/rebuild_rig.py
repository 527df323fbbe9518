"""A compound of all domains on a real log, with processors at work while devices send: what a rebuild is tested on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Self

import psycopg

from compound.events import Event, to_record
from compound.log.open import open_log
from compound.registry.projection import DERIVED_BY
from compound.settings import Settings
from compound.store.db import connect, sql_text
from compound.timeutil import MINUTE, SECOND
from processors.main import create, run
from tests.properties.events import DEVICES, PLACES, START, Given, change, message

ROOT = Path(__file__).parents[2]
DOMAINS = ("registry", "energy", "parking", "access", "parcels", "solar", "liveness", "alerts", "quotas", "quarantine")
BUILT = ("energy", "parking", "access", "parcels", "solar", "liveness", "alerts", "quarantine")


class Compound:
    """Processors in threads on a database of its own; `send` appends what devices said."""

    def __init__(self, url: str, only: Sequence[str] = DOMAINS, **more: Any) -> None:
        self.url = url
        self.settings = Settings(
            database_url=url,
            quiet_s=0.5,
            evaluate_s=0.2,
            processors_poll_s=0.1,
            processors_batch=500,
            rebuild_batch=300,
            **more,
        )
        self._only = only
        self._topics = {domain: list(create(domain, self.settings).topics) for domain in only}
        self.log = open_log("", url, 3)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.failed: list[BaseException] = []

    def __enter__(self) -> Self:
        self.append([*PLACES, *DEVICES])
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.log.close()

    def start(self) -> None:
        """Processors begin."""
        self._stop = threading.Event()
        self._go(lambda: run(self.settings, self._stop, self._only))

    def stop(self) -> None:
        """All threads end. Raises what one of them raised."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        self._threads.clear()
        if self.failed:
            raise self.failed[0]

    def append(self, events: Sequence[Given]) -> None:
        """Into the log, in appends of fifty."""
        for start in range(0, len(events), 50):
            self.log.append([to_record(topic, event) for topic, event in events[start : start + 50]])

    def register(self, kind: str, item: str, since: int, data: dict[str, Any] | None) -> None:
        """A change of the registry."""
        self.append([change(kind, item, since, data)])

    def sending(self, seed: int, pause_s: float = 0.02) -> None:
        """Devices send from now on, until the end."""

        def send() -> None:
            chance, step = Random(seed), 1000
            while not self._stop.is_set():
                self.append(events(chance, 40, step))
                step += 40
                self._stop.wait(pause_s)

        self._go(send)

    def settle(self, timeout_s: float = 240.0) -> None:
        """Wait until all is read and nothing is stale."""
        self.until(self._settled, timeout_s)

    def until(self, true: Callable[[], bool], timeout_s: float = 240.0) -> None:
        """Wait until `true()`. Raises what a thread raised."""
        deadline = time.monotonic() + timeout_s
        while not true():
            if self.failed:
                raise self.failed[0]
            assert time.monotonic() < deadline, "not in time"
            time.sleep(0.05)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with connect(self.url, "test") as conn:
            return conn.execute(sql_text(query), parameters or None).fetchall()

    def do(self, statement: str, *parameters: Any) -> None:
        """Run a statement."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(sql_text(statement), parameters or None)

    def _settled(self) -> bool:
        """Nothing is unread, stale or yet to be told, all seen at one moment: what one domain tells, another reads."""
        unread = (
            "SELECT 1 FROM book.partition b LEFT JOIN {}.position p USING (topic, generation, partition)"
            " WHERE b.topic = ANY(%s) AND coalesce(p.next_offset, 0) < b.next_offset"
        )
        open_ends = [
            "SELECT 1 FROM runtime.outbox",
            "SELECT 1 FROM registry.stale WHERE domain = ANY(%s)",
            *(unread.format(domain) for domain in self._only),
        ]
        derived = sorted({*sum(DERIVED_BY.values(), ())} & set(self._only))
        topics = [self._topics[domain] for domain in self._only]
        return not self.rows(" UNION ALL ".join(open_ends), derived, *topics)

    def _go(self, job: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - the test's thread tells it
                self.failed.append(error)

        self._threads.append(threading.Thread(target=guarded))
        self._threads[-1].start()


def events(chance: Random, count: int, since: int = 0) -> list[Given]:
    """What devices say in `count` steps of a minute: late, twice, contradictory, of unknown devices too."""
    found: list[Given] = []
    for step in range(since, since + count):
        moment = START + step * MINUTE - chance.choice((0, 0, 0, 0, 20)) * MINUTE
        made = chance.choice((_meter, _meter, _spot, _gate, _locker, _inverter, _weather, _status))(
            chance, step, moment
        )
        found += [made] * chance.choice((1, 1, 1, 2))
    return found


def _data(step: int, **fields: Any) -> dict[str, Any]:
    return {"boot": 1, "seq": step, **fields}


def _meter(chance: Random, step: int, moment: int) -> Given:
    value = (1_000 + step * 100 + chance.choice((0,) * 12 + (50_000,))) % 100_000_000
    device = chance.choice(("m1", "m2", "m2", "m1", "m1", "nobody"))
    return message("meter", "reading", device, moment, _data(step, import_wh=value))


def _spot(chance: Random, step: int, moment: int) -> Given:
    state = chance.choice(("occupied", "occupied", "free"))
    return message(
        "parking", chance.choice(("event", "reading")), chance.choice(("s1", "s2")), moment, _data(step, state=state)
    )


def _gate(chance: Random, step: int, moment: int) -> Given:
    kind = chance.choice(("grant", "grant", "opened", "passage", "closed", "closed", "exit_request", "duress"))
    fields: dict[str, Any] = {"event": kind}
    if kind in ("grant", "duress"):
        fields["card"] = f"tok:access:2026-09:{chance.choice('abc') * 32}"
    if kind in ("grant", "passage", "exit_request"):
        fields["direction"] = chance.choice(("in", "out"))
    at = moment + chance.randrange(30) * SECOND
    return message("gate", "event", chance.choice(("g1", "g2")), at, _data(step, **fields))


def _locker(chance: Random, step: int, moment: int) -> Given:
    kind = chance.choice(("reserved", "opened", "closed", "opened", "closed", "fault", "repaired"))
    fields: dict[str, Any] = {"event": kind, "cell": chance.choice(("A1", "A2"))}
    if kind == "opened":
        fields["purpose"] = chance.choice(("deposit", "pickup", "retrieval"))
    if kind == "closed":
        fields["present"] = chance.random() < 0.5
    return message("locker", "event", "l1", moment, _data(step, **fields))


def _inverter(chance: Random, step: int, moment: int) -> Given:
    fields = {"energy_wh": (2**32 - 2_000 + step * 30) % 2**32, "power_w": 1800, "state": chance.choice((4, 4, 5, 7))}
    return message("inverter", "reading", "i1", moment, _data(step, evt1=chance.choice((0, 0, 1)), **fields))


def _weather(chance: Random, step: int, moment: int) -> Given:
    return message("weather", "reading", "w1", moment, _data(step, poa_w_m2=chance.randrange(1000)))


def _status(chance: Random, step: int, moment: int) -> Given:
    data = {"boot": 1, "state": chance.choice(("online", "offline")), "will": chance.random() < 0.3}
    topic, event = message("meter", "status", "m1", moment, data)
    return topic, Event(event.id, event.source, "device.status.v1", event.time, event.subject, event.data)


def killed_half_way(compound: Compound) -> int:
    """Begin a rebuild of parking in a process of its own and kill it; how many records it had taken."""
    env = {**os.environ, "COMPOUND_DATABASE_URL": compound.url, "COMPOUND_REBUILD_BATCH": "1"}
    read = "SELECT coalesce(sum(next_offset), 0) FROM parking_next.position"
    process = subprocess.Popen([sys.executable, "-m", "ops.cli", "rebuild", "parking"], cwd=ROOT, env=env)
    compound.until(lambda: bool(compound.rows("SELECT to_regclass('parking_next.position')")[0][0]))
    compound.until(lambda: compound.rows(read)[0][0] > 0)
    process.kill()
    process.wait()
    taken = int(compound.rows(read)[0][0])
    assert 0 < taken < int(compound.rows("SELECT sum(next_offset) FROM parking.position")[0][0])
    compound.until(lambda: not compound.rows("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'rebuild/%'"))
    return taken
