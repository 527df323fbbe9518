"""The event log in PostgreSQL: the book itself (`book.event`), one commit a call.

The rows of `book.partition` hand out the offsets and stay locked until the commit, so offsets follow the order of
commit: whoever sees an offset sees all before it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from compound.log import generations
from compound.log.book import Chain, encode_headers
from compound.log.generations import Generation, Wanted
from compound.log.link import Link
from compound.log.partition import partition_of
from compound.log.port import Address, LogUnavailable, Positions, Reader, Record, Slot
from compound.log.postgres_reader import PostgresReader
from compound.store import db
from compound.timeutil import micros

# The time is taken outside the subquery that locks: only there is it sure to be after the lock was granted.
_LOCK = """
SELECT topic, generation, partition, next_offset, head, closed, greatest(recorded, clock_timestamp())
FROM (SELECT p.* FROM book.partition p
      JOIN unnest(%s::text[], %s::int[], %s::int[]) AS t(topic, generation, partition)
          USING (topic, generation, partition)
      ORDER BY topic, partition FOR UPDATE OF p) AS locked
"""
_ADVANCE = """
WITH moved AS (
    UPDATE book.partition p SET next_offset = t.next_offset, head = t.head, recorded = t.recorded
    FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[], %s::bytea[], %s::timestamptz[])
        AS t(topic, generation, partition, next_offset, head, recorded)
    WHERE (p.topic, p.generation, p.partition) = (t.topic, t.generation, t.partition)
    RETURNING p.topic)
SELECT pg_notify(left('book:' || topic, 63), '') FROM (SELECT DISTINCT topic FROM moved) AS touched
"""
# Whoever was stopped in the middle of sending rows is waited for by its server process, without limit.
_EVICT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %s AND pid <> pg_backend_pid()
  AND wait_event = 'ClientRead' AND xact_start < clock_timestamp() - %s * interval '1 second'
"""
_HEADS = """
SELECT topic, generation, partition, next_offset FROM book.partition
WHERE topic = ANY(%s) AND NOT closed ORDER BY topic, generation, partition
"""
_COPY: Final = (
    'COPY book.event (topic, generation, partition, "offset", recorded, key, headers, value, hash)'
    " FROM STDIN (FORMAT BINARY)"
)
_TYPES: Final = ("text", "int4", "int4", "int8", "timestamptz", "bytea", "bytea", "bytea", "bytea")

_NAME: Final = "compound log"
"""Application name of the connections that append."""

_NOWHERE: Final = Address("", 0, 0, 0)


