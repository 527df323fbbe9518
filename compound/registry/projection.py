"""From registry events to the registry's tables, and to the stretches of device timelines that they make stale.

An item's versions are points on its own timeline: an event says what holds from a time on, the neighbours bound it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from compound.events import Received
from compound.keys import CATEGORIES
from compound.registry import model
from compound.store.db import Connection
from compound.store.schemas import next_of
from compound.timeutil import micros, moment, parse, text

DERIVED_BY: Final[dict[str, tuple[str, ...]]] = {
    "meter": ("energy",),
    "inverter": ("energy", "solar"),
    "weather": ("solar",),
    "gate": ("access",),
    "parking": ("parking",),
    "locker": ("parcels",),
}
"""Kind of device -> the domains whose facts depend on its registration."""


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data of a `registry.item.v1` event: from `since` on the item is `data` (None: removed)."""

    kind: str
    id: str
    since: str = msgspec.field(name="from")
    data: dict[str, Any] | None


def check(change: Change) -> Any:
    """The typed item of a change (None when it removes). Raises ValueError (msgspec.ValidationError) saying what is wrong."""
    if change.kind not in model.KINDS:
        raise ValueError(f"unknown kind {change.kind!r}; one of {', '.join(model.KINDS)}")
    parse(change.since)
    if change.data is None:
        return None
    if "\\u0000" in msgspec.json.encode(change.data).decode():
        raise ValueError("a text holds the character NUL, which no table can hold")
    item = msgspec.convert(change.data, model.KINDS[change.kind])
    if isinstance(item, model.MeterDevice) and (item.rated_w is None) == (item.rated_l_h is None):
        raise ValueError(
            f"{change.kind} {change.id}: a meter needs rated_w (or rated_l_h): without it no step can be judged"
        )
    if change.kind == "retention" and change.id not in CATEGORIES:
        raise ValueError(f"no category of personal data is called {change.id!r}; one of {', '.join(CATEGORIES)}")
    return item


def project(conn: Connection, received: Received) -> bool:
    """Apply one event inside the caller's transaction (exclusive registry lock held); whether anything changed.

    Raises ValueError / msgspec.ValidationError on an event that is no valid change.
    """
    change = msgspec.json.decode(received.event.data, type=Change)
    check(change)
    since, recorded = moment(parse(change.since)), moment(received.recorded)
    same = conn.execute(
        "SELECT data FROM registry.item WHERE kind = %s AND id = %s AND valid_from = %s AND superseded = 'infinity'",
        (change.kind, change.id, since),
    ).fetchone()
    if same is not None and same[0] == change.data:
        return False
    before = _data_before(conn, change, since)
    _insert_version(conn, change, since, recorded, received.offset)
    conn.execute("UPDATE registry.version SET version = version + 1")
    _mark_stale(conn, change, [before, same[0] if same else None])
    return True


def _data_before(conn: Connection, change: Change, since: Any) -> dict[str, Any] | None:
    row = conn.execute(
        "SELECT data FROM registry.item WHERE kind = %s AND id = %s AND valid_from < %s AND superseded = 'infinity'"
        " ORDER BY valid_from DESC LIMIT 1",
        (change.kind, change.id, since),
    ).fetchone()
    return row[0] if row else None


