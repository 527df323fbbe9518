"""What the registry wants watched, as rows that silence is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from compound.log.partition import partition_of
from compound.registry.timeline import Registry
from compound.store.db import Connection, sql_text
from compound.timeutil import moment

_LOCK: Final = 71060
"""Advisory lock: one worker at a time brings `watch` up to date."""
_UPSERT: Final = """
INSERT INTO watch AS w SELECT device, kind, partition, site, since, silence_s, channels::jsonb
FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[], %s::timestamptz[], %s::int[], %s::text[])
    AS n(device, kind, partition, site, since, silence_s, channels)
ON CONFLICT (device) DO UPDATE SET kind = excluded.kind, partition = excluded.partition, site = excluded.site,
    since = excluded.since, silence_s = excluded.silence_s, channels = excluded.channels
WHERE w IS DISTINCT FROM excluded
"""
_REGISTERED: Final = """
DELETE FROM waiting w USING registry.placement p
WHERE p.device = w.device AND p.kind = w.kind AND w.time >= p.valid_from AND w.time < p.valid_to
"""


def sync(conn: Connection, registry: Registry, now: int) -> bool:
    """Bring `watch` up to date with what holds at `now`, and let go of waiting messages that are registered by now.

    Whether it was done: not while another worker is at it.
    """
    row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
    if row is None or not row[0]:
        return False
    write(conn, registry, now)
    return True


def write(conn: Connection, registry: Registry, now: int) -> None:
    """Write `watch` as it holds at `now`, and let go of waiting messages."""
    rows = sorted(_watched(registry, now, _partitions(conn)))
    conn.execute("DELETE FROM watch WHERE device <> ALL (%s)", ([row[0] for row in rows],))
    if rows:
        conn.execute(sql_text(_UPSERT), [list(column) for column in zip(*rows, strict=True)])
    conn.execute(sql_text(_REGISTERED))


def _watched(registry: Registry, now: int, partitions: Mapping[str, int]) -> list[tuple[Any, ...]]:
    found = []
    for device in registry.ids("device"):
        placement = registry.placement(device, now)
        if placement is None or placement.device.maintenance:
            continue
        item = placement.device
        kind = str(item.__struct_config__.tag)
        partition = partition_of(device.encode(), partitions.get(kind, 1))
        since = next(span.since for span in registry.spans(device, kind) if span.since <= now < span.until)
        channels = msgspec.json.encode(item.channel_silence_s, order="sorted").decode()
        found.append((device, kind, partition, item.site, moment(max(since, 0)), item.silence_s, channels))
    return found


def _partitions(conn: Connection) -> dict[str, int]:
    """Number of partitions of each topic, as the positions show it."""
    rows = conn.execute(
        "SELECT topic, count(*) FROM position p"
        " WHERE generation = (SELECT max(generation) FROM position n WHERE n.topic = p.topic) GROUP BY topic"
    ).fetchall()
    return {topic: int(count) for topic, count in rows}