class PostgresLog:
    """`compound.log.port.Log` on PostgreSQL. Threads may share it; their appends go one after the other."""

    def __init__(
        self,
        url: str,
        *,
        patience: float = 5.0,
        session: float = 30.0,
        frozen: float = 10.0,
        range_size: int = 1_000_000,
    ) -> None:
        """The log in the migrated database at `url`; connects when first used.

        `patience`: seconds that a connection is tried before LogUnavailable. `session`: seconds after which a reader
        that stopped polling loses its partitions. `frozen`: seconds after which an appender that stopped half-way, with
        partitions locked, loses its transaction. `range_size`: offsets in one table of the book, when it is made.
        """
        self._url = url
        self._patience = patience
        self._session = session
        self._range_size = range_size
        self._frozen = frozen
        self._reserved = 0
        self._generations: dict[str, Generation] = {}
        self._mutex = threading.Lock()
        self._link = Link(url, _NAME, patience, self._prepare)

    def ensure_topics(self, topics: Mapping[str, int]) -> None:
        """Make the topics (name -> partitions) that don't exist here; one that exists keeps its partitions.

        A topic whose newest generation is in Kafka gets its next one here. Raises LogUnavailable.
        """
        wanted = {topic: Wanted(partitions) for topic, partitions in topics.items()}
        with self._mutex, self._link.use() as conn:
            self._generations |= generations.settle(conn, "postgresql", wanted)

    def recreate(self, topic: str, partitions: int) -> int:
        """Start the next generation of `topic` with so many partitions; its number. Raises LogUnavailable."""
        with self._mutex, self._link.use() as conn:
            self._generations[topic] = made = generations.begin(conn, topic, "postgresql", Wanted(partitions))
        return made.generation

    def append(self, records: Sequence[Record]) -> list[Address]:
        """See `Log.append`: all of them in one transaction, so after LogUnavailable all or none stand in the log."""
        if not records:
            return []
        with self._mutex, self._link.use() as conn:
            self._know(conn, {record.topic for record in records})
            while (addresses := self._append(conn, records)) is None:
                conn.rollback()
                self._know(conn, {record.topic for record in records}, again=True)
            return addresses

    def reader(self, group: str, topics: Sequence[str], positions: Positions) -> Reader:
        return PostgresReader(self._url, group, topics, positions, patience=self._patience, session=self._session)

    def partitions(self, topic: str) -> int:
        return self._current(topic).partitions

    def generation(self, topic: str) -> int:
        return self._current(topic).generation

    def heads(self, topics: Sequence[str]) -> dict[Slot, int]:
        with self._mutex, self._link.use() as conn, conn.transaction():
            found = conn.execute(_HEADS, (list(topics),)).fetchall()
        return {Slot(*names): end for *names, end in found}

    def close(self) -> None:
        with self._mutex:
            self._link.close()

    def _current(self, topic: str) -> Generation:
        with self._mutex, self._link.use() as conn:
            self._know(conn, {topic}, again=True)
        return self._generations[topic]

    def _know(self, conn: db.Connection, topics: set[str], again: bool = False) -> None:
        """Learn the current generations of `topics`."""
        if again or not topics <= self._generations.keys():
            with conn.transaction():
                found = generations.current(conn, topics)
            for topic in topics:
                if topic not in found:
                    raise ValueError(f"topic {topic!r} was never made; ensure_topics makes it")
                if found[topic].log != "postgresql":
                    raise LogUnavailable(f"Topic {topic} has moved to {found[topic].log}; here it takes no records.")
            self._generations |= found

    def _append(self, conn: db.Connection, records: Sequence[Record]) -> list[Address] | None:
        """Append under the partitions' locks; None when one is closed by now (its topic has a new generation)."""
        touched = self._by_slot(records)
        locked = self._lock(conn, touched)
        if any(closed for *_, closed, _ in locked):
            return None
        addresses = [_NOWHERE] * len(records)
        rows: list[tuple[Any, ...]] = []
        ends = []
        for *names, start, head, _, recorded in locked:
            slot = Slot(*names)
            chain = Chain(slot, head)
            indexes = touched[slot]
            rows += _rows(chain, start, recorded, [records[index] for index in indexes])
            for offset, index in enumerate(indexes, start):
                addresses[index] = Address(*slot, offset)
            ends.append((*slot, start + len(indexes), chain.head, recorded))
        reserved = self._reserve(conn, max(end[3] for end in ends))
        with conn.cursor().copy(_COPY) as out:
            out.set_types(_TYPES)
            for row in rows:
                out.write_row(row)
        conn.execute(_ADVANCE, db.arrays(ends))
        conn.commit()
        self._reserved = reserved
        return addresses

    def _by_slot(self, records: Sequence[Record]) -> dict[Slot, list[int]]:
        """The records' indexes by the partition they go to."""
        grouped: dict[tuple[str, int], list[int]] = {}
        known = {topic: found.partitions for topic, found in self._generations.items()}
        for index, record in enumerate(records):
            where = record.topic, partition_of(record.key, known[record.topic])
            if where in grouped:
                grouped[where].append(index)
            else:
                grouped[where] = [index]
        return {
            Slot(topic, self._generations[topic].generation, partition): indexes
            for (topic, partition), indexes in grouped.items()
        }

    def _lock(self, conn: db.Connection, slots: Collection[Slot]) -> list[tuple[Any, ...]]:
        """Lock the partitions and read where they stand; who holds them and is frozen is thrown out."""
        wanted = db.arrays(slots)
        try:
            return conn.execute(_LOCK, wanted).fetchall()
        except psycopg.errors.LockNotAvailable:
            conn.rollback()
            conn.execute(_EVICT, (_NAME, self._frozen))
            return conn.execute(_LOCK, wanted).fetchall()

    def _prepare(self, conn: db.Connection) -> None:
        """Limits: a process that is stopped while it holds partitions must not hold up all others for ever."""
        limit = f"{int(self._frozen * 1000)}ms"
        conn.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", (limit,))
        conn.execute("SELECT set_config('lock_timeout', %s, false)", (limit,))
        conn.commit()

    def _reserve(self, conn: db.Connection, end: int) -> int:
        """Have tables for offsets below `end` and half a range more, so the next is made ahead; the bound reached."""
        wanted = end + self._range_size // 2
        if wanted <= self._reserved:
            return self._reserved
        row = conn.execute("SELECT book.reserve(%s, %s)", (wanted, self._range_size)).fetchone()
        assert row is not None
        return int(row[0])


def _rows(
    chain: Chain, start: int, recorded: datetime, records: Iterable[Record]
) -> Iterator[tuple[str, int, int, int, datetime, bytes, bytes, bytes, bytes]]:
    """The rows of one partition from offset `start` on, chained."""
    time = micros(recorded)
    for offset, (_, key, pairs, value) in enumerate(records, start):
        headers = encode_headers(pairs)
        hashed = chain.extend(offset, time, key, headers, value)
        yield (*chain.slot, offset, recorded, key, headers, value, hashed)