def _insert_version(conn: Connection, change: Change, since: Any, recorded: Any, offset: int) -> None:
    """Bound the version before, replace one of the same time; what was known stays, with its [recorded, superseded)."""
    key = {"kind": change.kind, "id": change.id, "since": since, "recorded": recorded, "offset": offset}
    conn.execute(
        "WITH cut AS (UPDATE registry.item SET superseded = %(recorded)s"
        "  WHERE kind = %(kind)s AND id = %(id)s AND superseded = 'infinity' AND valid_from < %(since)s AND valid_to > %(since)s"
        '  RETURNING valid_from, data, "offset")'
        ' INSERT INTO registry.item (kind, id, valid_from, valid_to, recorded, "offset", data)'
        ' SELECT %(kind)s, %(id)s, valid_from, %(since)s, %(recorded)s, "offset", data FROM cut',
        key,
    )
    conn.execute(
        "UPDATE registry.item SET superseded = %(recorded)s"
        " WHERE kind = %(kind)s AND id = %(id)s AND superseded = 'infinity' AND valid_from = %(since)s",
        key,
    )
    conn.execute(
        'INSERT INTO registry.item (kind, id, valid_from, valid_to, recorded, "offset", data)'
        " SELECT %(kind)s, %(id)s, %(since)s, coalesce((SELECT min(valid_from) FROM registry.item WHERE kind = %(kind)s"
        "   AND id = %(id)s AND superseded = 'infinity' AND valid_from > %(since)s), 'infinity'),"
        " %(recorded)s, %(offset)s, %(data)s",
        {**key, "data": None if change.data is None else Jsonb(change.data)},
    )


def _mark_stale(conn: Connection, change: Change, others: Iterable[dict[str, Any] | None]) -> None:
    stale = list(_made_stale(conn, change, others))
    if not stale:
        return
    built = {domain for (domain,) in conn.execute("SELECT domain FROM runtime.rebuild")}
    rows = [
        (kind, device, moment(since), schema)
        for kind, device, since, domain in stale
        for schema in ((domain, next_of(domain)) if domain in built else (domain,))
    ]
    conn.cursor().executemany("INSERT INTO registry.stale (kind, device, since, domain) VALUES (%s, %s, %s, %s)", rows)


def _made_stale(
    conn: Connection, change: Change, others: Iterable[dict[str, Any] | None]
) -> Iterator[tuple[str, str, int, str]]:
    """What a change makes stale: kind, device, since when (µs), domain. `others`: what held before and was replaced."""
    versions = [data for data in (change.data, *others) if data is not None]
    since = change.since
    if change.kind == "device":
        devices = {(data["kind"], change.id) for data in versions}
    elif change.kind in ("replacement", "choice"):
        field = "removed_at" if change.kind == "replacement" else "time"
        since = min((data[field] for data in versions), key=parse, default=since)
        devices = {("meter", data["device"]) for data in versions}
    else:
        devices = _devices_at(conn, change)
        if change.kind == "site":
            since = _BEGINNING
    for kind, device in devices:
        for domain in DERIVED_BY.get(kind, ()):
            yield kind, device, parse(since), domain


def made_stale_after(conn: Connection, known_at: datetime) -> dict[str, dict[str, datetime]]:
    """By domain and device, from when on timelines depend on what the registry learned after `known_at`."""
    rows = conn.execute(
        "SELECT kind, id, valid_from, data FROM registry.item WHERE recorded > %(at)s"
        " OR (superseded > %(at)s AND superseded <> 'infinity')",
        {"at": known_at},
    ).fetchall()
    found: dict[str, dict[str, datetime]] = {}
    for kind, item_id, since, data in rows:
        for _, device, at, domain in _made_stale(conn, Change(kind, item_id, text(micros(since)), data), ()):
            devices = found.setdefault(domain, {})
            devices[device] = min(moment(at), devices.get(device, moment(at)))
    return found


_BEGINNING: Final = "0001-01-01T00:00:00Z"
"""Where a site lies and the zone of its days are what the newest version says, for all its history."""

_AT: Final[dict[str, str]] = {
    "point": "data->>'point' = %(id)s",
    "site": "data->>'site' = %(id)s",
    "spot_class": "data->>'point' IN (SELECT id FROM registry.item WHERE kind = 'point' AND data->>'spot_class' = %(id)s)",
}
"""Kinds whose change may alter the facts of the devices that the condition finds."""


def _devices_at(conn: Connection, change: Change) -> set[tuple[str, str]]:
    if change.kind not in _AT:
        return set()
    rows = conn.execute(
        f"SELECT DISTINCT data->>'kind', id FROM registry.item WHERE kind = 'device' AND {_AT[change.kind]}",
        {"id": change.id},
    ).fetchall()
    return {(kind, device) for kind, device in rows}
