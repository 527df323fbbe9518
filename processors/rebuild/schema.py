"""The tables of a domain a second time, in a schema of their own."""

from __future__ import annotations

from psycopg import sql

from compound.store import edition
from compound.store.db import Connection, Lock
from compound.store.schemas import next_of

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u') ORDER BY conname
"""
# What is not made by a constraint: its definition up to the schema, and from the table's name on.
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = %s::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY 1
"""
_KEY = """
SELECT a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
WHERE c.conrelid = %s::regclass AND c.contype = 'p' ORDER BY a.attnum
"""


def tables(conn: Connection, schema: str) -> list[str]:
    """The tables in a schema, by name; none where there is no such schema."""
    return [name for (name,) in conn.execute(_TABLES, (schema,))]


def key(conn: Connection, schema: str, table: str) -> list[str]:
    """The columns of a table's primary key."""
    return [name for (name,) in conn.execute(_KEY, (f"{schema}.{table}",))]


def make(conn: Connection, domain: str, assumed: str | None = None) -> None:
    """Make the schema in which `domain` is built, empty, with all its tables; from now on the registry's changes make stale
    there too. `assumed` stands for the changes of the registry that it is built with. In the caller's transaction.
    """
    made = next_of(domain)
    # No change of the registry is half projected now, and the next one finds the row below.
    conn.execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (int(Lock.REGISTRY),))
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(made)))
    for table in tables(conn, domain):
        copy(conn, domain, table, made)
        edition.make_like(conn, f"{domain}.{table}", f"{made}.{table}")
    conn.execute("DELETE FROM registry.stale WHERE domain = %s", (made,))
    conn.execute("INSERT INTO runtime.rebuild (domain, assumed) VALUES (%s, %s)", (domain, assumed))


def copy(conn: Connection, schema: str, table: str, made: str) -> None:
    """Make an empty table like `schema.table` in the schema `made`; indexes and constraints keep their names."""
    old, new = sql.Identifier(schema, table), sql.Identifier(made, table)
    conn.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)").format(new, old))
    text = old.as_string(conn)
    for name, definition in conn.execute(_CONSTRAINTS, (text,)).fetchall():
        conn.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(new, sql.Identifier(name), sql.SQL(definition))
        )
    for (definition,) in conn.execute(_INDEXES, (text,)).fetchall():
        conn.execute(sql.SQL(definition.replace(f" ON {schema}.", f" ON {made}.", 1)))


def drop(conn: Connection, schema: str) -> bool:
    """Drop a schema and its tables; whether there was one. Raises DependentObjectsStillExist where something reads them."""
    there = conn.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone() is not None
    if there:
        for name in tables(conn, schema):  # one by one: a hypertable is not dropped along with others
            conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, name)))
        conn.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(schema)))
    return there


def clean(conn: Connection, domain: str) -> bool:
    """Give up a rebuild: its schema and all that is noted of it go; whether there was one."""
    conn.execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (int(Lock.REGISTRY),))
    conn.execute("DELETE FROM runtime.rebuild WHERE domain = %s", (domain,))
    conn.execute("DELETE FROM registry.stale WHERE domain = %s", (next_of(domain),))
    return drop(conn, next_of(domain))
