"""Many processes on one log: what shares, gathers and keeps cost, and how long a partition stands still when one comes or goes.

    python -m benchmarks.processes [--log kafka|postgresql] [--readings 100000] [--rate 1000] [--json]

The energy domain reads meters, in real processes (`compound processors --only energy`):

*partitions*: one backlog, read by one process and by two, for topics of 1, 4 and 16 partitions; records a second and CPU.
*gather* (`COMPOUND_PROCESSORS_GATHER_MS`, the commit interval): a steady stream, CPU µs a record of processor and database,
and how long a record waits (append to commit).
*stops*: three processes under a steady stream; one more joins, one leaves (SIGTERM), one dies (SIGKILL), one stands still
(SIGSTOP) for longer than the session time-out. For each the longest time in which a partition with something new was not read
further: of the partitions of all, and of those that changed hands the least.
*memory*: PSS of a process by number of meters.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from benchmarks.frame import options, own_postgres, show
from benchmarks.log import Meter
from benchmarks.machine import cpu_of
from benchmarks.rebuild import reading, register
from compound.log.open import open_log
from compound.log.port import Log
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from tests.services.kafka_node import KafkaNode

ROOT = Path(__file__).parents[1]
SESSION_S = 6.0
APPEND = 5000
PARTITIONS = (1, 4, 16)
GATHERS = (0, 30, 100, 300, 1000)
METERS = (1000, 10_000, 50_000)

Out = Callable[[str], None]


class Team:
    """A database and a log of their own, and processes of the energy domain on them."""

    def __init__(self, postgres: EmbeddedPostgres, log_url: str, name: str, partitions: int, meters: int) -> None:
        self.url = postgres.make(name)
        migrate(self.url)
        self.log_url, self.partitions, self.meters = log_url, partitions, meters
        self.log: Log = open_log(log_url, self.url, partitions)
        self.sent = 0
        self.running: list[subprocess.Popen[bytes]] = []
        register(self.log, meters)
        registry = self.start("registry")
        self.wait(lambda: self._one("SELECT count(*) FROM registry.item WHERE kind = 'device'") == meters)
        self.end(registry)

    def close(self) -> None:
        """End everything."""
        for process in list(self.running):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self.log.close()

    def start(self, domain: str = "energy", **settings: object) -> subprocess.Popen[bytes]:
        """One process more."""
        ours = {
            "database_url": self.url,
            "log_url": self.log_url,
            "session_s": SESSION_S,
            "log_level": "error",
            **settings,
        }
        env = {**os.environ, **{f"COMPOUND_{key.upper()}": str(value) for key, value in ours.items()}}
        command = [sys.executable, "-m", "ops.cli", "processors", "--only", domain]
        process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
        """End one, and wait until it is gone."""
        process.send_signal(number)
        process.wait()
        self.running.remove(process)

    def send(self, count: int) -> None:
        """Append so many readings, meter after meter, quarter hour after quarter hour."""
        for start in range(0, count, APPEND):
            size = min(APPEND, count - start)
            self.log.append([reading(n % self.meters, n // self.meters) for n in range(self.sent, self.sent + size)])
            self.sent += size

    @contextmanager
    def stream(self, rate: float) -> Iterator[None]:
        """Append evenly while the block runs."""
        stop = threading.Event()

        def run() -> None:
            begun, before = time.monotonic(), self.sent
            while not stop.wait(0.05):
                due = int((time.monotonic() - begun) * rate) - (self.sent - before)
                if due > 0:
                    self.send(due)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def cpu_s(self) -> float:
        """Seconds of CPU of all that run."""
        return sum(cpu_of({process.pid: "" for process in self.running}).values())

    def positions(self) -> dict[int, int]:
        """Partition -> records read."""
        with psycopg.connect(self.url) as conn:
            rows = conn.execute("SELECT partition, next_offset FROM energy.position WHERE topic = 'meter'").fetchall()
        return dict(rows)

    def read(self) -> int:
        """Records read."""
        return sum(self.positions().values())

    def settle(self) -> None:
        """Wait until all is read."""
        self.wait(lambda: self.read() >= self.sent)

    def wait(self, true: Callable[[], bool], timeout_s: float = 600.0) -> None:
        """Wait until `true()`. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.read()} of {self.sent} read")
            time.sleep(0.05)

    def _one(self, query: str) -> int:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0


