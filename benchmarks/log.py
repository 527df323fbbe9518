"""The event log: rate and CPU to append and to read, on both adapters, by size of batch; to copy Kafka into the book; and
where appending spends it.

    python -m benchmarks.log [--records 50000] [--json]

CPU is in microseconds a record: of this process, and of the server's processes (PostgreSQL, Kafka's JVM). Records are
as ingest makes them: seven CloudEvents headers and 150 bytes of JSON, 1,000 devices, four partitions.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psycopg

from compound.archive.archiver import Archiver
from compound.archive.metrics import Metrics
from compound.events import Event, to_record
from compound.log.book import FIRST_ROOT, Chain, encode_headers
from compound.log.kafka import KafkaLog
from compound.log.partition import partition_of
from compound.log.port import Log, Record, Slot
from compound.log.postgres import PostgresLog
from compound.log.writing import chained
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from tests.services.kafka_node import KafkaNode

BATCHES = (1, 10, 100, 500, 5000)
DEVICES = 1000
PARTITIONS = 4

Figures = dict[str, float]


class TestedLog(Log, Protocol):
    def ensure_topics(self, topics: Mapping[str, int]) -> None: ...


def make_records(count: int) -> list[Record]:
    """Readings as ingest appends them."""
    data = {
        "time": "2026-11-02T08:15:00.000000Z",
        "boot": 3,
        "import_wh": 123_456_789,
        "export_wh": 4_321,
        "power_w": 12_345,
        "serial": "SN-000000000123",
    }
    return [
        to_record(
            "meter",
            Event(
                id=f"{number:032x}",
                source=f"compound/v1/demo/meter/m-{number % DEVICES:04d}",
                type="meter.reading.v1",
                time=1_793_606_400_000_000 + number,
                subject=f"m-{number % DEVICES:04d}",
                data=json.dumps({**data, "seq": number}).encode(),
            ),
        )
        for number in range(count)
    ]


class Meter:
    """CPU of this process and of a server's, and time, of what happens between `start` and `stop`."""

    def __init__(self, server: int) -> None:
        self._server = server

    def start(self) -> None:
        self._begin = self._now()

    def stop(self, records: int) -> Figures:
        cpu, server, wall = (after - before for before, after in zip(self._begin, self._now(), strict=True))
        return {"cpu_us": cpu / records * 1e6, "server_us": server / records * 1e6, "per_s": records / wall}

    def _now(self) -> tuple[float, float, float]:
        return time.process_time(), server_cpu(self._server), time.perf_counter()


def server_cpu(pid: int) -> float:
    """Seconds of CPU, user and system, of a process and its children (PostgreSQL has one for each connection)."""
    total = 0.0
    for process in [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]:
        with suppress(FileNotFoundError, ProcessLookupError):
            user, system = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
            total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


def measure(log: TestedLog, server: int, count: int) -> dict[str, Figures]:
    """Append by each size of batch, then read all of it."""
    log.ensure_topics({"meter": PARTITIONS})
    records = make_records(count)
    log.append(records[:10])
    meter, found, appended = Meter(server), {}, 10
    for batch in BATCHES:
        part = records[: min(count, batch * 400)]
        meter.start()
        for start in range(0, len(part), batch):
            log.append(part[start : start + batch])
        found[f"append by {batch}"] = meter.stop(len(part))
        appended += len(part)
    for limit in (500, 5000):
        reader = log.reader(f"bench-{limit}", ["meter"], lambda slots: {})
        got = 0
        while got < limit:
            got += len(reader.poll(limit, 1))
        meter.start()
        first = got
        while got < appended:
            got += len(reader.poll(limit, 1))
        found[f"read by {limit}"] = meter.stop(got - first)
        reader.close()
    found["latency"] = latency(log)
    return found


