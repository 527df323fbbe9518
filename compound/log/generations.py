"""Generations: the incarnations of topics, in the database (`book.generation`) for both adapters.

Moving a topic to another log, losing it, recreating it or changing its number of partitions starts the next one. The
generation before is closed then, and the next one's chains start from its last heads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from compound.errors import Mendable
from compound.log import book
from compound.store.db import Connection, Lock

Kind = Literal["postgresql", "kafka"]


class Generation(NamedTuple):
    """One incarnation of a topic. `topic_id` is Kafka's UUID of it, None in PostgreSQL."""

    topic: str
    generation: int
    log: Kind
    topic_id: str | None
    partitions: int


class Wanted(NamedTuple):
    """What a log holds of a topic: its number of partitions and, in Kafka, the topic's id."""

    partitions: int
    topic_id: str | None = None


class LogMisplaced(Mendable):
    """What the log holds contradicts the registered generations; the text says what to do. It won't pass by itself."""


def current(conn: Connection, topics: Iterable[str]) -> dict[str, Generation]:
    """The newest generation of each of `topics` that has one."""
    found = conn.execute(
        "SELECT DISTINCT ON (topic) topic, generation, log, topic_id, partitions FROM book.generation"
        " WHERE topic = ANY(%s) ORDER BY topic, generation DESC",
        (list(topics),),
    )
    return {row[0]: Generation(*row) for row in found}


def settle(conn: Connection, log: Kind, wanted: Mapping[str, Wanted]) -> dict[str, Generation]:
    """The current generations of `wanted` in `log`, begun where the newest is another incarnation; in one transaction.

    In PostgreSQL a topic keeps the number of partitions it was made with (`begin` changes it). Raises LogMisplaced.
    """
    with conn.transaction():
        found = current(conn, wanted)
        if any(not _same(found.get(topic), log, wanted[topic]) for topic in wanted):
            conn.execute("SELECT pg_advisory_xact_lock(%s, 2)", (Lock.LOG,))
            found = current(conn, wanted)
            for topic in sorted(wanted):
                if not _same(found.get(topic), log, wanted[topic]):
                    found[topic] = _begin(conn, topic, log, wanted[topic])
    return found


def begin(conn: Connection, topic: str, log: Kind, wanted: Wanted) -> Generation:
    """Start the next generation of `topic`, whatever the current one is; in one transaction."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s, 2)", (Lock.LOG,))
        return _begin(conn, topic, log, wanted)


def _same(found: Generation | None, log: Kind, wanted: Wanted) -> bool:
    if found is None or (found.log, found.topic_id) != (log, wanted.topic_id):
        return False
    if log == "kafka" and found.partitions != wanted.partitions:
        raise LogMisplaced(
            f"Topic {found.topic} has {wanted.partitions} partitions in Kafka but had {found.partitions} when it was"
            " registered; recreate it instead of altering it, so that a new generation starts."
        )
    return True


def _begin(conn: Connection, topic: str, log: Kind, wanted: Wanted) -> Generation:
    if wanted.topic_id is not None:
        old = conn.execute("SELECT generation FROM book.generation WHERE topic_id = %s", (wanted.topic_id,)).fetchone()
        if old is not None:
            raise LogMisplaced(
                f"Topic {topic} in this Kafka is generation {old[0]}, which was left since; recreate the topic there."
            )
    heads = conn.execute(
        "SELECT generation, head FROM book.partition WHERE topic = %s AND NOT closed"
        " ORDER BY topic, generation, partition FOR UPDATE",
        (topic,),
    ).fetchall()
    conn.execute("UPDATE book.partition SET closed = true WHERE topic = %s AND NOT closed", (topic,))
    start = book.root(head for _, head in heads) if heads else book.FIRST_ROOT
    made = Generation(topic, heads[0][0] + 1 if heads else 1, log, wanted.topic_id, wanted.partitions)
    conn.execute(
        "INSERT INTO book.generation (topic, generation, log, topic_id, partitions) VALUES (%s, %s, %s, %s, %s)", made
    )
    conn.execute(
        "INSERT INTO book.partition (topic, generation, partition, head)"
        " SELECT %s, %s, n, %s FROM generate_series(0, %s - 1) AS n",
        (topic, made.generation, start, made.partitions),
    )
    return made
