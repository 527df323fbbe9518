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

from compound.archive import ArchiveStopped
from compound.archive.archiver import Archiver
from compound.archive.metrics import Metrics
from compound.events import TOPICS
from compound.log.audit import audit
from compound.log.book import decode_headers
from compound.log.kafka import KafkaLog
from compound.log.kafka_reader import KafkaReader
from compound.log.open import open_patiently
from compound.log.port import LogUnavailable, Record, Slot
from compound.settings import Settings
from compound.timeutil import DAY, micros
from tests.integration.log.contract import eventually, tries

ROOT = Path(__file__).parents[3]
PARTITIONS = 3
SESSION_S = 2
"""So long does Kafka wait for an archiver that was killed."""

Kept = dict[tuple[str, int, int], tuple[int, bytes, tuple[tuple[str, bytes], ...], bytes]]
"""(topic, partition, offset) -> recordedtime (µs), key, headers, value."""


@pytest.fixture
def log(kafka_bootstrap: str, database: str) -> Iterator[KafkaLog]:
    settings = Settings(
        log_url=f"kafka://{kafka_bootstrap}", database_url=database, log_partitions=PARTITIONS, session_s=SESSION_S
    )
    log = open_patiently(settings, threading.Event(), "test")
    assert isinstance(log, KafkaLog)
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
        "COMPOUND_SESSION_S": str(SESSION_S),
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


