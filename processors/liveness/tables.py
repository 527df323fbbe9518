"""The tables of liveness that arrivals write: devices, channels, numbers, and messages that wait for a registration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from compound.store.db import Connection, arrays, sql_text
from compound.timeutil import moment
from processors.liveness.seen import Seen, Waiting, multirange

_DEVICE: Final = """
INSERT INTO device AS d (device, kind, site, first_seen, last_seen, newest, boot, messages, fresh, status, status_since)
SELECT device, kind, site, first, last, newest, boot, messages, fresh, status, since
FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::int8[], %s::int8[],
            %s::int8[], %s::text[], %s::timestamptz[])
    AS n(device, kind, site, first, last, newest, boot, messages, fresh, status, since)
ON CONFLICT (device) DO UPDATE SET
    kind = excluded.kind, site = excluded.site, first_seen = least(d.first_seen, excluded.first_seen),
    last_seen = greatest(d.last_seen, excluded.last_seen), newest = greatest(d.newest, excluded.newest),
    boot = greatest(d.boot, excluded.boot), messages = d.messages + excluded.messages,
    fresh = d.fresh + excluded.fresh,
    status = coalesce(excluded.status, d.status),
    status_since = CASE WHEN excluded.status = d.status AND d.device <> ALL (%s::text[]) THEN d.status_since
                        ELSE coalesce(excluded.status_since, d.status_since) END
"""
_CHANNEL: Final = """
INSERT INTO channel AS c SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[])
ON CONFLICT (device, channel) DO UPDATE SET last_seen = greatest(c.last_seen, excluded.last_seen)
"""
_SEQ: Final = """
INSERT INTO seq AS s SELECT device, boot, seqs::int8multirange FROM unnest(%s::text[], %s::int8[], %s::text[]) AS n(device, boot, seqs)
ON CONFLICT (device, boot) DO UPDATE SET seqs = s.seqs + excluded.seqs WHERE NOT s.seqs @> excluded.seqs
"""
_WAITING: Final = """
INSERT INTO waiting AS w
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::int8[], %s::int8[], %s::timestamptz[])
ON CONFLICT (device, kind, time, boot, seq) DO UPDATE SET recorded = excluded.recorded WHERE excluded.recorded < w.recorded
"""


def boots(conn: Connection, devices: Collection[str]) -> dict[str, int]:
    """The newest boot known of each of `devices`."""
    if not devices:
        return {}
    return dict(conn.execute("SELECT device, boot FROM device WHERE device = ANY(%s)", (list(devices),)).fetchall())


def write_seen(conn: Connection, seen: Mapping[str, Seen]) -> None:
    """Bring the tables up to date with a batch."""
    if not seen:
        return
    ordered = [seen[device] for device in sorted(seen)]
    rows = [
        (
            s.device,
            s.kind,
            s.site,
            *map(_moment, (s.first, s.last, s.newest)),
            s.boot,
            s.messages,
            s.fresh,
            s.status,
            _moment(s.since),
        )
        for s in ordered
    ]
    flipped = [s.device for s in ordered if s.flipped]
    conn.execute(sql_text(_DEVICE), [*arrays(rows), flipped])
    channels = [(s.device, channel, moment(at)) for s in ordered for channel, at in sorted(s.channels.items())]
    if channels:
        conn.execute(sql_text(_CHANNEL), arrays(channels))
    numbers = [(s.device, boot, multirange(some)) for s in ordered for boot, some in sorted(s.numbers.items())]
    if numbers:
        conn.execute(sql_text(_SEQ), arrays(numbers))


def write_waiting(conn: Connection, messages: Iterable[Waiting]) -> None:
    """List messages of unregistered devices; a repeated one counts once, since its first arrival."""
    first: dict[tuple[Any, ...], Waiting] = {}
    for each in messages:
        known = first.setdefault(each[:5], each)
        if each.recorded < known.recorded:
            first[each[:5]] = each
    if first:
        rows = [(w.device, w.kind, moment(w.time), w.boot, w.seq, moment(w.recorded)) for w in sorted(first.values())]
        conn.execute(sql_text(_WAITING), arrays(rows))


def _moment(time: int | None) -> Any:
    return None if time is None else moment(time)
