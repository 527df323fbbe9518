"""Kafka's retention: set by the archiver, since without one nothing may be dropped.

Topics are made to be kept for ever. A retention is set on a topic only when the book holds all of it that Kafka would drop
by it now: an archiver that starts on a month of old records copies them first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import structlog

from compound.log.kafka_admin import FOR_EVER, KafkaAdmin
from compound.store import db
from compound.timeutil import DAY

_ENDS: Final = "SELECT topic, partition, next_offset FROM book.partition WHERE topic = ANY(%s) AND NOT closed"


class Retention:
    """Brings the retention of the topics to `days`, each as soon as that is safe."""

    def __init__(self, admin: KafkaAdmin, topics: Sequence[str], days: int) -> None:
        self._admin = admin
        self._wanted = days * DAY
        self._pending = set(topics)
        self._held: dict[str, int] = {}

    def of(self, topic: str) -> int | None:
        """For how long Kafka keeps the topic's records now, µs; None: for ever."""
        held = self._held.get(topic, FOR_EVER)
        return None if held == FOR_EVER else held

    def settle(self, conn: db.Connection) -> None:
        """Set what can be set by now. Raises LogUnavailable."""
        if not self._pending:
            return
        for topic, kept in self._admin.retention(self._pending).items():
            self._held[topic] = kept if kept == FOR_EVER else kept * 1000
        self._pending -= {topic for topic, kept in self._held.items() if kept == self._wanted}
        ready = self._safe(conn)
        if ready:
            self._admin.retain(ready, self._wanted // 1000)
            self._held |= dict.fromkeys(ready, self._wanted)
            self._pending -= ready
            structlog.get_logger(role="archiver").info(
                "Kafka's retention set", topics=sorted(ready), days=self._wanted // DAY
            )

    def _safe(self, conn: db.Connection) -> set[str]:
        """Topics of which the book holds whatever is older than the retention."""
        rows = conn.execute(_ENDS, (list(self._pending),)).fetchall()
        conn.commit()
        archived = {(topic, partition): end for topic, partition, end in rows}
        kept = self._admin.since(archived, time.time_ns() // 1000 - self._wanted)
        late = {topic for (topic, partition), offset in kept.items() if archived[topic, partition] < offset}
        return {topic for topic, _ in archived} - late
