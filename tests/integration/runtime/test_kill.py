"""SIGKILL and SIGSTOP of processors: nothing lost, nothing twice; a zombie writes nothing (P2)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.properties.house import facts
from tests.support.processes import Processes, spots, until

DOMAINS = ("parking",)


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


@pytest.fixture
def expected(processes: Callable[[], Processes]) -> object:
    """The facts of an undisturbed run."""
    plain = processes()
    count = plain.append(spots())
    plain.processors()
    plain.settle(count)
    plain.end()
    return facts(plain.url, DOMAINS)


@pytest.mark.parametrize("point", ["before", "after"])
def test_p2_sigkill_around_a_commit(processes: Callable[[], Processes], expected: object, point: str) -> None:
    """Killed inside a transaction, and between a commit and the next poll: nothing lost, nothing twice."""
    house = processes()
    count = house.append(spots())
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
    first = house.append(records[: len(records) // 2])
    until(lambda: house.read() > 0)
    zombie.send_signal(signal.SIGSTOP)
    time.sleep(0.5)  # the server finishes what it was asked for
    _cut_off(house.url)
    second = house.append(records[len(records) // 2 :])
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
