"""The archiver: Kafka's records in the book under their addresses, byte for byte, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from compound.archive.archiver import Archiver
from compound.archive.metrics import Metrics
from compound.events import TOPICS
from compound.log.audit import audit
from compound.log.book import decode_headers
from compound.log.kafka import KafkaLog
from compound.log.open import open_log
from compound.log.port import Record, Slot
from compound.timeutil import micros
from tests.integration.log.contract import eventually

ROOT = Path(__file__).parents[3]
PARTITIONS = 3

Kept = dict[tuple[str, int, int], tuple[int, bytes, tuple[tuple[str, bytes], ...], bytes]]
"""(topic, partition, offset) -> recordedtime (µs), key, headers, value."""


@pytest.fixture
def log(kafka_bootstrap: str, database: str) -> Iterator[KafkaLog]:
    log = open_log(f"kafka://{kafka_bootstrap}", database, PARTITIONS)
    assert isinstance(log, KafkaLog)
    log._session = 2.0
    yield log
    log.close()


@pytest.fixture
def admin(kafka_bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka_bootstrap})


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def make(log: KafkaLog, database: str) -> Callable[[], Archiver]:
    return lambda: Archiver(log, database, TOPICS, 7, Metrics())


@pytest.fixture
def environment(kafka_bootstrap: str, database: str) -> dict[str, str]:
    return os.environ | {
        "COMPOUND_LOG_URL": f"kafka://{kafka_bootstrap}",
        "COMPOUND_DATABASE_URL": database,
        "COMPOUND_LOG_PARTITIONS": str(PARTITIONS),
    }


def fill(log: KafkaLog, count: int, topics: Sequence[str] = ("meter", "gate", "history")) -> None:
    """Records with all that bytes can be, over several topics."""
    log.append(
        [
            Record(
                topics[n % len(topics)],
                os.urandom(n % 20) if n % 5 else b"",
                (("ce_id", uuid4().hex.encode()), ("阀", os.urandom(n % 9)), ("ce_id", b"\x00\xff"))[: n % 4],
                os.urandom(n % 400),
            )
            for n in range(count)
        ]
    )


def in_kafka(bootstrap: str) -> Kept:
    """All that Kafka holds, by a client that has nothing of ours."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid4().hex, "enable.auto.commit": False})
    found: Kept = {}
    left = 0
    partitions = []
    for topic, described in consumer.list_topics().topics.items():
        for number in described.partitions if topic in TOPICS else ():
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number))
            left += high - low
            partitions.append(TopicPartition(topic, number, low))
    consumer.assign(partitions)
    while left:
        message: Any
        for message in consumer.consume(1000, 1.0):
            assert message.error() is None
            kind, at = message.timestamp()
            assert kind == 2, "LogAppendTime"
            where: Any = message.topic(), message.partition(), message.offset()
            found[where] = (at * 1000, message.key() or b"", tuple(message.headers() or ()), message.value() or b"")
            left -= 1
    consumer.close()
    return found


def in_book(conn: psycopg.Connection, generation: int = 1) -> Kept:
    rows = conn.execute(
        'SELECT topic, partition, "offset", recorded, key, headers, value FROM book.event WHERE generation = %s',
        (generation,),
    )
    return {
        (topic, partition, offset): (micros(recorded), bytes(key), decode_headers(headers), bytes(value))
        for topic, partition, offset, recorded, key, headers, value in rows
    }


