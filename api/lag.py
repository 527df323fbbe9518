"""How far the processors are behind: their positions against the log's heads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from api.commands import Commands
from api.database import Database, Session, load, query
from api.models.operations import Lag
from compound.events import TOPICS
from compound.log.port import LogUnavailable, Slot

DOMAINS: Final = (
    "registry", "energy", "parking", "access", "parcels", "solar", "liveness", "alerts", "quotas", "quarantine",
)  # fmt: skip
"""Schemas that may hold positions; those that have none are left out."""

_PRESENT = query("SELECT n FROM unnest(:names::text[]) AS n WHERE to_regclass(n || '.position') IS NOT NULL")
_HEADS = load("heads")
_WAITING = query(
    "SELECT w.n, e.recorded FROM unnest(:topics::text[], :generations::int[], :partitions::int[], :offsets::bigint[])"
    ' WITH ORDINALITY AS w(topic, generation, partition, "offset", n)'
    ' JOIN book.event e USING (topic, generation, partition, "offset")'
)


async def positions(session: Session) -> list[tuple[str, Slot, int]]:
    """(domain, slot, next offset) of all domains."""
    present = [row["n"] for row in await session.rows(_PRESENT, names=list(DOMAINS))]
    if not present:
        return []
    union = " UNION ALL ".join(
        f"SELECT '{name}' AS domain, topic, generation, partition, next_offset FROM {name}.position" for name in present
    )
    return [
        (row["domain"], Slot(row["topic"], row["generation"], row["partition"]), row["next_offset"])
        for row in await session.rows(query(union))
    ]


async def records(database: Database, commands: Commands) -> dict[str, int] | None:
    """How many records each topic ever got, those of left generations too; None while the log does not answer."""
    try:
        heads = dict(await commands.heads(TOPICS))
    except LogUnavailable:
        return None
    for row in await database.rows(_HEADS):
        heads[Slot(row["topic"], row["generation"], row["partition"])] = row["next_offset"]
    found = dict.fromkeys(TOPICS, 0)
    for slot, head in heads.items():
        found[slot.topic] = found.get(slot.topic, 0) + head
    return found


async def report(database: Database, commands: Commands) -> list[Lag]:
    """Every position with its lag, the farthest behind first; in a left generation only while not at its end.

    The heads are null while the log does not answer.
    """
    try:
        heads = await commands.heads(TOPICS)
    except LogUnavailable:
        heads = {}
    async with database.snapshot() as session:
        closed = {
            Slot(r["topic"], r["generation"], r["partition"]): r["next_offset"] for r in await session.rows(_HEADS)
        }
        found = [
            (domain, slot, position)
            for domain, slot, position in await positions(session)
            if slot not in closed or position < closed[slot]
        ]
        heads = closed | heads
        waiting = await _oldest(
            session, [(slot, position) for _, slot, position in found if position < heads.get(slot, 0)]
        )
    now = datetime.now(UTC)
    items = [
        _lag(domain, slot, position, heads.get(slot), waiting.get((slot, position)), now)
        for domain, slot, position in found
    ]
    return sorted(items, key=lambda item: (-(item.lag or 0), item.domain, item.topic, item.generation, item.partition))


async def _oldest(session: Session, wanted: Sequence[tuple[Slot, int]]) -> dict[tuple[Slot, int], datetime]:
    """When the records at these addresses were recorded."""
    rows = await session.rows(
        _WAITING,
        topics=[slot[0] for slot, _ in wanted],
        generations=[slot[1] for slot, _ in wanted],
        partitions=[slot[2] for slot, _ in wanted],
        offsets=[offset for _, offset in wanted],
    )
    return {wanted[row["n"] - 1]: row["recorded"] for row in rows}


def _lag(domain: str, slot: Slot, position: int, head: int | None, oldest: datetime | None, now: datetime) -> Lag:
    lag = None if head is None else max(head - position, 0)
    behind = 0.0 if lag == 0 else None if oldest is None else max(round((now - oldest).total_seconds(), 3), 0.0)
    topic, generation, partition = slot
    return Lag(
        domain=domain,
        topic=topic,
        generation=generation,
        partition=partition,
        next_offset=position,
        head=head,
        lag=lag,
        behind_s=behind,
    )
