"""How far the book is behind Kafka; nothing to say where the log is the database's own."""

from __future__ import annotations

import time

from api.commands import Commands
from api.database import Database, query
from api.models.status import Archive
from compound.archive.behind import QUERY, Behind, judge
from compound.events import TOPICS
from compound.log.port import LogUnavailable
from compound.timeutil import SECOND, moment

_ROWS = query(QUERY)


async def look(database: Database, commands: Commands) -> Behind | None:
    """The state of the archive now; by the archivers' last look where Kafka does not answer."""
    rows = [tuple(row) for row in await database.rows(_ROWS)]
    if not rows:
        return None
    try:
        heads = await commands.heads(TOPICS)
    except LogUnavailable:
        heads = {}
    return judge(rows, heads, time.time_ns() // 1000)


async def report(database: Database, commands: Commands) -> Archive | None:
    """The same as the status shows it."""
    found = await look(database, commands)
    if found is None:
        return None
    return Archive(
        behind=found.records,
        oldest_s=age_s(found),
        retention_share=None if found.share is None else round(found.share, 4),
        seen=None if found.seen is None else moment(found.seen),
        alarm=min(found.alarms.values(), default=None),
    )


def age_s(found: Behind) -> float:
    """Age of the oldest record that the book does not hold, seconds; 0: it holds all."""
    return 0.0 if found.oldest is None else max(round(time.time() - found.oldest / SECOND, 3), 0.0)
