"""Reading PostgreSQL with asyncpg. The API never writes: what it wants changed, it appends to the log."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple

import asyncpg
import msgspec

from api.problems import DATABASE_AWAY, NOT_MIGRATED, TOO_SLOW, Problem
from compound.settings import Settings

Row = Mapping[str, Any]
"""A row: values by column. asyncpg's records are that."""

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_COMMENT = re.compile(r"--[^\n]*")


class Query(NamedTuple):
    """A statement with named parameters (`:name`), ready for asyncpg's numbered ones."""

    text: str
    names: tuple[str, ...]

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        """The arguments in the statement's order. Raises TypeError where one is missing or not known."""
        if set(given) != set(self.names):
            raise TypeError(f"the query wants {sorted(self.names)}, not {sorted(given)}")
        return [given[name] for name in self.names]


def query(text: str) -> Query:
    """A query from text; each `:name` becomes a number, the same one wherever it stands again."""
    text = _COMMENT.sub("", text)
    names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    return Query(_PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text), names)


def load(name: str) -> Query:
    """The query in `api/queries/<name>.sql`."""
    return query(files("api").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8"))


class Session:
    """One connection, in one read-only snapshot where made by `Database.snapshot`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A read-only transaction in which all queries see the same state."""
        made: AbstractAsyncContextManager[Any] = self._connection.transaction(
            isolation="repeatable_read", readonly=True
        )
        return made

    async def rows(self, wanted: Query, **given: Any) -> list[Row]:
        """All rows of the query."""
        rows: list[Row] = await self._connection.fetch(wanted.text, *wanted.arguments(given))
        return rows

    async def row(self, wanted: Query, **given: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = await self._connection.fetchrow(wanted.text, *wanted.arguments(given))
        return row

    async def value(self, wanted: Query, **given: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._connection.fetchval(wanted.text, *wanted.arguments(given))


class Database:
    """A pool of read-only connections, made when used: the API starts, and says so, while PostgreSQL is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: Any = None

    async def start(self) -> None:
        """Make the (still empty) pool."""
        limit = self._settings.api_query_s
        self._pool = await asyncpg.create_pool(
            self._settings.database_url,
            min_size=0,
            max_size=self._settings.api_connections,
            timeout=5,
            command_timeout=limit + 5,
            init=_prepare,
            server_settings={
                "application_name": "compound api",
                "timezone": "UTC",
                "jit": "off",
                "default_transaction_read_only": "on",
                "statement_timeout": str(round(limit * 1000)),
            },
        )

    async def stop(self) -> None:
        """Close all connections; what still runs is cut after a second."""
        if self._pool is not None:
            self._pool.terminate()

    def now(self) -> datetime:
        """The end of what can have happened."""
        return datetime.now(UTC)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection for single queries. Problems: database-away, too-slow, not-migrated."""
        with translated():
            async with self._pool.acquire(timeout=5) as connection:
                yield Session(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """A connection on which all queries see the same state."""
        async with self.session() as session, session.transaction():
            yield session

    async def rows(self, wanted: Query, **given: Any) -> list[Row]:
        """All rows of one query."""
        async with self.session() as session:
            return await session.rows(wanted, **given)

    async def row(self, wanted: Query, **given: Any) -> Row | None:
        """The first row of one query, or None."""
        async with self.session() as session:
            return await session.row(wanted, **given)

    async def value(self, wanted: Query, **given: Any) -> Any:
        """The first column of the first row of one query, or None."""
        async with self.session() as session:
            return await session.value(wanted, **given)

    @property
    def busy(self) -> int:
        """Connections in use now."""
        return int(self._pool.get_size() - self._pool.get_idle_size()) if self._pool is not None else 0


async def _prepare(connection: Any) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )


_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
_OLD = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what PostgreSQL says into the problem that the caller can act on."""
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise Problem(TOO_SLOW, "The query took longer than allowed; ask for a shorter range or fewer rows.") from None
    except _OLD as error:
        raise Problem(NOT_MIGRATED, f"The database's schema does not fit this API ({error}); migrate it.") from error
    except _AWAY as error:
        raise Problem(DATABASE_AWAY, "The database can't be reached now; the API goes on when it is back.") from error
