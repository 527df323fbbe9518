"""Sends what waits, one channel a sender, each alert's events in their order, at least once.

Waiting deliveries are rows, so they outlive every kill. One is locked, sent, and marked in one transaction, with the
history that says so; killed in between, it is sent again under the same key.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
import structlog

from compound.events import HISTORY, Event, history_id, to_record
from compound.log.book import encode_headers
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.timeutil import micros
from processors.alerts.alert import DELIVERED, Delivered
from processors.alerts.channel import Channel, Message, Refused

IDLE_S: Final = 0.5
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 600.0

_NEXT: Final = """
SELECT d.event, d.alert, d.attempts, e.type, e.source, e.time, e.data
FROM delivery d JOIN event e ON e.alert = d.alert AND e.id = d.event
WHERE d.channel = %(channel)s AND d.state = 'waiting' AND d.next_at <= %(now)s
  AND NOT EXISTS (SELECT FROM delivery b WHERE b.alert = d.alert AND b.channel = d.channel AND b.state = 'waiting'
                  AND b.number < d.number)
ORDER BY d.number LIMIT 1 FOR UPDATE OF d SKIP LOCKED
"""


class Waiting(NamedTuple):
    """A delivery that is due, with the event it is of."""

    event: str
    alert: str
    attempts: int
    type: str
    source: str
    time: datetime
    data: dict[str, Any]


class Sender:
    """Sends by one channel. Several may run: each takes what no other has locked."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Channel],
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._name = name
        self._make = make
        self._settings = settings
        self._clock = clock
        self._out = structlog.get_logger(domain="alerts", channel=name)

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`; a lost database is waited for."""
        channel = self._make()
        try:
            while not stop.is_set():
                try:
                    with connect(self._settings.database_url, f"processors/alerts/{self._name}", "alerts") as conn:
                        while not stop.is_set():
                            if not self.turn(conn, channel):
                                stop.wait(IDLE_S)
                except psycopg.OperationalError as error:
                    self._out.warning("waiting for the database", error=str(error).splitlines()[0])
                    stop.wait(FIRST_WAIT_S)
        finally:
            channel.close()

    def turn(self, conn: Connection, channel: Channel) -> bool:
        """Send what is next, if anything is due; whether there was."""
        with conn.transaction():
            now = self._clock()
            row = conn.execute(_NEXT, {"channel": self._name, "now": now}).fetchone()
            if row is None:
                return False
            waiting = Waiting(*row)
            try:
                channel.send(_message(waiting))
            except Refused as refused:
                self._refused(conn, waiting, now, str(refused))
            else:
                self._settled(conn, waiting, now, None)
        return True

    def _refused(self, conn: Connection, waiting: Waiting, now: datetime, why: str) -> None:
        """Try again later, ever more rarely; after the last attempt it is dead, which shows."""
        attempts = waiting.attempts + 1
        self._out.warning("not delivered", alert=waiting.alert, attempts=attempts, error=why)
        if attempts >= self._settings.alert_attempts:
            self._settled(conn, waiting, now, why)
            return
        wait = min(FIRST_WAIT_S * 2 ** (attempts - 1), LONGEST_WAIT_S) * random.uniform(0.75, 1.25)
        conn.execute(
            "UPDATE delivery SET attempts = %s, next_at = %s, error = %s WHERE event = %s AND channel = %s",
            (attempts, now + timedelta(seconds=wait), why, waiting.event, self._name),
        )

    def _settled(self, conn: Connection, waiting: Waiting, now: datetime, error: str | None) -> None:
        """It ended, well or not: mark it, and say it in history."""
        outcome = "delivered" if error is None else "dead"
        attempts = waiting.attempts + 1
        conn.execute(
            "UPDATE delivery SET state = %s, attempts = %s, error = %s, delivered = %s WHERE event = %s AND channel = %s",
            (outcome, attempts, error, now if error is None else None, waiting.event, self._name),
        )
        said = {"alert": waiting.alert, "event": waiting.event, "channel": self._name, "outcome": outcome}
        data = msgspec.json.encode(msgspec.convert({**said, "attempts": attempts, "error": error}, Delivered))
        event = Event(
            id=history_id(DELIVERED, waiting.event, self._name),
            source="compound/processors/alerts",
            type=DELIVERED,
            time=micros(now),
            subject=str(waiting.data.get("subject", waiting.alert)),
            data=data,
        )
        record = to_record(HISTORY, event, waiting.alert)
        conn.execute(
            "INSERT INTO runtime.outbox (topic, key, headers, value) VALUES (%s, %s, %s, %s)",
            (record.topic, record.key, encode_headers(record.headers), record.value),
        )


def _message(waiting: Waiting) -> Message:
    """The event as a CloudEvent in JSON (structured content mode)."""
    event = {
        "specversion": "1.0",
        "id": waiting.event,
        "source": waiting.source,
        "type": waiting.type,
        "time": waiting.time,
        "subject": waiting.data.get("subject"),
        "datacontenttype": "application/json",
        "data": waiting.data,
    }
    site, category = waiting.data.get("site"), waiting.data.get("category")
    return Message(waiting.event, waiting.alert, site or "", category or "", msgspec.json.encode(event))
