"""A compound as `compound up` runs it, with the load's meters in its registry: what a run of load costs it, by process.

The event log is PostgreSQL's or Apache Kafka; the database the embedded PostgreSQL or TimescaleDB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psycopg
from rich.console import Console

from benchmarks import machine
from benchmarks.load import Report
from benchmarks.machine import cpu_by_group, cpu_of
from ops.cli_registry import apply_file
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.process import free_port
from tests.e2e.running import Running, children, cmdline
from tests.services.kafka_node import KafkaNode
from tests.services.timescale import TimescaleServer

WARM_UP = 10_000
_PATIENCE_S = 300.0
_COMMIT_TIMES = "track_commit_timestamp"


class Figures(msgspec.Struct):
    """One run. Rates are readings a second; CPU microseconds a reading; latencies milliseconds."""

    readings: int
    rate: float
    """From the first message to the last commit."""
    settled_s: float
    """From the last message to the last commit."""
    behind_s: float
    """How late the generator was."""
    cpu: dict[str, float]
    postgres: dict[str, float]
    """PostgreSQL's share by what its connections are for."""
    generator_cpu: float
    p50_ms: float
    p99_ms: float


class Compound:
    """A running compound with the load's meters in its registry."""

    def __init__(self, running: Running, kafka: KafkaNode | None, meters: int) -> None:
        said = json.loads((running.data / "up.json").read_bytes())
        self.meters = meters
        self._mqtt = said["mqtt_url"]
        self._conn = psycopg.connect(said["database_url"], autocommit=True)
        self._groups = self._find(running, kafka)
        rows = self._conn.execute("SELECT table_schema FROM information_schema.tables WHERE table_name = 'position'")
        self._schemas = [schema for (schema,) in rows]
        with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
            args = ["--registry", file.name, "--meters", str(meters)]
            subprocess.run([sys.executable, "-m", "benchmarks.load", *args], check=True)
            apply_file(Path(file.name), said["database_url"], said["log_url"], False, Console(quiet=True))
        self.run(WARM_UP, 0, 1)
        self.domains = sorted(self._positions())

    def close(self) -> None:
        self._conn.close()

    def run(self, readings: int, rate: float, each: int) -> Figures:
        """Publish, wait for the last commit, and measure."""
        readings -= readings % each
        wanted = {name: at + readings for name, at in self._positions().items()} or {"energy": readings}
        before, backends = cpu_by_group(self._groups), self._backends()
        asked = cpu_of(backends)
        report, end = self._publish(readings, rate, each, wanted)
        after, answered = cpu_by_group(self._groups), cpu_of(backends)
        p50, p99 = self._latency(report, each)
        return Figures(
            readings=readings,
            rate=readings / (end - report.first / 1e6),
            settled_s=end - report.last / 1e6,
            behind_s=report.behind_s,
            cpu={name: (after[name] - before[name]) / readings * 1e6 for name in before},
            postgres={name: (answered[name] - asked[name]) / readings * 1e6 for name in asked},
            generator_cpu=report.cpu_s / readings * 1e6,
            p50_ms=p50,
            p99_ms=p99,
        )

    def _publish(self, readings: int, rate: float, each: int, wanted: dict[str, int]) -> tuple[Report, float]:
        """The generator's report, and when the last was committed (seconds since 1970)."""
        args = ["--mqtt", self._mqtt, "--meters", str(self.meters)]
        args += ["--rate", str(rate), "--each", str(each), "--readings", str(readings)]
        load = subprocess.Popen([sys.executable, "-m", "benchmarks.load", *args], stdout=subprocess.PIPE)
        deadline = time.monotonic() + _PATIENCE_S + (readings / rate if rate else 0)
        while not self._reached(wanted):
            if time.monotonic() > deadline or load.poll() not in (None, 0):
                load.kill()
                load.communicate()
                raise TimeoutError(f"wanted {wanted}, reached {self._positions()}")
            time.sleep(0.05)
        end = time.time()
        out, _ = load.communicate()
        return msgspec.json.decode(out, type=Report), end

    def _reached(self, wanted: dict[str, int]) -> bool:
        found = self._positions()
        return all(found.get(name, 0) >= position for name, position in wanted.items())

    def _positions(self) -> dict[str, int]:
        """How many records of meters each domain has committed; those that read any."""
        each = " UNION ALL ".join(
            f"SELECT '{schema}', sum(next_offset)::bigint FROM {schema}.position WHERE topic = 'meter'"
            for schema in self._schemas
        )
        return {schema: position for schema, position in self._conn.execute(each.encode()) if position is not None}

    def _backends(self) -> dict[int, str]:
        """PostgreSQL's processes and what they do."""
        rows = self._conn.execute(
            "SELECT pid, coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity"
        )
        return {pid: "measuring" if pid == self._conn.info.backend_pid else name for pid, name in rows}

    def _latency(self, report: Report, each: int) -> tuple[float, float]:
        """Median and 99th percentile of all messages, by the newest reading of each; milliseconds."""
        row = self._conn.execute(
            "SELECT percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP"
            " (ORDER BY extract(epoch FROM pg_xact_commit_timestamp(xmin) - time) * 1000)"
            " FROM energy.point WHERE time >= to_timestamp(%s) AND time <= to_timestamp(%s) AND value %% %s = 0",
            (report.first / 1e6 - 1e-6, report.last / 1e6 + 1e-6, each),
        ).fetchone()
        assert row is not None
        return float(row[0][0]), float(row[0][1])

    def _find(self, running: Running, kafka: KafkaNode | None) -> dict[str, list[int]]:
        """Our processes by what they are."""
        groups: dict[str, list[int]] = {"broker": [], "ingest": [], "PostgreSQL": []}
        for pid in children(running.pid):
            args = cmdline(pid)
            if "ops.cli" in args:
                role = args[args.index("ops.cli") + 1 :]
                only = role[role.index("--only") + 1] if "--only" in role else ""
                name = role[0] if role[0] != "processors" else f"processors ({'rest' if ',' in only else only})"
            else:
                name = "PostgreSQL" if args[0].endswith("postgres") else "broker"
            groups.setdefault(name, []).append(pid)
        if not groups["PostgreSQL"]:
            groups["PostgreSQL"] = [machine.parent(self._conn.info.backend_pid)]
        if kafka is not None:
            assert kafka.process is not None
            groups["Kafka"] = [kafka.process.pid]
        return groups


