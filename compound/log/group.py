"""Sharing the book's partitions among the members of a group: heartbeats, shares, and a lock on what is read.

Every member computes the same shares from the same rows, then takes the session advisory lock of each partition of
its share: a partition moves only after the one that read it has let it go. Members that died (their connection is
gone) or stopped polling (no heartbeat) are taken off the list; ending their connection frees their locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from compound.log.port import Slot
from compound.store.db import Connection

_BEAT = """
INSERT INTO book.member SELECT %s, pid, backend_start, %s, clock_timestamp()
FROM pg_stat_activity WHERE pid = pg_backend_pid()
ON CONFLICT ("group", pid, started) DO UPDATE SET seen = excluded.seen RETURNING xmax = 0
"""
_BURY = """
WITH dead AS (
    DELETE FROM book.member m WHERE m."group" = %s AND (
        m.seen < clock_timestamp() - %s * interval '1 second'
        OR NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = m.pid AND a.backend_start = m.started))
    RETURNING m.pid, m.started)
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN dead d ON d.pid = a.pid AND d.started = a.backend_start
"""
_MEMBERS = """
SELECT pid = pg_backend_pid(), topics FROM book.member WHERE "group" = %s ORDER BY started, pid
"""
_SLOTS = """
SELECT topic, generation, partition FROM book.partition WHERE topic = ANY(%s) ORDER BY topic, generation, partition
"""
_TAKE = """
SELECT n::int - 1, pg_try_advisory_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) WITH ORDINALITY AS t(name, n)
"""
_FREE = "SELECT pg_advisory_unlock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name"


class Member(NamedTuple):
    """A living member: whether it is us, and the topics it reads."""

    own: bool
    topics: Sequence[str]


def shares(members: Sequence[Member], slots: Sequence[Slot]) -> set[Slot]:
    """Our share of `slots` (sorted): round and round among the members that read the topic.

    A topic's first partition falls to a member by the topic's name, so that topics of one partition spread too.
    """
    own: set[Slot] = set()
    counts: dict[str, int] = {}
    for slot in slots:
        readers = [member for member in members if slot.topic in member.topics]
        turn = counts[slot.topic] = counts.get(slot.topic, crc32(slot.topic.encode())) + 1
        if readers and readers[turn % len(readers)].own:
            own.add(slot)
    return own


class Membership:
    """This connection's membership of a group. All its state is the connection's: when that goes, it is over."""

    def __init__(self, group: str, topics: Sequence[str], session: float) -> None:
        """`session`: seconds without a heartbeat after which a member is taken off the list."""
        self._group = group
        self._topics = list(topics)
        self._session = session

    def beat(self, conn: Connection) -> set[Slot]:
        """Tell that we live, take off who doesn't, and return our share now. The first beat joins."""
        row = conn.execute(_BEAT, (self._group, self._topics)).fetchone()
        assert row is not None
        conn.execute(_BURY, (self._group, self._session))
        members = [Member(*found) for found in conn.execute(_MEMBERS, (self._group,))]
        slots = [Slot(*found) for found in conn.execute(_SLOTS, (self._topics,))]
        if row[0]:
            self._tell(conn)
        return shares(members, slots)

    def take(self, conn: Connection, slots: Sequence[Slot]) -> list[Slot]:
        """Those of `slots` that nobody reads; now we do."""
        found = conn.execute(_TAKE, ([self._name(slot) for slot in slots],))
        return [slots[index] for index, taken in found if taken]

    def free(self, conn: Connection, slots: Sequence[Slot]) -> None:
        """Let go of `slots` and tell the others."""
        conn.execute(_FREE, ([self._name(slot) for slot in slots],))
        self._tell(conn)

    def leave(self, conn: Connection) -> None:
        """Leave the group; the locks go with the connection."""
        conn.execute("SELECT pg_advisory_unlock_all()")
        conn.execute('DELETE FROM book.member WHERE "group" = %s AND pid = pg_backend_pid()', (self._group,))
        self._tell(conn)

    def channel(self) -> str:
        """The notification channel on which members hear of joining, leaving and partitions let go.

        Groups may share one: then they look at their group once more than needed.
        """
        return f"book/{crc32(self._group.encode()):08x}"

    def _tell(self, conn: Connection) -> None:
        conn.execute("SELECT pg_notify(%s, '')", (self.channel(),))

    def _name(self, slot: Slot) -> str:
        return f"{self._group}/{slot.topic}/{slot.generation}/{slot.partition}"