def test_p1_every_record_stands_in_the_book_byte_for_byte(log, conn, make, database, kafka_bootstrap):
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
def test_p1_killed_in_mid_batch_nothing_is_lost_and_nothing_doubled(
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


def test_p1_killed_at_any_moment_under_load(log, conn, database, kafka_bootstrap, environment):
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


def test_p2_a_zombie_writes_nothing_and_reads_again(log, conn, make, database, kafka_bootstrap):
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


# What can't be continued is said, never skipped


def stops(archiver: Archiver, log: KafkaLog) -> str:
    """Turn until the archiver stops by itself; why."""
    reader = log.tail("archiver", TOPICS, archiver._positions)
    try:
        for _ in tries(90):
            archiver.turn(reader)
    except ArchiveStopped as stopped:
        return str(stopped)
    finally:
        reader.close()
        archiver.close()
    raise AssertionError("it does not stop")


def alarms(conn: psycopg.Connection) -> dict[tuple[str, int], str]:
    rows = conn.execute("SELECT topic, partition, alarm FROM runtime.archive WHERE alarm IS NOT NULL")
    return {(topic, partition): alarm for topic, partition, alarm in rows}


def test_a_gap_stops_it_with_an_alarm_and_nothing_is_skipped(log, conn, make, database, monkeypatch):
    poll = KafkaReader.poll
    monkeypatch.setattr(KafkaReader, "poll", lambda *given: [each for each in poll(*given) if each.offset != 17])
    fill(log, 30, ["history"])
    archiver = make()
    assert "has a gap in Kafka: after 16 comes 18" in stops(archiver, log)
    [(where, alarm)] = alarms(conn).items()
    assert where == ("history", 0)
    assert "gap" in alarm
    assert {offset for _, _, offset in in_book(conn)} <= set(range(17))
    assert audit(database).findings == []


def test_behind_kafkas_retention_it_stops_with_an_alarm(log, conn, make, admin, database, environment):
    fill(log, 40, ["history"])
    drop(admin, "history", 5)
    assert "does not hold 0: Kafka holds 5 to 40" in stops(make(), log)
    assert list(alarms(conn)) == [("history", 0)]
    assert in_book(conn) == {}
    assert audit(database).findings == []
    found = conn.execute("SELECT archived, margin, behind FROM runtime.archive WHERE topic = 'history'").fetchall()
    assert found == [(0, -5, 40)]
    command = [sys.executable, "-m", "ops.cli", "archiver"]
    done = subprocess.run(command, env=environment, cwd=ROOT, timeout=120, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "does not hold 0" in done.stderr.splitlines()[-1]


def drop(admin: AdminClient, topic: str, offset: int) -> None:
    """What Kafka's retention does, at once."""
    for future in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        future.result(60)


def test_an_alarm_is_over_when_the_partition_goes_on(log, conn, make):
    fill(log, 10, ["history"])
    archiver = make()
    reader = log.tail("archiver", TOPICS, archiver._positions)
    eventually(lambda: archiver.turn(reader) >= 0 and archived(conn, log))
    conn.execute("UPDATE book.archive SET alarm = 'of yesterday'")
    assert alarms(conn)
    fill(log, 10, ["history"])
    eventually(lambda: archiver.turn(reader) >= 0 and ("history", 0) not in alarms(conn))
    reader.close()
    archiver.close()


def test_a_left_generation_takes_no_more_rows(log, conn, make, database):
    fill(log, 10, ["history"])
    archiver = make()
    reader = log.tail("archiver", TOPICS, archiver._positions)
    eventually(lambda: archiver.turn(reader) >= 0 and archived(conn, log))
    fill(log, 10, ["history"])
    conn.execute("UPDATE book.partition SET closed = true WHERE topic = 'history'")
    with pytest.raises(ArchiveStopped, match="was closed while Kafka still held"):
        eventually(lambda: archiver.turn(reader) < 0)
    reader.close()
    archiver.close()
    assert len(in_book(conn)) == 10


def test_a_recreated_topic_goes_on_in_the_next_generation(log, conn, make, admin, database, kafka_bootstrap):
    fill(log, 60, ["history"])
    with running(make()):
        eventually(lambda: archived(conn, log))
        admin.delete_topics(["history"])["history"].result(60)

        def made() -> bool:
            try:
                log.ensure_topics({"history": 1})
            except LogUnavailable:
                return False
            return bool(log.generation("history") == 2)

        eventually(made)
        fill(log, 25, ["history"])
        eventually(lambda: archived(conn, log))
    assert in_book(conn, 2) == {at: kept for at, kept in in_kafka(kafka_bootstrap).items() if at[0] == "history"}
    report = audit(database)
    assert (report.rows, report.findings) == (85, [])
    assert report.heads[Slot("history", 1, 0)].next_offset == 60


# Retention


def kept(log: KafkaLog) -> dict[str, int]:
    return log.admin.retention(TOPICS)


def test_kafkas_retention_is_set_once_the_book_holds_what_it_would_drop(log, conn, make):
    assert set(kept(log).values()) == {-1}, "without an archiver nothing is dropped"
    fill(log, 30, ["history"])
    log.admin.since = lambda partitions, time: log.admin.ends(partitions)  # all of it is old
    archiver = make()
    retention = archiver._report._retention
    retention.settle(conn)
    assert kept(log)["history"] == -1
    assert kept(log)["meter"] == 7 * DAY // 1000
    reader = log.tail("archiver", TOPICS, archiver._positions)
    eventually(lambda: archiver.turn(reader) >= 0 and archived(conn, log))
    reader.close()
    retention.settle(conn)
    eventually(lambda: set(kept(log).values()) == {7 * DAY // 1000})
    log.ensure_topics({"history": 1})  # what was set is no topic made elsewhere
    again = Archiver(log, "", TOPICS, 3, Metrics())
    again._report._retention.settle(conn)
    eventually(lambda: set(kept(log).values()) == {3 * DAY // 1000})
    archiver.close()


# What it tells of itself


def test_its_lag_is_a_figure(log, conn, make):
    fill(log, 30, ["history"])
    archiver = make()
    reader = log.tail("archiver", TOPICS, archiver._positions)
    eventually(lambda: archiver.turn(reader) > 0)
    before = conn.execute(
        "SELECT log_end, behind, waiting_since FROM runtime.archive WHERE topic = 'history'"
    ).fetchone()
    assert before is not None
    eventually(lambda: archiver.turn(reader) >= 0 and _gauge(archiver, "lag_records") == 0)
    rows = conn.execute(
        "SELECT log_start, log_end, archived, behind, margin, waiting_since, retention, alarm FROM runtime.archive"
        " WHERE topic = 'history'"
    ).fetchall()
    assert [row[:6] for row in rows] == [(0, 30, 30, 0, 30, None)]
    assert _gauge(archiver, "lag_seconds") == 0
    reader.close()
    archiver.close()


def _gauge(archiver: Archiver, name: str) -> float | None:
    archiver._report._due = 0.0
    return archiver._metrics.registry.get_sample_value(f"compound_archiver_{name}")


# Tampering shows (P9), in the book that the archiver wrote


@pytest.fixture
def book(log: KafkaLog, conn: psycopg.Connection, make: Callable[[], Archiver], kafka_bootstrap: str) -> Kept:
    """A book of 40 records of one partition, copied from Kafka."""
    fill(log, 40, ["history"])
    with running(make()):
        eventually(lambda: archived(conn, log))
    found = in_book(conn)
    assert found == in_kafka(kafka_bootstrap)
    return found


AT_23 = "topic = 'history' AND \"offset\" = 23"


TAMPERINGS = [
    (f"UPDATE book.event SET value = set_byte(value, 3, get_byte(value, 3) # 1) WHERE {AT_23}", "wrong", 23),
    (f"UPDATE book.event SET headers = set_byte(headers, 3, get_byte(headers, 3) # 1) WHERE {AT_23}", "wrong", 23),
    (f"UPDATE book.event SET key = set_byte(key, 0, get_byte(key, 0) # 1) WHERE {AT_23}", "wrong", 23),
    (f"UPDATE book.event SET recorded = recorded + interval '1 millisecond' WHERE {AT_23}", "wrong", 23),
    (f"UPDATE book.event SET hash = set_byte(hash, 31, get_byte(hash, 31) # 1) WHERE {AT_23}", "wrong", 23),
    (f"DELETE FROM book.event WHERE {AT_23}", "missing", 23),
    (
        "INSERT INTO book.event SELECT topic, generation, partition, 40, recorded, key, headers, value, hash"
        f" FROM book.event WHERE {AT_23}",
        "inserted",
        40,
    ),
]


def test_p9_tampering_is_found_and_named(book, conn, database):
    assert len(book["history", 0, 23][1]) > 0
    conn.execute("CREATE TABLE as_written AS SELECT * FROM book.event")
    for change, kind, offset in TAMPERINGS:
        assert audit(database).findings == []
        assert conn.execute(change).rowcount == 1
        [finding] = audit(database).findings
        assert (finding.kind, finding.address) == (kind, ("history", 1, 0, offset)), change
        conn.execute("DELETE FROM book.event")
        conn.execute("INSERT INTO book.event SELECT * FROM as_written")


def test_p9_a_row_put_in_between_is_found_and_named(book, conn, database):
    for offset in reversed(range(23, 40)):
        conn.execute('UPDATE book.event SET "offset" = %s WHERE "offset" = %s', (offset + 1, offset))
    conn.execute(
        "INSERT INTO book.event SELECT topic, generation, partition, 23, recorded, key, headers, value, hash"
        ' FROM book.event WHERE "offset" = 4'
    )
    conn.execute("UPDATE book.partition SET next_offset = 41 WHERE topic = 'history'")
    [finding] = audit(database).findings
    assert (finding.kind, finding.address) == ("inserted", ("history", 1, 0, 23))
