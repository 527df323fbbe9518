"""Writing rows into the book: what the PostgreSQL log and the archiver share.

Whoever writes locks the rows of its partitions in `book.partition`, in (topic, partition) order, until the commit. They
say where each partition ends and carry the head of its hash chain, so what is written is always the continuation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import psycopg

from compound.log.book import Chain
from compound.log.port import Slot
from compound.store import db

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
_COPY: Final = (
    'COPY book.event (topic, generation, partition, "offset", recorded, key, headers, value, hash)'
    " FROM STDIN (FORMAT BINARY)"
)
# In the binary format a timestamptz is its microseconds since 2000: no datetime is made of each row's.
_TYPES: Final = ("text", "int4", "int4", "int8", "int8", "bytea", "bytea", "bytea", "bytea")
_YEAR_2000: Final = 946_684_800_000_000

Entry = tuple[int, bytes, bytes, bytes]
"""A record to be written: recordedtime (µs UTC), key, headers as the book's bytes, value."""

Row = tuple[str, int, int, int, int, bytes, bytes, bytes, bytes]


RANGE: Final = 1_000_000
"""Offsets in one part of the book."""


class Standing(NamedTuple):
    """Where a locked partition ends. `now`: the database's clock, never before the last row's recordedtime."""

    slot: Slot
    next_offset: int
    head: bytes
    closed: bool
    now: datetime


class End(NamedTuple):
    """Where a partition ends after the write: next offset, head of its chain, recordedtime of its last row."""

    topic: str
    generation: int
    partition: int
    next_offset: int
    head: bytes
    recorded: datetime


class BookWriter:
    """Locks partitions and continues them, one transaction a call of each pair. Whoever freezes in between loses its turn."""

    def __init__(self, name: str, *, frozen: float = 10.0) -> None:
        """`name`: application name of all connections of this kind of writer. `frozen`: seconds after which one that
        stopped half-way, with partitions locked, loses its transaction.
        """
        self._name = name
        self._frozen = frozen
        self._reserved = 0

    def prepare(self, conn: db.Connection) -> None:
        """Limits: a process that is stopped while it holds partitions must not hold up all others for ever."""
        limit = f"{int(self._frozen * 1000)}ms"
        conn.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", (limit,))
        conn.execute("SELECT set_config('lock_timeout', %s, false)", (limit,))
        conn.commit()

    def lock(self, conn: db.Connection, slots: Collection[Slot]) -> list[Standing]:
        """Lock the partitions and read where they stand; who holds them and is frozen is thrown out."""
        wanted = db.arrays(slots)
        try:
            found = conn.execute(_LOCK, wanted).fetchall()
        except psycopg.errors.LockNotAvailable:
            conn.rollback()
            conn.execute(_EVICT, (self._name, self._frozen))
            found = conn.execute(_LOCK, wanted).fetchall()
        return [Standing(Slot(*row[:3]), *row[3:]) for row in found]

    def write(self, conn: db.Connection, rows: Iterable[Row], ends: Sequence[End]) -> None:
        """Write the rows of locked partitions, note where these end now, and commit."""
        reserved = self._reserve(conn, max(end.next_offset for end in ends))
        with conn.cursor().copy(_COPY) as out:
            out.set_types(_TYPES)
            for row in rows:
                out.write_row(row)
        conn.execute(_ADVANCE, db.arrays(ends))
        conn.commit()
        self._reserved = reserved

    def _reserve(self, conn: db.Connection, end: int) -> int:
        """Have tables for offsets below `end` and half a range more, so the next is made ahead; the bound reached."""
        wanted = end + RANGE // 2
        if wanted <= self._reserved:
            return self._reserved
        row = conn.execute("SELECT book.reserve(%s)", (wanted,)).fetchone()
        assert row is not None
        return int(row[0])


def chained(chain: Chain, start: int, entries: Iterable[Entry]) -> Iterator[Row]:
    """The rows of one partition from offset `start` on."""
    topic, generation, partition = chain.slot
    for offset, (recorded, key, headers, value) in enumerate(entries, start):
        hashed = chain.extend(offset, recorded, key, headers, value)
        yield topic, generation, partition, offset, recorded - _YEAR_2000, key, headers, value, hashed
