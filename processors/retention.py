"""Retention: the key of a category and month is destroyed when the registry says that its time is over (PIPL, art. 19).

Nothing else is ever dropped: events, points and counts stay, they only no longer lead to a person. What is destroyed is
history: the decision is committed first, so a crash in between repeats it, with the same event.
"""

from __future__ import annotations

import threading
import time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import structlog

from compound.events import HISTORY, Event, history_id
from compound.keys import CATEGORIES, Keys, Months
from compound.registry.timeline import Registry, load
from compound.settings import Settings
from compound.store.db import AWAY, Connection, Lock, connect
from compound.timeutil import DAY, text
from processors.runtime.domain import Tx

EXPIRED: Final = "key.expired.v1"
PAUSE_S: Final = 3600.0
AGAIN_S: Final = 10.0
"""Pause after the database was away."""

_out = structlog.get_logger("retention")


class Expired(NamedTuple):
    """A key whose time is over: `days` after the end of `month`, as the registry has it."""

    category: str
    month: str
    days: int
    since: int
    """When its time was over, microseconds UTC."""


def expired(keys: Keys, months: Months, registry: Registry, now: int) -> list[Expired]:
    """The keys in the folder whose time is over at `now` (microseconds UTC), by the rules that hold then."""
    days = {category: rule.days for category in CATEGORIES if (rule := registry.at("retention", category, now))}
    ends = [
        Expired(category, month, days[category], months.end(month) + days[category] * DAY)
        for category, month in keys.kept()
        if category in days
    ]
    return [found for found in ends if found.since <= now]


class Retention:
    """A job beside the workers. Several may run; one at a time holds the lock."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._keys = Keys(settings.keys)
        self._months = Months(ZoneInfo(settings.site_timezone), settings.reset_hour)

    def run(self, stop: threading.Event) -> None:
        """Look every hour until `stop`; a lost database is waited for."""
        pause = 0.0
        while not stop.wait(pause):
            pause = PAUSE_S
            try:
                with connect(self._url, "processors/retention") as conn:
                    self.turn(conn, time.time_ns() // 1000)
            except AWAY as error:
                _out.warning("retention waits", error=str(error).splitlines()[0])
                pause = AGAIN_S
            except OSError as error:
                _out.error("a key can't be destroyed", error=str(error))

    def turn(self, conn: Connection, now: int) -> list[Expired]:
        """Destroy what is over at `now` (microseconds UTC). Raises OSError where the folder can't be changed."""
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s, 0)", (int(Lock.RETENTION),))
            registry = load(conn)
            over = expired(self._keys, self._months, registry, now)
            tx = Tx(conn, "retention", registry, now)
            for found in over:
                tx.tell(HISTORY, _event(found, now), found.category)
        for found in over:
            self._keys.destroy(found.category, found.month)
            _out.info("key destroyed", category=found.category, month=found.month, days=found.days)
        return over


def _event(found: Expired, now: int) -> Event:
    body = {"category": found.category, "month": found.month, "days": found.days, "since": text(found.since)}
    subject = f"{found.category}-{found.month}"
    return Event(
        id=history_id(EXPIRED, subject, found.since),
        source="compound/processors/retention",
        type=EXPIRED,
        time=now,
        subject=subject,
        data=msgspec.json.encode(body),
    )
