"""Rows of the book by their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from struct import Struct
from typing import Any, Final

from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from compound.log.book import decode_headers
from compound.log.port import OffsetLost, Slot, Stored
from compound.store.db import Connection

_ROWS: Final = """
SELECT t.n::int - 1, e."offset", e.recorded, e.key, e.headers, e.value
FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
        AS t(topic, generation, partition, since, until, n),
     LATERAL (SELECT * FROM book.event e
              WHERE e.topic = t.topic AND e.generation = t.generation AND e.partition = t.partition
                AND e."offset" >= t.since AND e."offset" < t.until
              ORDER BY e."offset") AS e
"""


def prepare(conn: Connection) -> None:
    """Make a connection one that `read` reads with; for nothing else."""
    # Rows are found by their addresses, always: a plan made while the book was empty would read all of it for long.
    conn.execute("SET enable_seqscan = off")
    conn.execute("SET enable_bitmapscan = off")
    conn.adapters.register_loader("timestamptz", _Micros)


def read(conn: Connection, wanted: Mapping[Slot, tuple[int, int]]) -> list[Stored]:
    """The rows of each partition from the first offset to before the second, in their order.

    Raises OffsetLost where one is missing.
    """
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
