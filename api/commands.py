"""Commands: a person's wish becomes an event in the log; the answer waits, for a while, until the projection has it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import anyio
from anyio.to_thread import run_sync

from api.database import Database, query
from api.problems import DATABASE_AWAY, LOG_AWAY, Problem
from compound.events import Event, to_record
from compound.log.open import open_log
from compound.log.port import Address, Log, LogUnavailable, Slot
from compound.settings import Settings

STEP_S: Final = 0.05
PATIENCE_S: Final = 3.0
"""Seconds that the log gets to say where it ends."""
OpenLog = Callable[[Settings], Log]

_BEHIND = {
    schema: query(
        f"SELECT coalesce(min(p.next_offset), 0) FROM {schema}.position p"
        " WHERE p.topic = :topic AND p.generation = :generation AND p.partition = :partition"
    )
    for schema in ("registry", "alerts", "quarantine")
}


def from_settings(settings: Settings) -> Log:
    """The log that the settings name."""
    return open_log(settings.log_url, settings.database_url, settings.log_partitions, settings.session_s)


class Commands:
    """Appends to the log in a thread: its client is synchronous. The log is opened at the first command."""

    def __init__(self, settings: Settings, database: Database, open_: OpenLog = from_settings) -> None:
        self._settings = settings
        self._database = database
        self._open = open_
        self._log: Log | None = None
        self._mutex = threading.Lock()

    async def append(self, topic: str, events: Sequence[Event]) -> list[Address]:
        """Append events, in order; durable when it returns. Raises Problem log-away."""
        records = [to_record(topic, event) for event in events]
        try:
            return await run_sync(lambda: self.log().append(records))
        except LogUnavailable as error:
            raise Problem(LOG_AWAY, "The event log can't be reached now; send the command again later.") from error

    async def projected(self, schema: str, addresses: Iterable[Address]) -> bool:
        """Wait up to COMPOUND_API_WAIT_S until the projection in `schema` has read these addresses; whether it has."""
        ends: dict[tuple[str, int, int], int] = {}
        for topic, generation, partition, offset in addresses:
            slot = topic, generation, partition
            ends[slot] = max(offset + 1, ends.get(slot, 0))
        deadline = time.monotonic() + self._settings.api_wait_s
        try:
            while not await self._reached(schema, ends):
                if time.monotonic() >= deadline:
                    return False
                await asyncio.sleep(STEP_S)
        except Problem as problem:
            if problem.kind == DATABASE_AWAY:  # the command is safe in the log; only the projection can't be seen
                return False
            raise
        return True

    async def _reached(self, schema: str, ends: dict[tuple[str, int, int], int]) -> bool:
        async with self._database.session() as session:
            for (topic, generation, partition), end in ends.items():
                read = await session.value(_BEHIND[schema], topic=topic, generation=generation, partition=partition)
                if int(read) < end:
                    return False
        return True

    async def heads(self, topics: Sequence[str], patience_s: float = PATIENCE_S) -> dict[Slot, int]:
        """Where the log ends now, by partition. Raises LogUnavailable, also when it does not answer in time."""
        try:
            with anyio.fail_after(patience_s):
                return await run_sync(lambda: self.log().heads(topics), abandon_on_cancel=True)
        except TimeoutError:
            raise LogUnavailable(f"the log does not answer within {patience_s:g} s") from None

    def log(self) -> Log:
        """The log, opened now where it was not; for use in a thread. Raises LogUnavailable."""
        with self._mutex:
            if self._log is None:
                self._log = self._open(self._settings)
            return self._log

    async def stop(self) -> None:
        """Flush and let go of the log."""
        if self._log is not None:
            await run_sync(self._log.close)
