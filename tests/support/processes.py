"""Processors' processes on a database of their own, and the events of two parking spots for them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg

from compound.events import to_record
from compound.log.open import open_log
from compound.log.port import Record
from tests.properties.events import DAY0, DEVICES, PLACES, START, Given, change, message

ROOT = Path(__file__).parents[2]
COUNT = 400


class Processes:
    """Processors' processes on one database and log."""

    def __init__(self, url: str, log_url: str = "", **settings: object) -> None:
        self.url, self.log_url = url, log_url
        ours = {"database_url": url, "log_url": log_url, "processors_batch": 40, **settings}
        self.env = {**os.environ, **{f"COMPOUND_{name.upper()}": str(value) for name, value in ours.items()}}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """`python -m ARGS` with this database."""
        process = subprocess.Popen([sys.executable, "-m", *args], cwd=ROOT, env=self.env)
        self.started.append(process)
        return process

    def processors(self, *args: str) -> subprocess.Popen[bytes]:
        """The real role."""
        return self.start("ops.cli", "processors", "--only", "registry,parking", *args)

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

    def append(self, records: Sequence[Record]) -> int:
        """Append in several appends; how many of them parking reads."""
        log = open_log(self.log_url, self.url, 4)
        for start in range(0, len(records), 100):
            log.append(records[start : start + 100])
        log.close()
        return sum(record.topic == "parking" for record in records)

    def settle(self, records: int) -> None:
        """Wait until all is read and nothing is stale."""
        until(lambda: self.read() == records and self.stale() == 0)

    def end(self) -> None:
        """SIGKILL them all."""
        for process in self.started:
            process.kill()
            process.wait()


def until(true: Callable[[], bool], timeout_s: float = 90.0) -> None:
    """Wait until `true()`."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def spots(spots: Sequence[str] = ("s1", "s2")) -> list[Record]:
    """A registry and events of spots, some late, some twice."""
    chance = random.Random(7)
    given = [
        message(
            "parking", "event", chance.choice(spots), START + chance.randrange(7200) * 1_000_000,
            {"boot": 1, "seq": number, "state": chance.choice(("occupied", "free"))},
        )
        for number in range(COUNT)
    ]  # fmt: skip
    given += chance.choices(given, k=COUNT // 4)
    return [to_record(topic, event) for topic, event in (*PLACES, *DEVICES, *_places(spots[2:]), *given)]


def _places(spots: Sequence[str]) -> Iterator[Given]:
    for spot in spots:
        yield change("point", f"p-{spot}", DAY0, {"type": "parking", "site": "s", "carpark": "c"})
        yield change("device", spot, DAY0, {"kind": "parking", "site": "s", "point": f"p-{spot}"})
