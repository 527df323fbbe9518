"""SIGKILL and SIGSTOP of processors: nothing lost, nothing twice; a zombie writes nothing (P2)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from compound.events import to_record
from compound.log.open import open_log
from compound.log.port import Record
from tests.properties.events import DEVICES, PLACES, START, message
from tests.properties.house import facts

ROOT = Path(__file__).parents[3]
COUNT = 400
DOMAINS = ("parking",)


class Processes:
    """Processors' processes on one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.env = {**os.environ, "COMPOUND_DATABASE_URL": url, "COMPOUND_PROCESSORS_BATCH": "40"}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """`python -m ARGS` with this database."""
        process = subprocess.Popen([sys.executable, "-m", *args], cwd=ROOT, env=self.env)
        self.started.append(process)
        return process

    def processors(self) -> subprocess.Popen[bytes]:
        """The real role."""
        return self.start("ops.cli", "processors", "--only", "registry,parking")

    def read(self) -> int:
        """Records that parking has taken in."""
        with psycopg.connect(self.url) as conn:
            row = conn.execute("SELECT coalesce(sum(next_offset), 0) FROM parking.position").fetchone()
        return int(row[0]) if row else 0

    def stale(self) -> int:
        """Stretches still to be derived."""
        with psycopg.connect(self.url) as conn:
            row = conn.execute("SELECT count(*) FROM registry.stale WHERE domain = 'parking'").fetchone()
        return int(row[0]) if row else 0

    def settle(self, records: int) -> None:
        """Wait until all is read and nothing is stale."""
        until(lambda: self.read() == records and self.stale() == 0)

    def end(self) -> None:
        """SIGKILL them all."""
        for process in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def processes(new_database: Callable[[], str]) -> Iterator[Callable[[], Processes]]:
    """A function that gives processes on a fresh database."""
    made: list[Processes] = []

    def make() -> Processes:
        made.append(Processes(new_database()))
        return made[-1]

    yield make
    for each in made:
        each.end()


def until(true: Callable[[], bool], timeout_s: float = 90.0) -> None:
    """Wait until `true()`."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def spots() -> list[Record]:
    """A registry and events of two spots, some late, some twice."""
    chance = random.Random(7)
    given = [
        message(
            "parking", "event", chance.choice(("s1", "s2")), START + chance.randrange(7200) * 1_000_000,
            {"boot": 1, "seq": number, "state": chance.choice(("occupied", "free"))},
        )
        for number in range(COUNT)
    ]  # fmt: skip
    given += chance.choices(given, k=COUNT // 4)
    return [to_record(topic, event) for topic, event in (*PLACES, *DEVICES, *given)]


def append(url: str, records: list[Record]) -> int:
    """Append in several appends; how many of them parking reads."""
    log = open_log("", url, 4)
    for start in range(0, len(records), 100):
        log.append(records[start : start + 100])
    log.close()
    return sum(record.topic == "parking" for record in records)


@pytest.fixture
def expected(processes: Callable[[], Processes]) -> object:
    """The facts of an undisturbed run."""
    plain = processes()
    count = append(plain.url, spots())
    plain.processors()
    plain.settle(count)
    plain.end()
    return facts(plain.url, DOMAINS)


@pytest.mark.parametrize("point", ["before", "after"])
def test_p2_sigkill_around_a_commit(processes: Callable[[], Processes], expected: object, point: str) -> None:
    """Killed inside a transaction, and between a commit and the next poll: nothing lost, nothing twice."""
    house = processes()
    count = append(house.url, spots())
    dying = house.start("tests.support.dying_worker", "parking", point, "3")
    assert dying.wait(90) == -signal.SIGKILL
    assert 0 < house.read() < count
    house.processors()
    house.settle(count)
    assert facts(house.url, DOMAINS) == expected


def test_p2_a_zombie_after_sigstop_writes_nothing(processes: Callable[[], Processes], expected: object) -> None:
    """Stopped in mid-work, overtaken, and resumed: it loses its fence and the facts stay those of one run."""
    house = processes()
    records = spots()
    zombie = house.processors()
    first = append(house.url, records[: len(records) // 2])
    until(lambda: house.read() > 0)
    zombie.send_signal(signal.SIGSTOP)
    time.sleep(0.5)  # the server finishes what it was asked for
    _cut_off(house.url)
    second = append(house.url, records[len(records) // 2 :])
    house.processors()
    house.settle(first + second)
    zombie.send_signal(signal.SIGCONT)
    time.sleep(2.0)
    house.settle(first + second)
    assert facts(house.url, DOMAINS) == expected


def _cut_off(url: str) -> None:
    """End what the server's timeouts would: the group's session, else its locks keep the partitions, and a transaction in
    which it was stopped. Its worker's own session lives: only the fence keeps it from writing.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND (application_name LIKE 'compound reader%' OR xact_start IS NOT NULL)"
        )
