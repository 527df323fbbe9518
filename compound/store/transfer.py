"""Copying a whole migrated database into another one, whatever the versions and editions of the two servers are.

Rows go as binary COPY streams, table by table, out of one snapshot; the target's own migrations have made its tables, so
a plain table here may be a hypertable there. What differs afterwards is found by counts and digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from compound.errors import Mendable
from compound.store.db import Connection

Tell = Callable[[str, int, int], None]
"""(table, rows done, rows in all, as far as the statistics know)."""


class TransferError(Mendable):
    """The database can't be copied; the text is one sentence. Nothing of the source was changed."""


class Table(NamedTuple):
    """A table by its schema and name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def regclass(self) -> str:
        return f'"{self.schema}"."{self.name}"'


class Content(NamedTuple):
    """What a table holds: rows, and a sum of hashes over them that no order changes."""

    rows: int
    digest: int


OURS: Final = {Table("book", "range")}
"""Tables that say how a database stores, not what."""

_TABLES: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname !~ '^(pg_|_?timescaledb|information_schema$|public$)' ORDER BY 1, 2
"""
_COLUMNS: Final = """
SELECT a.attname FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' ORDER BY a.attnum
"""
_REFERENCES: Final = """
SELECT n.nspname, c.relname, fn.nspname, f.relname FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.contype = 'f' AND NOT c.relispartition
"""
_ESTIMATE: Final = """
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c WHERE c.oid = %(table)s::regclass
    OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %(table)s::regclass)
"""
_IDENTITIES: Final = """
SELECT a.attname, pg_get_serial_sequence(%(table)s, a.attname) FROM pg_attribute a
WHERE a.attrelid = %(table)s::regclass AND a.attidentity <> '' AND NOT a.attisdropped
"""


def tables(conn: Connection) -> list[Table]:
    """The house's tables, those that others refer to first."""
    found = {Table(*row) for row in conn.execute(_TABLES)} - OURS
    graph: dict[Table, set[Table]] = {table: set() for table in sorted(found)}
    for schema, name, other_schema, other in conn.execute(_REFERENCES):
        if Table(schema, name) in found:
            graph[Table(schema, name)].add(Table(other_schema, other))
    return list(TopologicalSorter(graph).static_order())


def is_empty(conn: Connection) -> bool:
    """Whether the database, migrated or not, has neither a log nor a registry."""
    names = [table for table in tables(conn) if table in (Table("book", "generation"), Table("registry", "item"))]
    return not any(content(conn, table).rows for table in names)


def copy(source: Connection, target: Connection, tell: Tell = lambda table, done, total: None) -> list[Table]:
    """Copy every row of the house's tables, in one transaction of the target; the tables.

    Both are migrated to the same schema. Raises TransferError.
    """
    names = tables(target)
    if missing := sorted(set(names) - set(tables(source))):
        raise TransferError(f"The source has no table {missing[0]}; run `compound migrate` on it first.")
    with target.transaction():
        target.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(",").join(table.quoted for table in names)))
        reserve = source.execute("SELECT coalesce(max(next_offset), 0) + 1 FROM book.partition").fetchone()
        target.execute("SELECT book.reserve(%s)", reserve)
        for table in names:
            _copy(source, target, table, tell)
    for table in names:
        target.execute(sql.SQL("ANALYZE {}").format(table.quoted))
    return names


def differences(source: Connection, target: Connection, names: list[Table]) -> Iterator[tuple[Table, Content, Content]]:
    """The tables whose content differs, with both sides' content."""
    for table in names:
        here, there = content(source, table), content(target, table)
        if here != there:
            yield table, here, there


def content(conn: Connection, table: Table) -> Content:
    """Rows and digest of a table."""
    columns = sql.SQL(",").join(map(sql.Identifier, _columns(conn, table)))
    row = conn.execute(
        sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)::numeric), 0) FROM {}").format(
            columns, table.quoted
        )
    ).fetchone()
    assert row is not None
    return Content(int(row[0]), int(row[1]))


def contents(conn: Connection) -> Mapping[Table, Content]:
    """Rows and digest of every table."""
    return {table: content(conn, table) for table in tables(conn)}


def _copy(source: Connection, target: Connection, table: Table, tell: Tell) -> None:
    columns = sql.SQL(",").join(map(sql.Identifier, _columns(target, table)))
    estimate = source.execute(_ESTIMATE, {"table": table.regclass}).fetchone()
    total = int(estimate[0]) if estimate else 0
    tell(str(table), 0, total)
    out_of = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT BINARY)").format(columns, table.quoted)
    into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table.quoted, columns)
    done = 0
    with source.cursor().copy(out_of) as rows, target.cursor().copy(into) as held:
        for block in rows:
            held.write(block)
            done += 1  # the server sends a row a block
            if done % 10_000 == 0:
                tell(str(table), done, max(total, done))
    for column, sequence in target.execute(_IDENTITIES, {"table": table.regclass}).fetchall():
        target.execute(
            sql.SQL("SELECT setval(%s, coalesce(max({}), 0) + 1, false) FROM {}").format(
                sql.Identifier(column), table.quoted
            ),
            (sequence,),
        )
    tell(str(table), done, max(total, done))


def _columns(conn: Connection, table: Table) -> list[str]:
    """Columns that hold values of their own: generated ones are computed anew."""
    return [row[0] for row in conn.execute(_COLUMNS, (table.regclass,))]


def set_read_only(conn: Connection, on: bool) -> None:
    """Let new sessions of this database write nothing (or write again). Raises TransferError where we may not."""
    row = conn.execute("SELECT current_database()").fetchone()
    assert row is not None
    name = sql.Identifier(row[0])
    change = "SET default_transaction_read_only = on" if on else "RESET default_transaction_read_only"
    try:
        conn.execute(sql.SQL("ALTER DATABASE {} " + change).format(name))
    except psycopg.errors.InsufficientPrivilege as error:
        raise TransferError(f"Only the database's owner can do this ({str(error).splitlines()[0]}).") from None


def is_read_only(url: str) -> bool:
    """Whether the database's sessions begin read-only: it was moved, or is a standby."""
    with psycopg.connect(url, connect_timeout=10) as conn:
        row = conn.execute("SHOW transaction_read_only").fetchone()
    return row is not None and row[0] == "on"
