"""Answers as known at K: a database whose sessions see the tables as they were known then.

A route whose database is `Annotated[Database, known(domain)]` instead of `Db` answers `?known_at=` too; the queries stay the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
from fastapi import Depends, Query, Request

from api.database import Database, Row, Session
from api.database import Query as Statement
from api.problems import BAD, BUSY, DATABASE_AWAY, RANGE, TOO_SLOW, Problem
from api.services import services
from api.times import At, Instant
from compound.known import Asked, Recall, TooMuch, World

KnownAt = Annotated[
    Instant | None,
    Query(
        description="As known at this time: what the log held by then, by today's rules. Costs more; see docs/api.md."
    ),
]


class KnownSession(Session):
    """Queries in a world, one at a time, in a thread: it is derived and asked by a synchronous connection."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def rows(self, wanted: Statement, **given: Any) -> list[Row]:
        return list(await asyncio.to_thread(self._world.rows, wanted.text, wanted.arguments(given)))

    async def row(self, wanted: Statement, **given: Any) -> Row | None:
        return next(iter(await self.rows(wanted, **given)), None)

    async def value(self, wanted: Statement, **given: Any) -> Any:
        row = await self.row(wanted, **given)
        return None if row is None else next(iter(row.values()))


class Past(Database):
    """The database as known at a time. Each session derives anew what came since, so ask once."""

    def __init__(self, recall: Recall, asked: Asked, places: asyncio.Semaphore, wait_s: float) -> None:
        self._recall = recall
        self._asked = asked
        self._places = places
        self._wait_s = wait_s

    def now(self) -> datetime:
        """Knowledge ends at K, and with it what has elapsed; a state at T ends there."""
        return self._asked.until

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Problems: range (too much to derive), too-slow, busy, database-away."""
        try:
            await asyncio.wait_for(self._places.acquire(), self._wait_s)
        except TimeoutError:
            raise Problem(BUSY, "Other questions as known at a time are being worked on; ask again later.") from None
        opened = self._recall(self._asked)
        try:
            world = await asyncio.to_thread(opened.__enter__)
            try:
                yield KnownSession(world)
            finally:
                await asyncio.to_thread(opened.__exit__, None, None, None)
        except TooMuch as much:
            raise Problem(RANGE, str(much)) from None
        except psycopg.errors.QueryCanceled:
            raise Problem(TOO_SLOW, "Too much was recorded since; ask for fewer devices or a later known_at.") from None
        except psycopg.OperationalError as error:
            raise Problem(
                DATABASE_AWAY, "The database can't be reached now; the API goes on when it is back."
            ) from error
        finally:
            self._places.release()

    snapshot = session


def known(domain: str, kind: str | None = None, parameter: str | None = None) -> Any:
    """A dependency: the database, or with `?known_at=` what was known of a domain then.

    `kind` and the path's `parameter` say of what alone is asked; a kind in braces is a parameter of the path itself.
    """

    def database(request: Request, known_at: KnownAt = None) -> Database:
        return opened(request, known_at, domain, *_of(request, kind, parameter))

    return Depends(database)


def known_or_at(domain: str, kind: str | None = None, parameter: str | None = None) -> Any:
    """The same where the tables hold no more than now: with `?at=` the state at a moment is derived, too."""

    def database(request: Request, at: At = None, known_at: KnownAt = None) -> Database:
        return opened(request, known_at, domain, *_of(request, kind, parameter), at)

    return Depends(database)


def opened(
    request: Request,
    known_at: datetime | None,
    domain: str,
    kind: str | None = None,
    id_: str | None = None,
    at: datetime | None = None,
) -> Database:
    """The database as asked for. Problems: range (`known_at` lies ahead), bad-request (nobody here can answer it)."""
    found, now = services(request), datetime.now(UTC)
    if known_at is None and at is None:
        return found.database
    if found.recall is None:
        raise Problem(BAD, "This API was started without the processors' code, which answers this.")
    if known_at is not None and known_at > now:
        raise Problem(RANGE, "`known_at` lies ahead; nobody knows yet what will be known.")
    asked = Asked(known_at or now, domain, kind, id_, at)
    return Past(found.recall, asked, found.places, found.settings.api_query_s)


def _of(request: Request, kind: str | None, parameter: str | None) -> tuple[str | None, str | None]:
    path = request.path_params
    of = path[kind[1:-1]] if kind is not None and kind.startswith("{") else kind
    return of, None if parameter is None else path[parameter]
