"""Many processes on one log: joining, leaving, dying and standing still under load cost neither a record nor a double, and
the others go on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.e2e.running import children
from tests.properties.house import facts
from tests.services.databases import Databases
from tests.support.processes import Processes, spots, until

SPOTS = [f"s{number}" for number in range(1, 9)]
"""They lie in all four partitions."""
SESSION_S = 4


@pytest.fixture(params=["postgresql", "kafka"])
def log_url(request: pytest.FixtureRequest) -> str:
    """Each of the two logs."""
    return "" if request.param == "postgresql" else f"kafka://{request.getfixturevalue('kafka_bootstrap')}"


@pytest.fixture(scope="module")
def expected(databases: Databases) -> object:
    """The facts of an undisturbed run of one process."""
    plain = Processes(databases.create())
    count = plain.append(spots(SPOTS))
    plain.processors()
    plain.settle(count)
    plain.end()
    return facts(plain.url, ("parking",))


@contextmanager
def load(house: Processes) -> Iterator[list[int]]:
    """All records come in, again and again, while the block runs; how many of each round parking reads."""
    records, stop = spots(SPOTS), threading.Event()
    read: list[int] = []

    def run() -> None:
        while not stop.is_set():
            for start in range(0, len(records), 25):
                read.append(house.append(records[start : start + 25]))
                stop.wait(0.2)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield read
    finally:
        stop.set()
        thread.join()


def test_joining_leaving_dying_and_standing_still(
    new_database: Callable[[], str], log_url: str, expected: object
) -> None:
    house = Processes(new_database(), log_url, session_s=SESSION_S)
    try:
        with load(house) as given:
            team = house.processors("--workers", "2")
            until(lambda: _sessions(house) == 2 and house.read() > 0)
            with _joined(house):
                _kill_one(team)
            _go_on(house)
            with _joined(house):
                lone = house.processors()
            _go_on(house)
            lone.send_signal(signal.SIGSTOP)  # longer than the session time-out, until the end
            _go_on(house)
            _go_on(house)
            with _joined(house):
                other = house.processors()
            _go_on(house)
            other.terminate()  # leaves
            assert other.wait(60) == 0
            _go_on(house)
        total = sum(given)
        house.settle(total)  # with one that stands still: its partitions went to the others
        lone.send_signal(signal.SIGCONT)
        lone.terminate()
        assert lone.wait(60) == 0
        house.settle(total)
        assert facts(house.url, ("parking",)) == expected
        ours = children(team.pid)
        team.terminate()
        assert team.wait(60) == 0
        assert not any(_runs(pid) for pid in ours)
    finally:
        house.end()


def _go_on(house: Processes) -> None:
    """Every partition that has something new is read further."""
    before = _positions(house)
    until(lambda: sum(_positions(house).get(slot, 0) > at for slot, at in before.items()) >= len(before) - 1)


def _positions(house: Processes) -> dict[tuple[str, int, int], int]:
    with psycopg.connect(house.url) as conn:
        rows = conn.execute("SELECT topic, generation, partition, next_offset FROM parking.position").fetchall()
    return {(topic, generation, partition): at for topic, generation, partition, at in rows}


def _sessions(house: Processes) -> int:
    """Workers of parking that are connected."""
    with psycopg.connect(house.url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'processors/parking'"
        ).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _joined(house: Processes) -> Iterator[None]:
    """Wait until a worker of parking has connected since the start of the block."""
    with psycopg.connect(house.url, autocommit=True) as conn:
        connected = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_start > %s"
            " AND application_name = 'processors/parking'"
        )
        (now,) = conn.execute("SELECT clock_timestamp()").fetchone() or (None,)
        yield
        until(lambda: conn.execute(connected, (now,)).fetchone() != (0,))


def _kill_one(team: subprocess.Popen[bytes]) -> None:
    """SIGKILL of a worker: the supervisor starts another."""
    gone = min(children(team.pid))
    os.kill(gone, signal.SIGKILL)
    until(lambda: gone not in (now := children(team.pid)) and len(now) == 2)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_die_with_their_supervisor(database: str) -> None:
    """By SIGKILL too, which nobody can answer."""
    house = Processes(database)
    team = house.processors("--workers", "2")
    until(lambda: len(children(team.pid)) == 2)
    ours = children(team.pid)
    team.kill()
    team.wait()
    until(lambda: not any(_runs(pid) for pid in ours))