@contextmanager
def running(*archivers: Archiver) -> Iterator[None]:
    """Each in a thread until the block ends; an error of one fails the test."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run(archiver: Archiver) -> None:
        try:
            archiver.run(stop)
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(archiver,)) for archiver in archivers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


def archived(conn: psycopg.Connection, log: KafkaLog) -> bool:
    """Whether the book ends where Kafka does."""
    rows = conn.execute("SELECT topic, generation, partition, next_offset FROM book.partition WHERE NOT closed")
    return {Slot(*row[:3]): row[3] for row in rows} == log.heads(TOPICS)


def test_every_record_stands_in_the_book_byte_for_byte(log, conn, make, database, kafka_bootstrap):
    fill(log, 3000)
    with running(make()):
        eventually(lambda: archived(conn, log))
        fill(log, 200, TOPICS)
        eventually(lambda: archived(conn, log))
    kept = in_kafka(kafka_bootstrap)
    assert len(kept) == 3200
    assert in_book(conn) == kept
    report = audit(database)
    assert (report.rows, report.findings) == (3200, [])
    assert {slot: head.next_offset for slot, head in report.heads.items()} == log.heads(TOPICS)


@pytest.mark.parametrize("point", ["writing", "before", "after"])
def test_killed_in_mid_batch_nothing_is_lost_and_nothing_doubled(
    log, conn, make, database, kafka_bootstrap, environment, point
):
    fill(log, 2000)
    for batch in (1, 2):
        command = [sys.executable, "-m", "tests.support.dying_archiver", point, str(batch)]
        done = subprocess.run(command, env=environment, cwd=ROOT, timeout=120, check=False)
        assert done.returncode == -signal.SIGKILL
        assert audit(database).findings == []
    assert not archived(conn, log)
    with running(make()):
        eventually(lambda: archived(conn, log))
    assert in_book(conn) == in_kafka(kafka_bootstrap)
    report = audit(database)
    assert (report.rows, report.findings) == (2000, [])


def test_killed_at_any_moment_under_load(log, conn, database, kafka_bootstrap, environment):
    ended = threading.Event()

    def load() -> None:
        while not ended.wait(0.05):
            fill(log, 200)

    appending = threading.Thread(target=load)
    appending.start()
    command = [sys.executable, "-m", "ops.cli", "archiver"]
    try:
        for wait in (0.0, 0.1, 0.4):
            with subprocess.Popen(command, env=environment, cwd=ROOT) as process:
                goes_on(conn)
                time.sleep(wait)
                process.kill()
    finally:
        ended.set()
        appending.join()
    with subprocess.Popen(command, env=environment, cwd=ROOT) as process:
        eventually(lambda: archived(conn, log))
        process.terminate()
        assert process.wait(60) == 0
    assert in_book(conn) == in_kafka(kafka_bootstrap)
    assert audit(database).findings == []


def goes_on(conn: psycopg.Connection) -> None:
    """Wait until the book has grown."""
    count = "SELECT count(*) FROM book.event"
    before = conn.execute(count).fetchone()
    eventually(lambda: conn.execute(count).fetchone() != before)


def test_several_share_the_partitions(log, conn, make, database, kafka_bootstrap):
    archivers = [make() for _ in range(3)]
    with running(*archivers):

        def shared() -> bool:
            fill(log, 100, TOPICS)
            return all(copied(archiver) for archiver in archivers)

        eventually(shared)
        eventually(lambda: archived(conn, log))
    assert in_book(conn) == in_kafka(kafka_bootstrap)
    assert sum(copied(archiver) for archiver in archivers) == len(in_book(conn))
    assert audit(database).findings == []


def copied(archiver: Archiver) -> int:
    """Records that this one has copied, as its metrics tell."""
    registry = archiver._metrics.registry
    return sum(int(registry.get_sample_value("compound_archiver_records_total", {"topic": t}) or 0) for t in TOPICS)


def test_a_zombie_writes_nothing_and_reads_again(log, conn, make, database, kafka_bootstrap):
    fill(log, 500)
    zombie, other = make(), make()
    slow = zombie._same_topics

    def overtaken(slots: Any) -> None:
        """Between its read and its write, another archiver copies the same records."""
        slow(slots)
        zombie._same_topics = slow
        reader = log.tail(uuid4().hex, TOPICS, other._positions)
        eventually(lambda: bool(other.turn(reader)) and archived(conn, log))
        reader.close()
        other.close()

    zombie._same_topics = overtaken
    reader = log.tail("archiver", TOPICS, zombie._positions)
    eventually(lambda: zombie.turn(reader) == 0 and archived(conn, log))
    fill(log, 300)
    eventually(lambda: zombie.turn(reader) >= 0 and archived(conn, log))
    reader.close()
    zombie.close()
    assert in_book(conn) == in_kafka(kafka_bootstrap)
    assert audit(database).findings == []
