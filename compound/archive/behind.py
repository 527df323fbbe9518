"""How far the book is behind Kafka, judged from what the archivers saw last and from where Kafka ends now.

An archiver that is gone reports nothing. So whoever asks brings Kafka's ends, if it can: what came after the last look was
recorded since then, at the latest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from compound.log.port import Slot
from compound.timeutil import micros

QUERY: Final = """
SELECT a.topic, a.generation, a.partition, a.archived, a.log_end, a.waiting_since, coalesce(a.seen, g.made), a.retention,
       a.seen, a.alarm
FROM runtime.archive a JOIN book.generation g USING (topic, generation)
"""
"""The rows that `judge` takes."""

_MICROSECOND: Final = timedelta(microseconds=1)


class Behind(NamedTuple):
    """The state of the archive. Times in µs UTC.

    `records` are in Kafka and not in the book; the oldest of them was recorded at `oldest` (None: there is none), in
    `where`. `share` is its age in Kafka's retention: from 1 on Kafka drops what the book does not hold (None: Kafka keeps
    all). `seen` is when every partition had been looked at by an archiver (None: not yet). `alarms` say why partitions stand
    still.
    """

    records: int
    oldest: int | None
    where: Slot | None
    share: float | None
    seen: int | None
    alarms: dict[Slot, str]


def judge(rows: Iterable[tuple[Any, ...]], heads: Mapping[Slot, int], now: int) -> Behind | None:
    """From the rows of QUERY and Kafka's ends (empty where Kafka can't be asked); None where the log is not Kafka's."""
    records, waiting, shares, alarms = 0, [], [0.0], {}
    seen: list[datetime | None] = []
    kept = True
    for topic, generation, partition, archived, end, since, looked, retention, at, alarm in rows:
        slot = Slot(topic, generation, partition)
        seen.append(at)
        kept = kept and retention is None
        if alarm is not None:
            alarms[slot] = alarm
        missing = max(end or 0, heads.get(slot, 0)) - archived
        if missing > 0:
            records += missing
            oldest = micros(since or looked)
            waiting.append((oldest, slot))
            if retention is not None:
                shares.append((now - oldest) / (retention // _MICROSECOND))
    if not seen:
        return None
    times = [micros(each) for each in seen if each is not None]
    first: tuple[int | None, Slot | None] = min(waiting) if waiting else (None, None)
    return Behind(
        records, *first, None if kept else max(shares), min(times) if len(times) == len(seen) else None, alarms
    )
