"""Live changes: what processors notify on PostgreSQL's channel `changes`, handed on to any number of clients.

There is one ring of the newest changes for all; a client is only a number, the next change it has not seen. So a slow
client costs no memory: once the ring has overtaken it, it is told to load anew (`reset`) and goes on with the newest.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from typing import Final, NamedTuple

import asyncpg
import msgspec
import structlog
from fastapi.sse import format_sse_event

from api.metrics import Metrics
from api.problems import FULL, Problem
from compound.settings import Settings

CHANNEL: Final = "changes"
RING: Final = 4096
RETRY_S: Final = 2.0
HELLO: Final = b": live\nretry: 2000\n\n"
HEARTBEAT: Final = b": alive\n\n"

log = structlog.get_logger("api")


class Change(msgspec.Struct, frozen=True):
    """What a commit of `domain` changed: (kind, subject) pairs. `more`: not all are named."""

    domain: str
    changes: list[tuple[str, str]] = []
    more: bool = False


class _Entry(NamedTuple):
    number: int
    domain: str
    frame: bytes


class Hub:
    """Listens on one connection and serves all clients from one ring. Made and used inside one event loop."""

    def __init__(self, settings: Settings, metrics: Metrics, ring: int = RING) -> None:
        self._settings = settings
        self._metrics = metrics
        self._era = secrets.token_hex(4)  # ids of an earlier process can't be told from ours otherwise
        self._ring: list[_Entry | None] = [None] * ring
        self._next = 0
        self._arrived = asyncio.Event()
        self._closed = False
        self._clients = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def closed(self) -> bool:
        """Whether the hub lets its clients go."""
        return self._closed

    def start(self) -> None:
        """Begin to listen; a lost connection is made again for ever."""
        self._task = asyncio.create_task(self._listen(), name="changes")

    def close(self) -> None:
        """End all clients' streams and stop listening."""
        self._closed = True
        self._wake()
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Close, and wait until the connection is gone."""
        self.close()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def publish(self, change: Change) -> None:
        """Put a change into the ring and wake the clients."""
        self._put(change.domain, "change", change)
        self._metrics.changes.labels(change.domain).inc()

    def _put(self, domain: str, event: str, change: Change | None) -> None:
        number = self._next
        data = msgspec.json.encode(change).decode() if change is not None else "{}"
        frame = format_sse_event(data_str=data, event=event, id=f"{self._era}-{number}")
        self._ring[number % len(self._ring)] = _Entry(number, domain, frame)
        self._next += 1
        self._wake()

    def _wake(self) -> None:
        self._arrived.set()
        self._arrived = asyncio.Event()

    def admit(self) -> None:
        """Raises Problem when no more clients are served."""
        if self._clients >= self._settings.api_streams:
            raise Problem(
                FULL,
                f"{self._settings.api_streams} live streams are open already; close one or ask in intervals.",
            )

    async def stream(self, domains: Collection[str], last_id: str | None) -> AsyncGenerator[bytes]:
        """Server-sent events for one client, from just after `last_id` where it is still known. No `domains`: all."""
        self._clients += 1
        self._metrics.streams.set(self._clients)
        try:
            position, known = self._resume(last_id)
            yield HELLO
            if not known:
                yield self._reset()
            while not self._closed:
                arrived = self._arrived
                if position < self._next - len(self._ring):  # overtaken: what was missed is gone
                    position = self._next
                    yield self._reset()
                while position < self._next and position >= self._next - len(self._ring):
                    entry = self._ring[position % len(self._ring)]
                    position += 1
                    if entry is not None and (not domains or entry.domain in domains or not entry.domain):
                        yield entry.frame
                if position == self._next and not await self._wait(arrived):
                    yield HEARTBEAT
        finally:
            self._clients -= 1
            self._metrics.streams.set(self._clients)

    def _resume(self, last_id: str | None) -> tuple[int, bool]:
        """Where a client goes on, and whether it misses nothing there."""
        if last_id is None:
            return self._next, True
        era, _, number = last_id.partition("-")
        if era == self._era and number.isascii() and number.isdigit() and len(number) < 19:
            position = int(number) + 1
            if self._next - len(self._ring) <= position <= self._next:
                return position, True
        return self._next, False

    def _reset(self) -> bytes:
        return format_sse_event(
            data_str="{}", event="reset", id=f"{self._era}-{self._next - 1}" if self._next else None
        )

    async def _wait(self, arrived: asyncio.Event) -> bool:
        """Wait for the next change, at most a heartbeat; whether there is one."""
        try:
            await asyncio.wait_for(arrived.wait(), self._settings.api_heartbeat_s)
        except TimeoutError:
            return False
        return True

    async def _listen(self) -> None:
        while True:
            try:
                async with self._connected() as lost:
                    # What was notified before is not known: clients that were there load anew.
                    self._put("", "reset", None)
                    await lost.wait()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("live changes wait for the database", error=str(error))
            await asyncio.sleep(RETRY_S)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncio.Event]:
        """A connection that hears the channel; the event is set once it is lost."""
        lost = asyncio.Event()
        connection = await asyncpg.connect(
            self._settings.database_url, timeout=5, server_settings={"application_name": "compound api changes"}
        )
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            yield lost
        finally:
            connection.terminate()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            change = msgspec.json.decode(str(payload), type=Change)
        except msgspec.DecodeError:
            log.warning("a notification is no change", payload=str(payload)[:200])
            return
        self.publish(change)
