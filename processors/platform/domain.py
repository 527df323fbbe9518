"""The evaluator of the archive: one holder of its lock compares the book with Kafka, and tells when it falls behind.

Without Kafka there is nothing to evaluate: the log is the book. The archiver itself can't tell of its own death.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg.types.json import Jsonb

from compound.archive import behind
from compound.archive.behind import Behind
from compound.events import TOPICS, Received
from compound.log.port import LogUnavailable, Slot
from compound.settings import Settings
from compound.store.db import Connection, Lock
from compound.timeutil import DAY, SECOND, micros, moment, text
from processors.runtime.domain import Tx
from processors.runtime.tables import note_due
from processors.runtime.telling import Rule, Teller, segments_of

LATE: Final = "archiver-late"
STOPPED: Final = "archiver-stopped"
RULES: Final = {LATE: Rule("maintenance", "high"), STOPPED: Rule("maintenance", "high")}
SUBJECT: Final = "archiver"
WHAT: Final = "book"


class Platform:
    """Keeps the conditions of the archiver; safe to run in several processes, one at a time does the work."""

    name = "platform"
    topics: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self._teller = Teller(RULES, settings.quiet_s, settings.late_s, segments_of("condition"))
        half = settings.kafka_retention_days * DAY // 2
        self._limit = min(int(settings.archiver_late_s * SECOND), half)

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """No topic is read."""

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """No device is owned."""

    def tick(self, tx: Tx) -> bool:
        """Look, and tell; whether anything was written."""
        row = tx.conn.execute("SELECT pg_try_advisory_xact_lock(%s, 1)", (int(Lock.EVALUATOR),)).fetchone()
        if not row or not row[0]:
            return False
        found = _look(tx)
        self._late(tx, found)
        _stopped(tx, found)
        return self._teller.tick(tx)

    def forget(self) -> None:
        """Nothing is held in memory."""

    def _late(self, tx: Tx, found: Behind | None) -> None:
        """Late from the limit on, in time again below half of it."""
        age = 0 if found is None or found.oldest is None else tx.now - found.oldest
        since = _open(tx.conn, LATE)
        if since is not None and age < self._limit / 2:
            _end(tx, LATE, since)
        elif since is None and age >= self._limit and found is not None and found.oldest is not None:
            detail = {"records": found.records, "seconds": age // SECOND, "share": found.share, **_where(found.where)}
            _begin(tx, LATE, found.oldest, detail)


def _look(tx: Tx) -> Behind | None:
    rows = tx.conn.execute(behind.QUERY).fetchall()
    if not rows:
        return None
    try:
        heads = tx.heads(TOPICS)
    except LogUnavailable:  # then the archivers' last look is what there is
        heads = {}
    return behind.judge(rows, heads, tx.now)


def _stopped(tx: Tx, found: Behind | None) -> None:
    """While any partition stands still for a reason that waiting doesn't mend."""
    alarms = {} if found is None else found.alarms
    since = _open(tx.conn, STOPPED)
    if since is not None and not alarms:
        _end(tx, STOPPED, since)
    elif since is None and alarms:
        slot = min(alarms)
        _begin(tx, STOPPED, tx.now, {"why": alarms[slot], **_where(slot)})


def _where(slot: Slot | None) -> dict[str, Any]:
    return {} if slot is None else slot._asdict()


def _open(conn: Connection, rule: str) -> int | None:
    """Since when the condition holds, µs; None while it doesn't."""
    row = conn.execute('SELECT start FROM condition WHERE kind = %s AND "end" IS NULL', (rule,)).fetchone()
    return None if row is None else micros(row[0])


def _begin(tx: Tx, rule: str, since: int, detail: dict[str, Any]) -> None:
    tx.conn.execute(
        "INSERT INTO condition (subject, what, kind, start, key, data, tell_at) VALUES (%s, %s, %s, %s, '', %s, %s)"
        ' ON CONFLICT (subject, what, kind, start, key) DO UPDATE SET "end" = NULL, data = excluded.data',
        (SUBJECT, WHAT, rule, moment(since), Jsonb({**detail, "since": text(since)}), moment(tx.now)),
    )
    _changed(tx, rule, since)


def _end(tx: Tx, rule: str, since: int) -> None:
    tx.conn.execute(
        'UPDATE condition SET "end" = %s WHERE kind = %s AND start = %s', (moment(tx.now), rule, moment(since))
    )
    _changed(tx, rule, since)


def _changed(tx: Tx, rule: str, since: int) -> None:
    note_due(tx.conn, {((SUBJECT, WHAT), rule, since, ""): tx.now})
    tx.changed.add(("archive", WHAT))