@contextmanager
def compound(folder: Path, *, kafka: bool, timescale: bool, meters: int) -> Iterator[Compound]:
    """A compound of its own, on the chosen log and database. The database keeps the time of every commit."""
    data = folder / "data"
    options = ["--no-simulate", "--api-port", str(free_port()), "--mqtt-port", str(free_port())]
    with ExitStack() as stack:
        node = None
        if kafka:
            node = KafkaNode(folder / "kafka")
            stack.callback(node.kill)
            node.start()
            options += ["--log", f"kafka://{node.bootstrap}"]
        if timescale:
            server = TimescaleServer(folder / "timescale", {_COMMIT_TIMES: "on"})
            stack.callback(server.stop)
            with psycopg.connect(server.start(), autocommit=True) as conn:
                conn.execute("CREATE DATABASE compound")
            options += ["--database-url", server.url_of("compound")]
        else:
            _with_commit_times(data / "postgres")
        running = stack.enter_context(Running(data, *options))
        found = Compound(running, node, meters)
        stack.callback(found.close)
        yield found


def _with_commit_times(folder: Path) -> None:
    """Make the database that `up` will find."""
    folder.parent.mkdir(parents=True)
    server = EmbeddedPostgres(folder)
    server.start()
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute(f"ALTER SYSTEM SET {_COMMIT_TIMES} = on")
    server.stop()
