"""The access domain on a database: workers of two partitions that write the same persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compound.events import Event, Received
from compound.registry.timeline import Registry
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.timeutil import SECOND
from processors.access import create
from processors.runtime.domain import Tx
from processors.runtime.point import Segment

END = '"end"'
Facts = dict[tuple[str, str, int, str], tuple[int | None, dict[str, Any], int | None]]
"""(subject, kind, start, key) -> (end, data, tell_at)."""


class Member:
    """One worker's domain with its connection, its transactions made by hand."""

    def __init__(self, url: str, partition: int) -> None:
        self.conn: Connection = connect(url, f"access-{partition}", "access")
        self.partition = partition
        self.domain = create(Settings(database_url=url))

    def restart(self) -> None:
        """As after a crash: nothing is held in memory."""
        self.domain = create(Settings())

    def apply(self, events: Sequence[Event], known: Registry, delay_s: float = 1.0) -> None:
        """One batch, arrived `delay_s` after each event's time."""
        got = [
            Received(event, "gate", 1, self.partition, n, event.time + round(delay_s * SECOND))
            for n, event in enumerate(events)
        ]
        with self.conn.transaction():
            self.domain.apply(Tx(self.conn, "access", known, 0), got)

    def rederive(self, devices: Sequence[tuple[str, int]], known: Registry) -> None:
        """The registry changed for (device, since)."""
        with self.conn.transaction():
            self.domain.rederive(Tx(self.conn, "access", known, 0), devices)


def as_facts(segments: dict[str, list[Segment]]) -> Facts:
    """Segments of plain folds in the shape of `stored`."""
    return {
        (subject, s.kind, s.start, s.key): (s.end, s.data, s.tell_at)
        for subject, all_ in segments.items()
        for s in all_
    }


def stored(conn: Connection) -> Facts:
    """All segments of doors and persons in the database."""
    us = "(extract(epoch FROM {}) * 1000000)::bigint"
    columns = f"subject, kind, {us.format('start')}, key, {us.format(END)}, data, {us.format('tell_at')}"
    rows = conn.execute(
        f"SELECT {columns} FROM access.segment UNION ALL SELECT {columns} FROM access.person_segment"
    ).fetchall()
    conn.rollback()
    return {(r[0], r[1], r[2], r[3]): (r[4], r[5], r[6]) for r in rows}
