"""Reading rows of the book by their addresses: what the readers of both logs share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import itemgetter
from struct import Struct
from typing import Any

from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from compound.log.book import decode_headers
from compound.log.port import OffsetLost, Slot, Stored
from compound.store import db

_ENDS = """
SELECT n::int - 1, p.next_offset
FROM unnest(%s::text[], %s::int[], %s::int[]) WITH ORDINALITY AS t(topic, generation, partition, n)
JOIN book.partition p USING (topic, generation, partition)
"""
_ROWS = """
SELECT t.n::int - 1, e."offset", e.recorded, e.key, e.headers, e.value
FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
        AS t(topic, generation, partition, since, until, n),
     LATERAL (SELECT * FROM book.event e
              WHERE e.topic = t.topic AND e.generation = t.generation AND e.partition = t.partition
                AND e."offset" >= t.since AND e."offset" < t.until
              ORDER BY e."offset") AS e
"""


def prepare(conn: db.Connection) -> None:
    """Make a connection one that reads the book.

    Rows are found by their addresses, always: a plan made while the book was empty would read all of it for long.
    """
    conn.execute("SET enable_seqscan = off")
    conn.execute("SET enable_bitmapscan = off")
    conn.adapters.register_loader("timestamptz", _Micros)


def ends(conn: db.Connection, slots: Collection[Slot]) -> dict[Slot, int]:
    """Where the book ends, by partition; those that it doesn't know are missing."""
    wanted = list(slots)
    if not wanted:
        return {}
    found = conn.execute(_ENDS, [list(column) for column in zip(*wanted, strict=True)])
    return {wanted[index]: end for index, end in found}


def share(positions: Mapping[Slot, int], ends: Mapping[Slot, int], limit: int) -> dict[Slot, tuple[int, int]]:
    """What to read now, from and to, by partition: `limit` rows shared fairly, small backlogs first."""
    backlogs = sorted((ends[slot] - at, slot) for slot, at in positions.items() if at < ends.get(slot, 0))
    wanted: dict[Slot, tuple[int, int]] = {}
    for index, (backlog, slot) in enumerate(backlogs):
        if (rows := min(backlog, -(-limit // (len(backlogs) - index)))) > 0:
            wanted[slot] = (positions[slot], positions[slot] + rows)
            limit -= rows
    return wanted


def read(conn: db.Connection, wanted: Mapping[Slot, tuple[int, int]]) -> list[Stored]:
    """The rows from and to these offsets, by partition. Raises OffsetLost where one is missing."""
    slots = list(wanted)
    columns = zip(*(slot + wanted[slot] for slot in slots), strict=True)
    rows: list[Any] = conn.execute(_ROWS, [list(column) for column in columns], binary=True).fetchall()
    rows.sort(key=itemgetter(0, 1))
    found: list[Stored] = []
    at = iter(rows)
    for index, slot in enumerate(slots):
        since, until = wanted[slot]
        for expected in range(since, until):
            row = next(at, None)
            if row is None or row[0] != index or row[1] != expected:
                raise OffsetLost(f"{slot} holds no row at {expected}")
            _, offset, recorded, key, headers, value = row
            found.append(Stored(*slot, offset, recorded, key, decode_headers(headers), value))
    return found


class _Micros(Loader):
    """timestamptz as microseconds since 1970: no datetime is made of each row's."""

    format = Format.BINARY
    _unpack = Struct(">q").unpack

    def load(self, data: Buffer) -> int:
        return int(self._unpack(data)[0]) + 946_684_800_000_000
