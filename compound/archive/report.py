"""What the archiver tells of itself: how far the book is behind Kafka, and how near that is to Kafka's retention."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from compound.archive.metrics import Metrics
from compound.archive.retention import Retention
from compound.log.kafka_admin import KafkaAdmin
from compound.log.port import Slot
from compound.store import db
from compound.timeutil import SECOND, moment

REPORT_S: Final = 5.0
"""Seconds between two reports."""

_SEEN = """
INSERT INTO book.archive (topic, generation, partition, log_start, log_end, oldest, retention, seen)
SELECT * FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::interval[],
    %s::timestamptz[])
ON CONFLICT (topic, generation, partition) DO UPDATE SET log_start = excluded.log_start, log_end = excluded.log_end,
    oldest = excluded.oldest, retention = excluded.retention, seen = excluded.seen
"""
_ALARM = """
UPDATE book.archive a SET alarm = %s FROM unnest(%s::text[], %s::int[], %s::int[]) AS t(topic, generation, partition)
WHERE (a.topic, a.generation, a.partition) = (t.topic, t.generation, t.partition) AND alarm IS DISTINCT FROM %s
"""


class Report:
    """Writes `book.archive` now and then, and sets the gauges."""

    def __init__(self, admin: KafkaAdmin, retention: Retention, metrics: Metrics) -> None:
        self._admin = admin
        self._retention = retention
        self._metrics = metrics
        self._due = 0.0
        self._oldest: dict[Slot, tuple[int, int]] = {}
        self._good: set[Slot] = set()

    def copied(self, slots: Mapping[Slot, object]) -> None:
        """The book was continued there: what was wrong with these partitions is over."""
        self._good.update(slots)

    def write(self, conn: db.Connection, positions: Mapping[Slot, int], first: Mapping[Slot, int]) -> None:
        """Report when it is time to. `positions`: where the book ends, by our partitions; `first`: when the record that
        comes next was recorded (µs), where it was read just now. Raises LogUnavailable.
        """
        if time.monotonic() >= self._due:
            self._retention.settle(conn)
            self._see(conn, positions, first)
            if self._good:
                conn.execute(_ALARM, (None, *db.arrays(sorted(self._good)), None))
                self._good.clear()
            conn.commit()
            self._due = time.monotonic() + REPORT_S

    def alarm(self, conn: db.Connection, positions: Mapping[Slot, int], why: str) -> None:
        """These partitions can't go on."""
        self._see(conn, positions, {})
        conn.execute(_ALARM, (why, *db.arrays(sorted(positions)), why))
        conn.commit()

    def _see(self, conn: db.Connection, positions: Mapping[Slot, int], first: Mapping[Slot, int]) -> None:
        bounds = self._admin.bounds([(slot.topic, slot.partition) for slot in positions])
        now = time.time_ns() // 1000
        rows: list[tuple[object, ...]] = []
        waiting: list[int] = []
        behind = 0
        share = 0.0
        for slot, position in sorted(positions.items()):
            start, end = bounds[slot.topic, slot.partition]
            oldest = self._waiting(slot, position, end, first, now)
            retention = self._retention.of(slot.topic)
            behind += max(end - position, 0)
            if oldest is not None:
                waiting.append(oldest)
                if retention is not None:
                    share = max(share, (now - oldest) / retention)
            kept = None if retention is None else timedelta(microseconds=retention)
            rows.append((*slot, start, end, None if oldest is None else moment(oldest), kept, moment(now)))
        if rows:
            conn.execute(_SEEN, _arrays(rows))
        self._metrics.behind.set(behind)
        self._metrics.oldest.set((now - min(waiting)) / SECOND if waiting else 0)
        self._metrics.share.set(share)

    def _waiting(self, slot: Slot, position: int, end: int, first: Mapping[Slot, int], now: int) -> int | None:
        """When the record at `position` was recorded, µs; None: there is none. Until it is read it counts as recorded when
        it was first seen to be there.
        """
        if position >= end:
            self._oldest.pop(slot, None)
            return None
        before = self._oldest.get(slot)
        at = before[1] if before is not None and before[0] == position else now
        self._oldest[slot] = position, first.get(slot, at)
        return self._oldest[slot][1]


def _arrays(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
