"""Devices that harm the house or themselves: one that floods, one that can't be read, one whose clock is wrong.

Rates need two looks, so what was seen at the look before is held in memory; a new evaluator begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from compound.settings import Settings
from compound.timeutil import HOUR, MINUTE, SECOND, micros, moment
from processors.platform.conditions import Of, Sign, settle
from processors.runtime.domain import Tx

FLOOD: Final = "flood"
UNREADABLE: Final = "unreadable"
AHEAD: Final = "clock-ahead"
BEHIND: Final = "clock-behind"

LEAST: Final = 60
"""A device that sends fewer messages a minute never floods."""
EVENTS_S: Final = 10
"""A device that sends when something happens counts as one that sends every so many seconds."""
STEADY: Final = 5 * SECOND
"""A clock whose lateness shrinks by more catches up: it delivers what it had kept, and is right."""
LASTING: Final = 10 * MINUTE
"""So long a clock has to be behind: a buffer that is being delivered passes."""
FUTURE: Final = "time in the future"
"""Ingest's reason for what comes from a clock that is ahead."""

_SEEN: Final = (
    "SELECT device, fresh, last_seen, newest FROM liveness.device WHERE last_seen IS NOT NULL AND newest IS NOT NULL"
)
# Copies of a message count once unless all of them came within the hour: when each came is not kept.
_REFUSED: Final = """
SELECT split_part(topic, '/', -2), reason = %s, min(recorded), min(reason),
       sum(CASE WHEN first_recorded > %s THEN copies ELSE 1 END)::bigint
FROM quarantine.message WHERE recorded > %s AND topic IS NOT NULL GROUP BY 1, 2
"""


class _Seen(NamedTuple):
    """A device at a look (µs): messages of now so far, its last arrival, its newest own time; since which arrival its
    lateness has not shrunk, and whether it sent too much since the look before.
    """

    fresh: int
    last: int
    newest: int
    late_since: int
    flooding: bool = False


class Devices:
    """The conditions of devices; `look` once a minute."""

    def __init__(self, settings: Settings) -> None:
        self._times = settings.flood_times
        self._refused = settings.unreadable_per_hour
        self._behind = int(settings.clock_behind_s * SECOND)
        self._before: dict[str, _Seen] = {}
        self._looked = 0

    def look(self, tx: Tx) -> None:
        """Compare with the look before."""
        elapsed = tx.now - self._looked
        before = self._before if elapsed > 0 else {}
        now: dict[str, _Seen] = {}
        flood: dict[Of, Sign] = {}
        behind: dict[Of, Sign] = {}
        for device, fresh, last_seen, newest_time in tx.conn.execute(_SEEN):
            seen = _Seen(fresh, micros(last_seen), micros(newest_time), micros(last_seen))
            if (was := before.get(device)) is not None:
                seen = self._clock(device, seen, was, behind)
                seen = self._flood(tx, device, seen, was, elapsed, flood)
            now[device] = seen
        self._before, self._looked = now, tx.now
        if before:  # who has nothing to compare with ends nothing
            settle(tx, FLOOD, flood, "device")
            settle(tx, BEHIND, behind, "device")
        self._unreadable(tx)

    def forget(self) -> None:
        """Begin anew."""
        self._before = {}

    def _flood(self, tx: Tx, device: str, seen: _Seen, was: _Seen, elapsed: int, signs: dict[Of, Sign]) -> _Seen:
        """By arrival: what was read late in one go arrived over a longer time."""
        rate = (seen.fresh - was.fresh) * MINUTE / max(elapsed, seen.last - was.last)
        limit = max(self._times * 60 / _interval_s(tx, device), LEAST)
        if rate >= limit / 2:
            enough = rate >= limit and was.flooding
            signs[device, "messages"] = Sign(was.last, {"per_minute": round(rate), "limit": round(limit)}, enough)
        return seen._replace(flooding=rate >= limit)

    def _clock(self, device: str, seen: _Seen, was: _Seen, signs: dict[Of, Sign]) -> _Seen:
        late, late_before = seen.last - seen.newest, was.last - was.newest
        if late < self._behind / 2:
            return seen
        if late >= late_before - STEADY:
            seen = seen._replace(late_since=was.late_since)
        enough = late >= self._behind and seen.last - seen.late_since >= LASTING
        signs[device, "clock"] = Sign(seen.late_since, {"seconds": late // SECOND}, enough)
        return seen

    def _unreadable(self, tx: Tx) -> None:
        since = moment(tx.now - HOUR)
        signs: Mapping[str, dict[Of, Sign]] = {UNREADABLE: {}, AHEAD: {}}
        for device, ahead, first, reason, count in tx.conn.execute(_REFUSED, (FUTURE, since, since)):
            if 2 * count >= self._refused:
                detail = {"messages": count, "reason": reason}
                sign = Sign(micros(first), detail, count >= self._refused)
                signs[AHEAD if ahead else UNREADABLE][device, "messages"] = sign
        for rule, found in signs.items():
            settle(tx, rule, found, "device")


def _interval_s(tx: Tx, device: str) -> int:
    placement = tx.registry.placement(device, tx.now)
    return int(getattr(placement.device, "interval_s", EVENTS_S)) or 1 if placement else EVENTS_S
