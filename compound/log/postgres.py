"""The event log in PostgreSQL: the book itself (`book.event`), one commit a call.

The rows of `book.partition` hand out the offsets and stay locked until the commit, so offsets follow the order of
commit: whoever sees an offset sees all before it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from compound.log import generations
from compound.log.book import Chain, encode_headers
from compound.log.generations import Generation, Wanted
from compound.log.link import Link
from compound.log.partition import partition_of
from compound.log.port import Address, LogUnavailable, Positions, Reader, Record, Slot
from compound.log.postgres_reader import PostgresReader
from compound.log.writing import BookWriter, End, Row, chained
from compound.store import db
from compound.timeutil import micros

_HEADS = """
SELECT topic, generation, partition, next_offset FROM book.partition
WHERE topic = ANY(%s) AND NOT closed ORDER BY topic, generation, partition
"""
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
    ) -> None:
        """The log in the migrated database at `url`; connects when first used.

        `patience`: seconds that a connection is tried before LogUnavailable. `session`: seconds after which a reader
        that stopped polling loses its partitions. `frozen`: seconds after which an appender that stopped half-way, with
        partitions locked, loses its transaction.
        """
        self._url = url
        self._patience = patience
        self._session = session
        self._writer = BookWriter(_NAME, frozen=frozen)
        self._generations: dict[str, Generation] = {}
        self._mutex = threading.Lock()
        self._link = Link(url, _NAME, patience, self._writer.prepare)

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
        locked = self._writer.lock(conn, touched)
        if any(standing.closed for standing in locked):
            return None
        addresses = [_NOWHERE] * len(records)
        rows: list[Row] = []
        ends = []
        for slot, start, head, _, now in locked:
            chain, recorded, indexes = Chain(slot, head), micros(now), touched[slot]
            entries = [
                (recorded, record.key, encode_headers(record.headers), record.value)
                for record in map(records.__getitem__, indexes)
            ]
            rows += chained(chain, start, entries)
            for offset, index in enumerate(indexes, start):
                addresses[index] = Address(*slot, offset)
            ends.append(End(*slot, start + len(indexes), chain.head, now))
        self._writer.write(conn, rows, ends)
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
