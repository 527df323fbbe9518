"""Connections and bulk writes on PostgreSQL (psycopg 3, synchronous)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

Connection = psycopg.Connection[TupleRow]


AWAY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
"""Connection gone, server shutting down, full or a standby by now, or we were stopped too long in a transaction: wait, and
connect again.
"""


class Lock(IntEnum):
    """Advisory locks of the house (first key); the second key, where used, narrows it."""

    REGISTRY = 71001
    EVALUATOR = 71002
    OUTBOX = 71003
    LOG = 71004
    RETENTION = 71005
    REBUILD = 71007
    READER = 71006
    MIGRATE = 71007


_LATE: Final = "-c timescaledb.max_tuples_decompressed_per_dml_transaction=0"
"""TimescaleDB Community: with its default limit a batch of late points into old chunks would fail for ever. Elsewhere it is a name
that nobody reads.
"""


def connect(
    url: str, name: str, search_path: str | None = None, autocommit: bool = False, frozen_s: float = 0
) -> Connection:
    """A connection in UTC with `name` as its application name; `search_path` is a domain's schema.

    `frozen_s`: seconds after which the server ends a session that stands still inside a transaction, so that a process
    that was stopped there doesn't hold its locks for ever; 0: never. Whoever goes on then gets one of `AWAY`.
    Raises psycopg.OperationalError when the server can't be reached.
    """
    options = f"-c TimeZone=UTC -c jit=off -c idle_in_transaction_session_timeout={int(frozen_s * 1000)} {_LATE}"
    if search_path is not None:
        options += f" -c search_path={search_path},public"
    return psycopg.connect(url, application_name=name, options=options, autocommit=autocommit, connect_timeout=10)


def copy(
    conn: Connection, table: str, columns: Sequence[str], types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """COPY `rows` into `table` in binary; `types` are the columns' PostgreSQL types."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(*table.split(".")), sql.SQL(",").join(map(sql.Identifier, columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as out:
        out.set_types(types)
        for row in rows:
            out.write_row(row)


def stage(
    conn: Connection, like: str, columns: Sequence[str], types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> str:
    """COPY `rows` into a temporary table with the columns of `like`; its name. It empties itself at the end of the transaction."""
    name = f"staged_{like}"
    conn.execute(
        sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT {} FROM {} WITH NO DATA").format(
            sql.Identifier(name), sql.SQL(",").join(map(sql.Identifier, columns)), sql.Identifier(like)
        )
    )
    copy(conn, name, columns, types, rows)
    return name


def arrays(rows: Iterable[Sequence[object]]) -> list[str]:
    """Rows as one array literal a column, for unnest: to have psycopg make arrays of lists costs three times as much."""
    return ["{" + ",".join(map(_element, column)) + "}" for column in zip(*rows, strict=True)]


def _element(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def sql_text(text: str) -> LiteralString:
    """SQL built from our own constants, told to the type checker."""
    return text
