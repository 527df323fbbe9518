"""The evaluator of the platform itself: one holder of its lock looks at what no single part can say of itself, and tells.

It tells by history, so by the database and the log. Of these two it can't tell: health, metrics and Grafana do
(docs/operations.md, What to watch).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from compound.events import Received
from compound.settings import Settings
from compound.store.db import Lock
from compound.timeutil import MINUTE
from processors.platform import archive, devices, servers
from processors.runtime.domain import Tx
from processors.runtime.telling import Rule, Teller, segments_of

RULES: Final = {
    archive.LATE: Rule("maintenance", "high"),
    archive.STOPPED: Rule("maintenance", "high"),
    servers.LATE: Rule("maintenance", "high"),
    servers.QUEUE: Rule("maintenance", "high"),
    servers.CLOCK: Rule("maintenance", "medium"),
    devices.FLOOD: Rule("maintenance", "medium"),
    devices.UNREADABLE: Rule("maintenance", "medium"),
    devices.AHEAD: Rule("maintenance", "medium"),
    devices.BEHIND: Rule("maintenance", "low"),
}
APART: Final = MINUTE
"""Between two looks at what takes longer to look at, and at rates."""


def _steady() -> int:
    return time.monotonic_ns() // 1000


class Platform:
    """Keeps the platform's conditions; safe to run in several processes, one at a time does the work."""

    name = "platform"
    topics: tuple[str, ...] = ()

    def __init__(
        self,
        settings: Settings,
        steady: Callable[[], int] = _steady,
        database: Callable[[Tx], int] = servers.database_clock,
    ) -> None:
        """`steady`: a clock that nobody sets, µs; `database`: the clock there, µs UTC."""
        self._teller = Teller(RULES, settings.quiet_s, settings.late_s, segments_of("condition"))
        self._archive = archive.Archive(settings)
        self._devices = devices.Devices(settings)
        self._processors = servers.Processors(settings)
        self._clocks = servers.Clocks(settings, steady, database)
        self._steady = steady
        self._due = 0

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """No topic is read."""

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """No device is owned."""

    def tick(self, tx: Tx) -> bool:
        """Look, and tell; whether anything was written."""
        row = tx.conn.execute("SELECT pg_try_advisory_xact_lock(%s, 1)", (int(Lock.EVALUATOR),)).fetchone()
        if not row or not row[0]:
            return False
        self._archive.look(tx)
        self._clocks.look(tx)
        servers.broker(tx)
        if self._steady() >= self._due:
            self._due = self._steady() + APART
            self._devices.look(tx)
            self._processors.look(tx)
        return self._teller.tick(tx)

    def forget(self) -> None:
        """What was seen before is too old to compare with."""
        self._devices.forget()
        self._processors.forget()