class Bench:
    """Makes teams on one server and one log."""

    def __init__(
        self, postgres: EmbeddedPostgres, kafka: KafkaNode | None, readings: int, rate: float, say: Out
    ) -> None:
        self._postgres, self._kafka = postgres, kafka
        self._readings, self._rate, self._say = readings, rate, say
        self._number = 0

    @contextmanager
    def team(self, partitions: int = 4, meters: int = 1000) -> Iterator[Team]:
        """One on a database of its own, and on a Kafka without topics."""
        self._number += 1
        if self._kafka is not None:
            self._kafka.clear()
        url = f"kafka://{self._kafka.bootstrap}" if self._kafka is not None else ""
        found = Team(self._postgres, url, f"team{self._number}", partitions, meters)
        try:
            yield found
        finally:
            found.close()

    def _server(self) -> int:
        assert self._postgres.process is not None
        return self._postgres.process.pid

    def partitions(self, count: int, processes: int) -> Mapping[str, float]:
        """A backlog, read by so many processes."""
        with self.team(count) as team:
            team.send(self._readings)
            for _ in range(processes):
                team.start()
            team.wait(lambda: team.read() > 0)  # from here on: starting is no part of it
            first, server, cpu = team.read(), Meter(self._server()), team.cpu_s()
            server.start()
            team.settle()
            rest = self._readings - first
            found = server.stop(rest) | {"cpu_us": (team.cpu_s() - cpu) / rest * 1e6}
            per_s = found["per_s"]
        self._say(f"{count} partitions, {processes} processes: {per_s:,.0f}/s")
        return found

    def gather(self, milliseconds: int, seconds: float = 10.0) -> Mapping[str, float]:
        """A steady stream with this commit interval."""
        with self.team() as team:
            team.start(processors_gather_ms=milliseconds)
            with team.stream(self._rate):
                time.sleep(3)
                server, cpu, before = Meter(self._server()), team.cpu_s(), team.read()
                server.start()
                waits = sorted(_waits(team, seconds))
                count = team.read() - before
                own, served = (team.cpu_s() - cpu) / count * 1e6, server.stop(count)["server_us"]
            team.settle()
        self._say(
            f"gather {milliseconds} ms: {own:.0f} + {served:.0f} µs, waits {waits[len(waits) // 2] * 1000:.0f} ms"
        )
        return {"cpu_us": own, "server_us": served, "wait_p50_ms": waits[len(waits) // 2] * 1000}

    def stops(self) -> Mapping[str, Mapping[str, float]]:
        """What happens to the partitions when processes come and go."""
        found = {}
        with self.team() as team:
            first, second = team.start(), team.start()
            with team.stream(self._rate):
                team.wait(lambda: team.read() > 0)
                time.sleep(3 * SESSION_S)
                found["nothing"] = _stops(team, 10.0)
                third = team.start()
                found["one joins"] = _stops(team, 15.0)
                first.terminate()
                found["one leaves"] = _stops(team, 15.0)
                second.kill()
                found["one dies"] = _stops(team, 20.0)
                team.start()
                time.sleep(10)
                third.send_signal(signal.SIGSTOP)
                found["one stands still"] = _stops(team, 20.0)
                third.send_signal(signal.SIGCONT)
            team.settle()
        for name, stop in found.items():
            self._say(f"{name}: longest {stop['longest_s']:.1f} s, least {stop['least_s']:.1f} s")
        return found

    def memory(self, meters: int) -> float:
        """MiB of a process that has read two readings of each of so many meters."""
        with self.team(meters=meters) as team:
            process = team.start()
            team.send(2 * meters)
            team.settle()
            found = _pss_mib(process.pid)
        self._say(f"{meters:,} meters: {found:.0f} MiB")
        return found


def _stops(team: Team, seconds: float) -> dict[str, float]:
    """Over so many seconds, the longest time without progress of each partition: of the worst, and of the best."""
    longest: dict[int, float] = {}
    last = {slot: (at, time.monotonic()) for slot, at in team.positions().items()}
    until = time.monotonic() + seconds
    while (now := time.monotonic()) < until:
        for slot, at in team.positions().items():
            before, since = last.get(slot, (-1, now))
            longest[slot] = max(longest.get(slot, 0.0), now - since)
            if at != before:
                last[slot] = at, now
        time.sleep(0.05)
    return {"longest_s": max(longest.values()), "least_s": min(longest.values())}


def _waits(team: Team, seconds: float) -> Iterator[float]:
    """From an append to its commit, so often as it fits in: seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        wanted, begun = team.sent, time.monotonic()
        while team.read() < wanted:
            time.sleep(0.002)
        yield time.monotonic() - begun


def _pss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def main() -> None:
    parser = options(__doc__, "few sizes; only shows that it works")
    parser.add_argument("--log", choices=("kafka", "postgresql"), default="kafka")
    parser.add_argument("--readings", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=1000.0)
    asked = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        postgres = stack.enter_context(own_postgres())
        kafka = None
        if asked.log == "kafka":
            kafka = KafkaNode(Path(folder) / "kafka")
            stack.callback(kafka.kill)
            kafka.start()
        bench = Bench(postgres, kafka, asked.readings, asked.rate, console.print)
        few = asked.quick
        found: dict[str, Any] = {
            "log": asked.log,
            "rate": asked.rate,
            "session_s": SESSION_S,
            "partitions": {
                f"{count} partitions, {processes} processes": bench.partitions(count, processes)
                for count in (PARTITIONS[:1] if few else PARTITIONS)
                for processes in (1, 2)
            },
            "gather": {str(ms): bench.gather(ms, 2.0 if few else 10.0) for ms in (GATHERS[:1] if few else GATHERS)},
            "stops": bench.stops(),
            "memory": {str(meters): bench.memory(meters) for meters in (METERS[:1] if few else METERS)},
        }
    show(found, asked)


if __name__ == "__main__":
    main()
