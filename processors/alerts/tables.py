"""The tables of alerts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from compound.store.db import Connection, sql_text
from processors.alerts.alert import Alert, Delivered, Entry

_ROW: Final = (
    "domain", "rule", "subject", "what", "site", "point", "category", "priority", "start", "end", "raised", "cleared",
    "withdrawn", "acknowledged", "acknowledged_by", "note", "notify", "times", "phase", "detail",
)  # fmt: skip
_SET: Final = ", ".join(f'"{name}" = %({name})s' for name in _ROW)
_WRITE: Final = f"UPDATE alert SET {_SET} WHERE id = %(id)s"


def lock(conn: Connection, alerts: Collection[str]) -> None:
    """Lock the rows of `alerts`, made where they are missing, in the order of their ids.

    History and commands are two partitions: who writes an alert holds its row.
    """
    ids = sorted(alerts)
    conn.execute("INSERT INTO alert (id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (ids,))
    conn.execute("SELECT 1 FROM alert WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (ids,))


def insert(conn: Connection, alert: str, entry: Entry, source: str) -> bool:
    """Keep an event of `alert`; whether it was not there. The log may hold one twice."""
    done = conn.execute(
        'INSERT INTO event (alert, id, type, source, time, recorded, "offset", data)'
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (alert, entry.id, entry.type, source, entry.time, entry.recorded, entry.offset, Jsonb(entry.data)),
    )
    return bool(done.rowcount)


def entries(conn: Connection, alert: str) -> list[Entry]:
    """All events of `alert`."""
    rows = conn.execute('SELECT id, type, time, recorded, "offset", data FROM event WHERE alert = %s', (alert,))
    return [Entry(*row) for row in rows]


def write(conn: Connection, alert: Alert) -> None:
    """Write the row."""
    row = asdict(alert)
    row["detail"] = None if alert.detail is None else Jsonb(alert.detail)
    conn.execute(sql_text(_WRITE), row)


def standing(conn: Connection, subject: str, rules: Sequence[str]) -> str | None:
    """An alert of one of `rules` that stands at `subject`."""
    if not rules:
        return None
    row = conn.execute(
        "SELECT id FROM alert WHERE subject = %s AND rule = ANY(%s) AND phase = 'raised' AND notify ORDER BY raised, id LIMIT 1",
        (subject, list(rules)),
    ).fetchone()
    return str(row[0]) if row else None


def put_under(conn: Connection, alert: str, over: str | None) -> None:
    """Show `alert` under another of the same cause, or by itself."""
    conn.execute("UPDATE alert SET under = %s WHERE id = %s", (over, alert))


def is_under(conn: Connection, alert: str) -> bool:
    """Whether another alert stands for this one."""
    row = conn.execute("SELECT under IS NOT NULL FROM alert WHERE id = %s", (alert,)).fetchone()
    return row is not None and bool(row[0])


def release(conn: Connection, before: datetime) -> list[tuple[str, str, datetime]]:
    """Have alerts stand for themselves whose cover ended at `before` or earlier: (alert, event that raised it, that end)."""
    rows = conn.execute(
        "UPDATE alert a SET under = NULL FROM alert o WHERE o.id = a.under AND a.phase = 'raised' AND o.phase <> 'raised'"
        " AND greatest(o.cleared, o.withdrawn) <= %s RETURNING a.id,"
        " (SELECT e.id FROM event e WHERE e.alert = a.id AND e.type = 'alert.raised.v1'"
        ' ORDER BY e.recorded DESC, e."offset" DESC LIMIT 1), greatest(o.cleared, o.withdrawn)',
        (before,),
    ).fetchall()
    return [(alert, event, ended) for alert, event, ended in rows]


def queue(conn: Connection, alert: str, event: str, channel: str, state: str, now: datetime) -> None:
    """Have an event of an alert sent by a channel, once."""
    conn.execute(
        "INSERT INTO delivery (event, channel, alert, state, next_at) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (event, channel, alert, state, now),
    )


def settle(conn: Connection, how: Delivered, time: datetime) -> None:
    """History says how a delivery ended: so a rebuilt projection sends nothing again."""
    conn.execute(
        "INSERT INTO delivery (event, channel, alert, state, attempts, next_at, error, delivered)"
        " VALUES (%(event)s, %(channel)s, %(alert)s, %(outcome)s, %(attempts)s, %(time)s, %(error)s, %(done)s)"
        " ON CONFLICT (event, channel) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,"
        " error = excluded.error, delivered = excluded.delivered",
        {
            "event": how.event,
            "channel": how.channel,
            "alert": how.alert,
            "outcome": how.outcome,
            "attempts": how.attempts,
            "time": time,
            "error": how.error,
            "done": time if how.outcome == "delivered" else None,
        },
    )
