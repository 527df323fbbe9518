"""Reading the book as a member of a group."""

from __future__ import annotations

import select
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import psycopg
from psycopg import sql

from compound.log import pages
from compound.log.group import Membership
from compound.log.link import Link
from compound.log.port import LogUnavailable, OffsetLost, Positions, Slot, Stored
from compound.store import db

_BEAT_S: Final = 1.0
"""Seconds between two heartbeats; at each the group is looked at, too."""

_WAITING_S: Final = 0.2
"""The same while a partition of our share is still read by another, should its message that it let go be lost."""


class PostgresReader:
    """`compound.log.port.Reader` on the book: all generations of the topics, the finished ones too. For one thread."""

    def __init__(
        self, url: str, group: str, topics: Sequence[str], positions: Positions, *, patience: float, session: float
    ) -> None:
        self._membership = Membership(group, topics, session)
        self._topics = tuple(topics)
        self._ask = positions
        self._link = Link(url, f"compound reader {group}", patience, self._prepare, autocommit=True)
        self._next: dict[Slot, int] = {}
        self._ends: dict[Slot, int] = {}
        self._beat_at = 0.0
        self._news = False
        self._pid = 0

    def poll(self, max_records: int, timeout: float) -> list[Stored]:
        deadline = monotonic() + timeout
        try:
            with self._link.use() as conn:
                while True:
                    if monotonic() >= self._beat_at:
                        self._beat(conn)
                    self._news = False
                    self._look(conn)
                    if wanted := pages.share(self._next, self._ends, max_records):
                        read = pages.read(conn, wanted)
                        self._next |= {slot: until for slot, (_, until) in wanted.items()}
                        return read
                    if (left := deadline - monotonic()) <= 0:
                        return []
                    self._wait(conn, left)
        except LogUnavailable:
            self._forget()
            raise

    def assigned(self) -> frozenset[Slot]:
        return frozenset(self._next)

    def at_end(self, slot: Slot) -> bool:
        return slot in self._ends and self._next[slot] >= self._ends[slot]

    def seek(self, slot: Slot, offset: int) -> None:
        """See `Reader.seek`. No effect on a partition that isn't ours: its position is asked for when it comes."""
        if slot in self._next:
            self._next[slot] = offset

    def lag(self) -> dict[Slot, int]:
        return {slot: max(self._ends.get(slot, 0) - at, 0) for slot, at in self._next.items()}

    def close(self) -> None:
        if self._link.opened:
            with suppress(LogUnavailable), self._link.use() as conn:
                self._membership.leave(conn)
            self._link.close()
        self._forget()

    def _prepare(self, conn: db.Connection) -> None:
        """A new connection: nothing is assigned; appends and the group's changes are heard."""
        self._forget()
        conn.execute("SET synchronous_commit = off")  # only heartbeats are written
        pages.prepare(conn)
        self._pid = conn.info.backend_pid
        conn.add_notify_handler(self._hear)
        for name in (self._membership.channel(), *(f"book:{topic}"[:63] for topic in self._topics)):
            conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(name)))

    def _forget(self) -> None:
        self._next.clear()
        self._ends.clear()
        self._beat_at = 0.0

    def _hear(self, notify: psycopg.Notify) -> None:
        self._news = True
        if notify.channel == self._membership.channel() and notify.pid != self._pid:
            self._beat_at = 0.0

    def _beat(self, conn: db.Connection) -> None:
        """Take part in the group: give up what is not our share any more, take what is and is free."""
        self._beat_at = monotonic() + _BEAT_S
        share = self._membership.beat(conn)
        if gone := sorted(self._next.keys() - share):
            for slot in gone:
                del self._next[slot]
                self._ends.pop(slot, None)
            self._membership.free(conn, gone)
        if new := sorted(share - self._next.keys()):
            taken = self._membership.take(conn, new)
            if len(taken) < len(new):
                self._beat_at = min(self._beat_at, monotonic() + _WAITING_S)
            if taken:
                try:
                    found = self._ask(taken)
                except BaseException:
                    self._membership.free(conn, taken)
                    raise
                self._next |= {slot: found.get(slot, 0) for slot in taken}

    def _look(self, conn: db.Connection) -> None:
        """Learn where our partitions end; the rows before are all there."""
        self._ends = pages.ends(conn, self._next)
        for slot, at in self._next.items():
            if at > (end := self._ends.setdefault(slot, 0)):
                raise OffsetLost(f"{slot} ends at {end}, before the wanted {at}")

    def _wait(self, conn: db.Connection, left: float) -> None:
        """Sleep until something is heard, the next heartbeat is due, or `left` seconds are over."""
        left = min(left, self._beat_at - monotonic())
        if not self._news and left > 0:
            waiting = select.poll()
            waiting.register(conn.fileno(), select.POLLIN)
            waiting.poll(left * 1000)
