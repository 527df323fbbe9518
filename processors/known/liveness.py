"""Liveness as known at K: what arrived is counted again from the book, by the domain's own code; who was lost, as it was told.

There are no points of messages but the book's rows, so a device costs what it ever sent by then. That is why conditions, which
need none of it, don't read the book.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from compound.events import DEVICE_TOPICS, Received, from_stored
from compound.known import CONDITIONS, Asked
from compound.log.book import decode_headers
from compound.log.partition import partition_of
from compound.log.port import Slot, Stored
from compound.timeutil import micros
from processors.known.world import Schemas
from processors.liveness import watch
from processors.runtime.domain import Tx

PAGE: Final = 20_000
"""Records of a partition looked through in one query."""
TABLES: Final = ("device", "channel", "seq", "watch", "receiving", "lost", "waiting")

_MESSAGES: Final = "SELECT coalesce(sum(messages), 0) FROM liveness.device WHERE first_seen <= %s AND (%s::text IS NULL OR device = %s)"
_SLOTS: Final = (
    "SELECT topic, generation, partition, book.offset_at(topic, generation, partition, %s::timestamptz + interval '1 us'),"
    " (SELECT g.partitions FROM book.generation g WHERE (g.topic, g.generation) = (p.topic, p.generation))"
    " FROM book.partition p WHERE topic = ANY(%s) ORDER BY 1, 2, 3"
)
_PAGE: Final = (
    'SELECT "offset", recorded, key, headers, value FROM book.event WHERE topic = %s AND generation = %s AND partition = %s'
    ' AND "offset" >= %s AND "offset" < %s AND (%s::bytea IS NULL OR key = %s) ORDER BY "offset"'
)
_LOST: Final = """
INSERT INTO {again}.lost SELECT subject, rule, CASE WHEN what = 'device' THEN '' ELSE what END, start, "end"
FROM {names[alerts]}.at({until}) WHERE domain = 'liveness' AND state <> 'withdrawn'
"""
_BACK: Final = """
UPDATE {again}.device d SET alive_since = (
    SELECT max(l."end") FROM {again}.lost l WHERE l.device = d.device AND l.kind <> 'channel-silent')
"""


def count(schemas: Schemas, tx: Tx, asked: Asked, stale: Mapping[str, datetime]) -> int:
    """At most so many messages have arrived."""
    if asked.domain == CONDITIONS:
        return 0
    row = tx.conn.execute(_MESSAGES, (asked.until, asked.id, asked.id)).fetchone()
    return int(row[0]) if row else 0


def derive(schemas: Schemas, tx: Tx, asked: Asked, code: Any) -> None:
    """Count again what arrived, and take from history who was lost."""
    if asked.domain != CONDITIONS:
        for events in _pages(tx, asked):
            with schemas.acting(tx.domain):
                code.apply(tx, events)
        with schemas.acting(tx.domain):
            watch.write(tx.conn, tx.registry, micros(asked.until))
    schemas.run(_LOST, tx.domain, until=asked.until)
    schemas.run(_BACK, tx.domain)
    for table in TABLES:
        schemas.table(tx.domain, table, f"SELECT * FROM {{again}}.{table}")
    schemas.finish(tx.domain)


def _pages(tx: Tx, asked: Asked) -> Iterator[list[Received]]:
    """What had arrived, of the asked device alone or of all, in each partition's order."""
    device = None if asked.id is None else asked.id.encode()
    for *where, end, partitions in tx.conn.execute(_SLOTS, (asked.until, list(DEVICE_TOPICS))).fetchall():
        slot = Slot(*where)
        if device is not None and slot.partition != partition_of(device, partitions):
            continue
        for low in range(0, end, PAGE):
            rows = tx.conn.execute(_PAGE, (*slot, low, min(low + PAGE, end), device, device)).fetchall()
            events = [event for row in rows if (event := _event(slot, *row)) is not None]
            if events:
                yield events


def _event(slot: Slot, offset: int, recorded: datetime, key: bytes, headers: bytes, value: bytes) -> Received | None:
    """The event of a record; one that is none is passed over, as the live projection does."""
    try:
        return from_stored(Stored(*slot, offset, micros(recorded), key, decode_headers(headers), value))
    except ValueError:
        return None
