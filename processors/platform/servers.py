"""The house's own parts: processors that don't catch up, a broker that fills, a clock that was set."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from compound.settings import Settings
from compound.timeutil import MINUTE, SECOND, micros
from processors.platform.conditions import Of, Sign, settle, standing
from processors.runtime.domain import Tx

LATE: Final = "processors-late"
QUEUE: Final = "broker-queue"
CLOCK: Final = "server-clock"

NEAR: Final = 0.5
"""Share of the broker's limit from which on it is told; over below half of that."""
HELD: Final = 10 * MINUTE
"""So long it is told that a clock was set."""

_BROKER: Final = "SELECT waiting, most, seen FROM liveness.broker ORDER BY seen DESC LIMIT 1"


class Processors:
    """Whether each domain comes to the log's end; `look` once a minute."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.processors_late_s
        self._before: dict[str, int] = {}

    def look(self, tx: Tx) -> None:
        """Late when the oldest unread record is too old, and no fewer wait than at the look before."""
        signs: dict[Of, Sign] = {}
        waiting: dict[str, int] = {}
        for domain, records, seconds in tx.conn.execute(
            "SELECT domain, sum(records)::bigint, max(seconds) FROM runtime.lag() GROUP BY domain"
        ):
            waiting[domain] = records
            if seconds is not None and seconds >= self._limit / 2:
                enough = seconds >= self._limit and records >= self._before.get(domain, records + 1)
                since = tx.now - int(seconds * SECOND)
                signs["processors", domain] = Sign(since, {"records": records, "seconds": round(seconds)}, enough)
        self._before = waiting
        settle(tx, LATE, signs, "platform")

    def forget(self) -> None:
        """Begin anew."""
        self._before = {}


def broker(tx: Tx) -> None:
    """How full the broker is, by the newest word of an ingest."""
    signs: dict[Of, Sign] = {}
    for waiting, most, seen in tx.conn.execute(_BROKER):
        if most and waiting >= NEAR / 2 * most:
            detail = {"messages": waiting, "most": most, "share": round(waiting / most, 3)}
            signs["broker", "queue"] = Sign(micros(seen), detail, waiting >= NEAR * most)
    settle(tx, QUEUE, signs, "platform")


class Clocks:
    """Whether this machine's clock or the database's was set: compared with one that nobody can set."""

    def __init__(self, settings: Settings, steady: Callable[[], int], database: Callable[[Tx], int]) -> None:
        """`steady`: µs that only grow, at the pace of time; `database`: its clock, µs UTC."""
        self._limit = settings.clock_jump_s * SECOND
        self._steady = steady
        self._database = database
        self._offsets: dict[str, int] = {}

    def look(self, tx: Tx) -> None:
        """Compare with the look before. Who did not see the clock being set lets the condition stand for its time."""
        steady = self._steady()
        signs = {of: Sign(at, {}) for of, at in standing(tx, CLOCK).items() if abs(tx.now - at) < HELD}
        for server, now in ((socket.gethostname(), tx.now), ("database", self._database(tx))):
            jump = now - steady - self._offsets.get(server, now - steady)
            self._offsets[server] = now - steady
            if abs(jump) >= self._limit:
                signs[server, "clock"] = Sign(tx.now, {"seconds": round(jump / SECOND)})
        settle(tx, CLOCK, signs, "platform")


def database_clock(tx: Tx) -> int:
    """The time at the database, µs UTC."""
    row = tx.conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return micros(row[0])
