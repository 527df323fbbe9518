"""Whether the archiver keeps the book up with Kafka. Without Kafka there is nothing to look at: the log is the book."""

from __future__ import annotations

from typing import Any, Final

from compound.archive import behind
from compound.archive.behind import Behind
from compound.events import TOPICS
from compound.log.port import LogUnavailable, Slot
from compound.settings import Settings
from compound.timeutil import DAY, SECOND
from processors.platform.conditions import Sign, settle
from processors.runtime.domain import Tx

LATE: Final = "archiver-late"
STOPPED: Final = "archiver-stopped"
_BOOK: Final = ("archiver", "book")


class Archive:
    """The conditions of the archiver, which can't tell of its own death."""

    def __init__(self, settings: Settings) -> None:
        half = settings.kafka_retention_days * DAY // 2
        self._limit = min(int(settings.archiver_late_s * SECOND), half)

    def look(self, tx: Tx) -> None:
        """Compare the book with Kafka's ends."""
        found = _look(tx)
        settle(tx, LATE, self._late(tx, found), "archive")
        alarms = {} if found is None else found.alarms
        slot = min(alarms, default=None)
        stopped = {} if slot is None else {_BOOK: Sign(tx.now, {"why": alarms[slot], **_where(slot)})}
        settle(tx, STOPPED, stopped, "archive")

    def _late(self, tx: Tx, found: Behind | None) -> dict[tuple[str, str], Sign]:
        """Late from the limit on, in time again below half of it."""
        if found is None or found.oldest is None or tx.now - found.oldest < self._limit / 2:
            return {}
        age = tx.now - found.oldest
        detail = {"records": found.records, "seconds": age // SECOND, "share": found.share, **_where(found.where)}
        return {_BOOK: Sign(found.oldest, detail, age >= self._limit)}


def _look(tx: Tx) -> Behind | None:
    rows = tx.conn.execute(behind.QUERY).fetchall()
    if not rows:
        return None
    try:
        heads = tx.heads(TOPICS)
    except LogUnavailable:  # then the archivers' last look is what there is
        heads = {}
    return behind.judge(rows, heads, tx.now)


def _where(slot: Slot | None) -> dict[str, Any]:
    return {} if slot is None else slot._asdict()
