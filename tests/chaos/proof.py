"""What must hold after the last blow: nothing differs from the truth, the chain holds, no row is there twice."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg
from psycopg import sql

from compound.events import DEVICE_TOPICS
from compound.log.book import decode_headers

_AHEAD = 5 * 60_000_000
_TABLES = """
SELECT n.nspname, c.relname, array_agg(a.attname ORDER BY k.n) FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, n)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE i.indisprimary AND c.relkind = 'r' AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public')
GROUP BY i.indexrelid, n.nspname, c.relname ORDER BY 1, 2
"""


class Key(NamedTuple):
    """A message of a device."""

    device: str
    boot: int
    seq: int


class _Body(msgspec.Struct):
    boot: int | None = None
    seq: int | None = None


def arrived(url: str) -> Counter[Key]:
    """The messages in the book, and how often each stands there."""
    found: Counter[Key] = Counter()
    decode = msgspec.json.Decoder(_Body).decode
    with psycopg.connect(url) as conn, conn.cursor("book") as rows:
        rows.itersize = 20_000
        rows.execute("SELECT headers, value FROM book.event WHERE topic = ANY(%s)", (list(DEVICE_TOPICS),))
        for headers, value in rows:
            body = decode(value)
            if body.boot is not None and body.seq is not None:
                subject = dict(decode_headers(headers))["ce_subject"].decode()
                found[Key(subject, body.boot, body.seq)] += 1
    return found


def rate_held(url: str) -> float:
    """Records of devices a second, from the first in the book to the last."""
    with psycopg.connect(url) as conn:
        (rate,) = conn.execute(
            "SELECT count(*) / extract(epoch FROM max(recorded) - min(recorded)) FROM book.event WHERE topic = ANY(%s)",
            (list(DEVICE_TOPICS),),
        ).fetchone() or (0.0,)
    return float(rate)


def lost(truth: Path, found: Counter[Key]) -> dict[Key, int]:
    """Messages that the broker acknowledged and the book lacks, with the time at which each was sent (µs, simulated).

    Those from the future are in quarantine, sealed.
    """
    with sqlite3.connect(f"file:{truth}?mode=ro", uri=True) as conn:
        rows = conn.execute(
            "SELECT d.id, boot, seq, sent FROM message m JOIN device d ON d.number = m.device"
            " WHERE sent IS NOT NULL AND shown <= sent + ?",
            (_AHEAD,),
        ).fetchall()
    return {key: sent for *parts, sent in rows if (key := Key(*parts)) not in found}


def doubles(url: str) -> list[str]:
    """Tables in which a row stands twice by its key, read from the rows themselves, not from the index."""
    found = []
    with psycopg.connect(url) as conn:
        conn.execute("SET enable_indexscan = off")
        conn.execute("SET enable_indexonlyscan = off")
        conn.execute("SET enable_bitmapscan = off")
        for schema, table, columns in conn.execute(_TABLES).fetchall():
            query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} GROUP BY {} HAVING count(*) > 1) AS twice").format(
                sql.Identifier(schema, table), sql.SQL(",").join(map(sql.Identifier, columns))
            )
            (twice,) = conn.execute(query).fetchone() or (0,)
            if twice:
                found.append(f"{schema}.{table}: {twice}")
    return found
