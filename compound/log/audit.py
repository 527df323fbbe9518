"""The audit of the book: is every row there, unchanged, in its place, and none that doesn't belong (P9)?

What it can show by itself is that the book contradicts itself. Who may write to the database could compute a whole chain
anew from the row changed to the end; against that, keep the heads of a report elsewhere (`compound.log.heads`): a later
audit that is given them finds the partition that was rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple

import psycopg

from compound.log import book
from compound.log.heads import Head
from compound.log.port import Address, Slot
from compound.store import db
from compound.timeutil import micros

_CHUNK = 2000
_SLOTS = """
WITH RECURSIVE found AS (
    (SELECT topic, generation, partition FROM book.event ORDER BY topic, generation, partition LIMIT 1)
    UNION ALL
    SELECT following.* FROM found f, LATERAL (
        SELECT topic, generation, partition FROM book.event e
        WHERE (e.topic, e.generation, e.partition) > (f.topic, f.generation, f.partition)
        ORDER BY topic, generation, partition LIMIT 1) AS following)
SELECT topic, generation, partition FROM found
UNION SELECT topic, generation, partition FROM book.partition
UNION SELECT topic, generation, p FROM book.generation, generate_series(0, partitions - 1) AS p
"""
_HEAD = "SELECT next_offset, head FROM book.partition WHERE topic = %s AND generation = %s AND partition = %s"
_ROWS = """
SELECT "offset", recorded, key, headers, value, hash FROM book.event
WHERE topic = %s AND generation = %s AND partition = %s ORDER BY "offset"
"""


class Finding(NamedTuple):
    """The first thing in a partition that is not as it was written."""

    kind: Literal["wrong", "missing", "inserted", "rewritten"]
    address: Address
    text: str

    def __str__(self) -> str:
        topic, generation, partition, offset = self.address
        return f"{self.kind}: {topic}, generation {generation}, partition {partition}, offset {offset}: {self.text}"


class Report(NamedTuple):
    """What an audit saw: rows read, the heads of all partitions, and one finding at most for each partition, in order."""

    rows: int
    heads: dict[Slot, Head]
    findings: list[Finding]


Progress = Callable[[int, int], None]
"""Told now and then: rows done, and rows in all."""


def audit(
    database_url: str,
    progress: Progress = lambda done, total: None,
    noted: Mapping[Slot, Head] | None = None,
) -> Report:
    """Verify the whole book, against the heads `noted` earlier too. Whoever writes it, the log in the database or an
    archiver, may go on meanwhile.

    Raises psycopg.OperationalError when the database can't be reached.
    """
    with db.connect(database_url, "compound audit") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        return _Audit(conn, progress, noted or {}).run()


class _Audit:
    def __init__(self, conn: db.Connection, progress: Progress, noted: Mapping[Slot, Head]) -> None:
        self._conn = conn
        self._progress = progress
        self._noted = noted
        self._rows = 0
        self._total = 0
        self._heads: dict[Slot, Head] = {}
        self._findings: list[Finding] = []

    def run(self) -> Report:
        with self._conn.transaction():
            slots = sorted({*(Slot(*row) for row in self._conn.execute(_SLOTS)), *self._noted})
            row = self._conn.execute("SELECT coalesce(sum(next_offset), 0)::bigint FROM book.partition").fetchone()
            assert row is not None
            self._total = row[0]
        self._progress(0, self._total)
        for slot in slots:
            # One snapshot a partition: a long one for all would keep the database from cleaning up.
            with self._conn.transaction():
                if (finding := self._partition(slot)) is not None:
                    self._findings.append(finding)
        self._progress(self._rows, max(self._rows, self._total))
        return Report(self._rows, self._heads, self._findings)

    def _partition(self, slot: Slot) -> Finding | None:
        """Follow the chain of one partition from its root to its head; the first that is wrong."""
        found = self._conn.execute(_HEAD, slot).fetchone()
        if found is None:
            return Finding("missing", Address(*slot, 0), "the partition's own row, with the head of its chain, is gone")
        self._heads[slot] = head = Head(*found)
        if (start := self._root(slot)) is None:
            return Finding("missing", Address(*slot, 0), "the generation before is gone")
        chain = book.Chain(slot, start)
        expected, noted = 0, self._noted.get(slot)
        rows = self._read(slot)
        for offset, recorded, key, headers, value, stored in rows:
            if offset > expected:
                return Finding("missing", Address(*slot, expected), "no such row, but one after it")
            if offset < expected or offset >= head.next_offset:
                return Finding("inserted", Address(*slot, offset), _beyond(offset, head))
            before = chain.head
            if chain.extend(offset, recorded, key, headers, value) != stored:
                return self._explain(book.Chain(slot, before), offset, rows)
            expected += 1
            if noted is not None and expected == noted.next_offset and chain.head != noted.hash:
                return Finding(
                    "rewritten", Address(*slot, offset), "the chain up to here is not the one whose head was noted"
                )
        if noted is not None and head.next_offset < noted.next_offset:
            return Finding("missing", Address(*slot, head.next_offset), f"{noted.next_offset} rows were noted")
        if expected < head.next_offset:
            return Finding("missing", Address(*slot, expected), "no such row; the partition ends before its head")
        if chain.head != head.hash:
            return Finding("wrong", Address(*slot, max(expected - 1, 0)), "the head is not the hash of the last row")
        return None

    def _explain(self, chain: book.Chain, offset: int, rows: Iterator[tuple[Any, ...]]) -> Finding:
        """Why the row at `offset` doesn't continue `chain`; `rows` are those after it.

        If it was put in, the next two continue the chain one place further down (or the head, where there is one only).
        """
        address = Address(*chain.slot, offset)
        moved = 0
        for _, recorded, key, headers, value, stored in islice(rows, 2):
            if chain.extend(offset + moved, recorded, key, headers, value) != stored:
                break
            moved += 1
        if moved == 2 or (moved == 1 and chain.head == self._heads[chain.slot].hash):
            return Finding("inserted", address, "the row after it was written here; later rows have moved up")
        if moved == 1:
            return Finding("wrong", address, "the row after it was written here; they have changed places")
        return Finding("wrong", address, "it doesn't continue the chain: it, or its place, is not as it was written")

    def _root(self, slot: Slot) -> bytes | None:
        """Where the slot's chain starts; None where the generation before is not there."""
        if slot.generation == 1:
            return book.FIRST_ROOT
        before = [
            head.hash
            for other, head in sorted(self._heads.items())
            if (other.topic, other.generation) == (slot.topic, slot.generation - 1)
        ]
        return book.root(before) if before else None

    def _read(self, slot: Slot) -> Iterator[tuple[Any, ...]]:
        with self._conn.cursor("audit", binary=True) as cursor:
            cursor.itersize = _CHUNK
            for row in cursor.execute(_ROWS, slot):
                yield (row[0], micros(row[1]), *row[2:])
                self._rows += 1
                if self._rows % _CHUNK == 0:
                    self._progress(self._rows, max(self._rows, self._total))


def _beyond(offset: int, head: Head) -> str:
    if offset >= head.next_offset:
        return f"the partition ends before {head.next_offset}"
    return "there is a row at this offset already"
