"""Puts rows where projections would, so that a route can be tested without running them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from compound.store.db import Connection

T0 = datetime(2026, 10, 1, tzinfo=UTC)
"""08:00 in Shanghai."""


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def item(
    conn: Connection,
    kind: str,
    id_: str,
    data: dict[str, Any] | None,
    since: datetime | None = None,
    until: datetime | str = "infinity",
) -> None:
    """A version of a registry item, from long ago unless said."""
    conn.execute(
        'INSERT INTO registry.item (kind, id, valid_from, valid_to, recorded, "offset", data) VALUES'
        " (%s, %s, %s, %s, %s, (SELECT count(*) FROM registry.item), %s)",
        (kind, id_, since or T0 - timedelta(days=30), until, T0, None if data is None else Jsonb(data)),
    )
    conn.execute("UPDATE registry.version SET version = version + 1")


def segment(
    conn: Connection,
    domain: str,
    subject: str,
    what: str,
    kind: str,
    start: datetime,
    end: datetime | None,
    tell_at: datetime | None = None,
    key: str = "",
    table: str = "segment",
    **data: Any,
) -> None:
    """A segment of a state timeline."""
    conn.execute(
        f'INSERT INTO {domain}.{table} (subject, what, kind, start, key, "end", data, at, tell_at)'
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (subject, what, kind, start, key, end, Jsonb(data), end or datetime(9999, 1, 1, tzinfo=UTC), tell_at),
    )


def site(conn: Connection) -> None:
    """The site `demo` in Shanghai."""
    item(conn, "site", "demo", {"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0})


def stale(conn: Connection, domain: str, kind: str, device: str) -> None:
    conn.execute(
        "INSERT INTO registry.stale (kind, device, since, domain) VALUES (%s, %s, %s, %s)", (kind, device, T0, domain)
    )
