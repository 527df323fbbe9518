"""Kafka's records into the book: same address, same bytes, continuing the hash chain; gapless by check.

Where an archiver goes on is where the book ends: rows, chain and position are one transaction, so a SIGKILL at any moment
loses nothing and doubles nothing. Several archivers share the partitions. One that was thought dead and goes on writes
nothing: under the lock of its partitions it finds that the book ends elsewhere than it believes, forgets, and reads again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from compound.archive import ArchiveStopped
from compound.archive.metrics import Metrics
from compound.archive.report import Report
from compound.archive.retention import Retention
from compound.log.book import Chain, encode_headers
from compound.log.kafka import KafkaLog
from compound.log.kafka_reader import KafkaReader
from compound.log.link import Link
from compound.log.port import LogUnavailable, OffsetLost, Slot, Stored
from compound.log.writing import BookWriter, End, Row, Standing, chained
from compound.store import db
from compound.timeutil import moment

GROUP: Final = "archiver"
BATCH: Final = 5000
POLL_S: Final = 0.5
GATHER_S: Final = 0.25
"""After a batch that was not full, more is let gather for so long: a transaction costs some milliseconds however little is in it."""
LONGEST_WAIT_S: Final = 5.0

_POSITIONS = """
SELECT p.topic, p.generation, p.partition, p.next_offset
FROM unnest(%s::text[], %s::int[], %s::int[]) AS t(topic, generation, partition)
JOIN book.partition p USING (topic, generation, partition)
"""


class _FenceLost(Exception):
    """Another archiver continued the book: what this one has read is out of date."""


class Archiver:
    """One member of the archivers' group. Needs a log that was opened with its database."""

    def __init__(
        self, log: KafkaLog, database_url: str, topics: Sequence[str], retention_days: int, metrics: Metrics
    ) -> None:
        """`retention_days`: for how long Kafka keeps what the book holds."""
        self._log = log
        self._topics = tuple(topics)
        self._metrics = metrics
        self._writer = BookWriter("compound archiver")
        self._link = Link(database_url, "compound archiver", 5.0, self._writer.prepare)
        self._report = Report(log.admin, Retention(log.admin, topics, retention_days), metrics)
        self._next: dict[Slot, int] = {}
        self._out = structlog.get_logger(role="archiver")
        self.working = False
        """Whether Kafka and the database answered at the last turn."""

    def missing(self) -> str | None:
        """What keeps it from copying; None while it copies."""
        return None if self.working else "It waits for Kafka or the database."

    def run(self, stop: threading.Event) -> None:
        """Copy until `stop`; a lost database or Kafka is waited for. Raises ArchiveStopped, LogMisplaced."""
        wait = 0.1
        while not stop.is_set():
            reader = self._log.tail(GROUP, self._topics, self._positions)
            try:
                while not stop.is_set():
                    full = self.turn(reader) >= BATCH
                    wait = 0.1
                    if not full:
                        stop.wait(GATHER_S)
            except LogUnavailable as error:
                self.working = False
                self._out.warning("waiting for Kafka or the database", error=str(error))
                stop.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT_S)
            finally:
                reader.close()
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._link.close()

    def turn(self, reader: KafkaReader) -> int:
        """One poll and what follows from it; the number of records copied."""
        try:
            batch = reader.poll(BATCH, POLL_S)
        except OffsetLost as lost:
            raise self._stopped(sorted(reader.lost()), str(lost)) from lost
        records: dict[Slot, list[Stored]] = {}
        for stored in batch:
            records.setdefault(Slot(stored.topic, stored.generation, stored.partition), []).append(stored)
        with self._link.use() as conn:
            ends = {slot: self._next[slot] for slot in reader.assigned()}
            self._report.write(conn, ends, {slot: found[0].recorded for slot, found in records.items()})
            if records:
                try:
                    self._copy(conn, records)
                except _FenceLost as lost:
                    conn.rollback()
                    self._out.warning("rolled back: another archiver continued the book", partition=tuple(lost.args[0]))
                    self._read_again(reader)
                    return 0
        self.working = True
        return len(batch)

    def _copy(self, conn: db.Connection, records: Mapping[Slot, Sequence[Stored]]) -> None:
        """One transaction. Raises _FenceLost, ArchiveStopped; then nothing was written."""
        self._same_topics(records)
        began = time.perf_counter()
        rows: list[Row] = []
        ends: list[End] = []
        for standing in self._writer.lock(conn, records):
            slot, stored = standing.slot, records[standing.slot]
            self._check(standing, stored)
            chain = Chain(slot, standing.head)
            entries = ((each.recorded, each.key, encode_headers(each.headers), each.value) for each in stored)
            rows += chained(chain, standing.next_offset, entries)
            ends.append(End(*slot, stored[-1].offset + 1, chain.head, moment(stored[-1].recorded)))
        self._writer.write(conn, rows, ends)
        for end in ends:
            slot = Slot(*end[:3])
            self._next[slot] = end.next_offset
            self._metrics.records.labels(slot.topic).inc(len(records[slot]))
        self._report.copied(records)
        self._metrics.seconds.observe(time.perf_counter() - began)

    def _same_topics(self, slots: Mapping[Slot, object]) -> None:
        """Kafka's records don't say of which incarnation of a topic they are. Asked after they were read: it has not changed."""
        now = self._log.settle({slot.topic for slot in slots})
        if any(now[slot.topic].generation != slot.generation for slot in slots):
            raise LogUnavailable("A topic was recreated in Kafka; it is read from its new generation's start.")

    def _check(self, standing: Standing, stored: Sequence[Stored]) -> None:
        """Whether the records continue the partition where it ends, one after the other."""
        slot, end = standing.slot, standing.next_offset
        if end != self._next[slot]:
            raise _FenceLost(slot)
        if standing.closed:
            raise self._stopped([slot], f"{slot} was closed while Kafka still held records that are not in the book")
        for expected, each in enumerate(stored, end):
            if each.offset != expected:
                raise self._stopped(
                    [slot],
                    f"{slot} has a gap in Kafka: after {expected - 1} comes {each.offset}. Topics must not be compacted,"
                    " nor written in transactions",
                )

    def _stopped(self, slots: Sequence[Slot], why: str) -> ArchiveStopped:
        """Leave word in the database that and why these partitions stand still."""
        self._link.close()  # whatever was begun is undone
        with self._link.use() as conn:
            self._report.alarm(conn, {slot: self._next[slot] for slot in slots}, why)
        return ArchiveStopped(f"The archiver stops: {why}.")

    def _positions(self, slots: Sequence[Slot]) -> Mapping[Slot, int]:
        """Where the book ends: there the archiver goes on."""
        if not slots:
            return {}
        with self._link.use() as conn:
            found = {Slot(*row[:3]): int(row[3]) for row in conn.execute(_POSITIONS, db.arrays(slots))}
            conn.commit()
        self._next |= found
        return found

    def _read_again(self, reader: KafkaReader) -> None:
        for slot, offset in self._positions(sorted(reader.assigned())).items():
            reader.seek(slot, offset)
