"""A device's events out of the book: its partition's records, read in bounded pieces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final, NamedTuple

import msgspec

from api.database import Row, Session, load, query
from api.models.devices import DeviceEvent
from api.models.meters import Address
from api.times import Range
from compound.events import from_stored
from compound.log.book import decode_headers
from compound.log.partition import partition_of
from compound.log.port import Stored
from compound.timeutil import micros, moment

SCANNED: Final = 20_000
"""Records of a partition that one page looks through; a page may hold fewer items than asked, and still have a next."""

_GENERATIONS = query("SELECT generation, partitions FROM book.generation WHERE topic = :topic ORDER BY generation")
_OFFSETS = query(
    "SELECT book.offset_at(:topic, :generation, :partition, :since) AS low,"
    " book.offset_at(:topic, :generation, :partition, :until) AS high"
)
_EVENTS = load("device_events")

Position = tuple[int, int]
"""(generation, offset) from which a page begins."""


class Found(NamedTuple):
    """A page of events and where the next begins (None: it was the last)."""

    items: list[DeviceEvent]
    next: Position | None


async def events(session: Session, topic: str, device: str, when: Range, start: Position, limit: int) -> Found:
    """Events of `device` recorded in the range, from `start` on. With Kafka: as far as the archiver is."""
    generations = await session.rows(_GENERATIONS, topic=topic)
    left = SCANNED
    for row in generations:
        generation, partition = row["generation"], partition_of(device.encode(), row["partitions"])
        if generation < start[0]:
            continue
        where = {"topic": topic, "generation": generation, "partition": partition}
        offsets = await session.row(_OFFSETS, **where, since=when.since, until=when.until)
        assert offsets is not None
        low, high = offsets["low"], offsets["high"]
        if generation == start[0]:
            low = max(low, start[1])
        top = min(high, low + left)
        rows = await session.rows(_EVENTS, **where, low=low, high=top, key=device.encode(), limit=limit)
        if rows or top < high:
            following = _following(generation, rows, limit, top, high, generations)
            return Found([_event(each, topic, generation, partition) for each in rows[:limit]], following)
        left -= max(top - low, 0)
    return Found([], None)


def _following(
    generation: int, rows: Sequence[Row], limit: int, top: int, high: int, generations: Sequence[Row]
) -> Position | None:
    """Where the page after this one begins."""
    if len(rows) > limit:
        return generation, rows[limit]["offset"]
    if top < high:
        return generation, top
    return (generation + 1, 0) if generation < generations[-1]["generation"] else None


def _event(row: Row, topic: str, generation: int, partition: int) -> DeviceEvent:
    headers = decode_headers(row["headers"])
    recorded = micros(row["recorded"].astimezone(UTC))
    stored = Stored(topic, generation, partition, row["offset"], recorded, row["key"], headers, row["value"])
    event = from_stored(stored).event
    return DeviceEvent(
        id=event.id,
        type=event.type,
        source=event.source,
        time=moment(event.time),
        recorded=row["recorded"],
        address=Address(topic=topic, generation=generation, partition=partition, offset=row["offset"]),
        data=msgspec.json.decode(event.data),
    )