def archive(log: KafkaLog, database_url: str, server: int, database: int) -> Figures:
    """Copy all that Kafka holds into the book by one archiver; CPU of PostgreSQL beside that of Kafka."""
    archiver = Archiver(log, database_url, ["meter"], 7, Metrics())
    reader = log.tail("bench-archiver", ["meter"], archiver._positions)
    left = sum(log.heads(["meter"]).values())
    while not (copied := archiver.turn(reader)):
        pass
    left -= copied
    kafka, postgres, counted = Meter(server), Meter(database), left
    kafka.start()
    postgres.start()
    while left:
        left -= archiver.turn(reader)
    figures = kafka.stop(counted) | {"database_us": postgres.stop(counted)["server_us"]}
    reader.close()
    archiver.close()
    return figures


def latency(log: Log) -> Figures:
    """From the call of an append of one record to its delivery to a waiting reader, in milliseconds."""
    reader = log.reader("bench-latency", ["meter"], lambda slots: {slot: log.heads(["meter"])[slot] for slot in slots})
    while len(reader.assigned()) < PARTITIONS or not all(reader.at_end(slot) for slot in reader.assigned()):
        reader.poll(100, 0.1)
    times = []
    for record in make_records(100):
        before = time.perf_counter()
        log.append([record])
        while not reader.poll(10, 1):
            pass
        times.append((time.perf_counter() - before) * 1000)
    reader.close()
    times.sort()
    return {"p50_ms": times[49], "p99_ms": times[98]}


def steps(count: int) -> Figures:
    """CPU a record of what appending to PostgreSQL computes in Python."""
    records = make_records(count)
    slot = Slot("meter", 1, 0)
    headers = [encode_headers(record.headers) for record in records]
    chain = Chain(slot, FIRST_ROOT)

    def timed(work: Callable[[], object]) -> float:
        before = time.process_time()
        work()
        return (time.process_time() - before) / count * 1e6

    def hashed() -> None:
        for offset, record in enumerate(records):
            chain.extend(offset, 1_793_606_400_000_000, record.key, headers[offset], record.value)

    return {
        "partition of the key": timed(lambda: [partition_of(record.key, PARTITIONS) for record in records]),
        "headers to bytes": timed(lambda: [encode_headers(record.headers) for record in records]),
        "hash chain": timed(hashed),
        "rows, with headers and hash": timed(
            lambda: list(
                chained(
                    chain,
                    0,
                    ((1_793_606_400_000_000, each.key, encode_headers(each.headers), each.value) for each in records),
                )
            )
        ),
    }


@contextmanager
def servers(folder: Path) -> Iterator[tuple[EmbeddedPostgres, KafkaNode]]:
    postgres, kafka = EmbeddedPostgres(folder / "postgres"), KafkaNode(folder / "kafka")
    try:
        migrate(postgres.start())
        kafka.start()
        yield postgres, kafka
    finally:
        kafka.kill()
        postgres.stop()


def run(count: int) -> dict[str, dict[str, Figures]]:
    """All figures, by adapter."""
    found: dict[str, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (postgres, kafka):
        assert postgres.process is not None
        assert kafka.process is not None
        log = PostgresLog(postgres.url)
        found["postgresql"] = measure(log, postgres.process.pid, count)
        log.close()
        with psycopg.connect(postgres.url, autocommit=True) as conn:  # else its topics are later generations of these
            conn.execute("CREATE DATABASE beside")
        beside = postgres.url_of("beside")
        migrate(beside)
        other = KafkaLog(kafka.bootstrap, beside)
        found["kafka"] = measure(other, kafka.process.pid, count)
        found["kafka"]["archive"] = archive(other, beside, kafka.process.pid, postgres.process.pid)
        other.close()
    found["postgresql"]["steps"] = steps(count)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = run(options.records)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for adapter, works in found.items():
        for work, figures in works.items():
            told = "  ".join(f"{name} {value:,.1f}" for name, value in figures.items())
            print(f"{adapter:10}  {work:15}  {told}")


if __name__ == "__main__":
    main()
