"""Feeding a house by hand for questions about the past: to all domains, with what was told put back into the log, and the book."""

from __future__ import annotations

from collections.abc import Sequence

from compound.events import HISTORY, Event
from compound.log.book import decode_headers, encode_headers
from compound.log.port import Stored
from compound.store.db import Connection
from compound.timeutil import moment
from tests.properties.events import Given
from tests.properties.house import PARTITIONS, House


def feed(house: House, given: Sequence[Given], recorded: int) -> list[Stored]:
    """Events recorded from `recorded` (µs) on, to all domains that read them."""
    stored = house.store(given, recorded)
    deliver(house, stored)
    return stored


def deliver(house: House, stored: Sequence[Stored]) -> None:
    """To all domains that read it."""
    for name in house.domains:
        topics = house._members[name][0].worker.domain.topics
        house.deliver([each for each in stored if each.topic in topics], name)


def relay(house: House, conn: Connection, recorded: int) -> None:
    """What was told goes into the log."""
    rows = conn.execute("DELETE FROM runtime.outbox RETURNING id, headers, value").fetchall()
    given = []
    for _, headers, value in sorted(rows):
        found = {name: text.decode() for name, text in decode_headers(bytes(headers))}
        event = Event(found["ce_id"], "x", found["ce_type"], recorded, found["ce_subject"], bytes(value))
        given.append((HISTORY, event))
    feed(house, given, recorded)


def keep(conn: Connection, stored: Sequence[Stored]) -> None:
    """Into the book, where whoever counts messages again finds them; without its chain, which nobody verifies here."""
    for topic in {each.topic for each in stored}:
        partitions = PARTITIONS if topic not in (HISTORY, "registry", "commands") else 1
        conn.execute(
            "INSERT INTO book.generation (topic, generation, log, partitions) VALUES (%s, 1, 'postgresql', %s)"
            " ON CONFLICT DO NOTHING",
            (topic, partitions),
        )
        conn.execute(
            "INSERT INTO book.partition (topic, generation, partition, head)"
            " SELECT %s, 1, n, decode(repeat('00', 32), 'hex') FROM generate_series(0, %s) AS n ON CONFLICT DO NOTHING",
            (topic, partitions - 1),
        )
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO book.event VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '')",
            [
                (
                    s.topic,
                    s.generation,
                    s.partition,
                    s.offset,
                    moment(s.recorded),
                    s.key,
                    encode_headers(s.headers),
                    s.value,
                )
                for s in stored
            ],
        )
        cursor.executemany(
            "UPDATE book.partition SET next_offset = greatest(next_offset, %s) WHERE (topic, generation, partition) = (%s, %s, %s)",
            [(s.offset + 1, s.topic, s.generation, s.partition) for s in stored],
        )
