"""`compound_reader`: the role that dashboards read with. It sees figures; no payloads, no sealed messages, no persons' ways.

`compound migrate` makes it and grants anew each time, so a new table is readable (or not) from the migration on that makes
it. Whatever is not listed here is not readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg import sql

from compound.store.db import Connection, Lock, connect

ROLE: Final = "compound_reader"

SETTINGS: Final[Mapping[str, str]] = {
    "default_transaction_read_only": "on",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "jit": "off",  # it takes longer than any of the queries
}
"""What the role's sessions start with. Its grants, not these, keep it from writing."""

SCHEMAS: Final = (
    "registry",
    "runtime",
    "energy",
    "parking",
    "access",
    "parcels",
    "solar",
    "liveness",
    "alerts",
    "quotas",
    "quarantine",
    "platform",
    "book",
    "dashboard",
)
"""Where it may look."""

HIDDEN: Final = ("point", "weather_point", "checkpoint", "weather_checkpoint", "lock", "weather_lock")
"""Tables hidden in every schema: raw points (a view shows those of registers) and what processors keep for themselves."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "book.event": ("topic", "generation", "partition", "offset", "recorded"),
    "runtime.outbox": ("id", "topic"),
    "quarantine.message": (
        *("id", "reason", "detail", "topic", "element", "size", "cut"),
        *("received", "first_recorded", "recorded", "copies"),
    ),
    "quarantine.entry": (
        *("id", "reason", "detail", "topic", "element", "size", "cut", "received", "first_recorded", "recorded"),
        *("copies", "retry_asked", "retry_sent", "retry_failed", "state"),
    ),
    "quarantine.retry": ("id", "command", "asked", "sent", "failed"),
    "alerts.event": ("alert", "id", "type", "source", "time", "recorded"),
    "access.place": ("zone", "state", "site", "start", "end"),
    "access.passage": (
        "device",
        "point",
        "site",
        "time",
        "key",
        "named",
        "direction",
        "from_zone",
        "to_zone",
        "opening",
    ),
    "access.segment": (),
    "access.person_point": (),
    "access.person_segment": (),
    "access.person_checkpoint": (),
    "access.person_lock": (),
}
"""Relations of which it sees some columns only, or none: no payloads of events, nothing sealed, and no tokens of persons."""


def prepare(url: str, password: str | None) -> list[str]:
    """Make the role where it is missing and grant it what it may read; sentences of what this database's user may not do.

    With a `password` it may log in, without one it may not. Idempotent. Raises psycopg.OperationalError when the server
    can't be reached.
    """
    with connect(url, "compound migrate") as conn:
        # Grants of two at once on one table would fail.
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.READER,))
        missing = _make(conn, password)
        grant(conn)
    return missing


def _make(conn: Connection, password: str | None) -> list[str]:
    """The role with its attributes and settings; what to run by hand where we have no right to."""
    role = sql.Identifier(ROLE)
    there = conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone() is not None
    login: sql.Composable = sql.SQL("NOLOGIN PASSWORD NULL")
    if password is not None:
        # The verifier, so that the password is in no log of the server.
        verifier = conn.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
        login = sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(verifier))
    try:
        with conn.transaction():
            if not there:
                conn.execute(sql.SQL("CREATE ROLE {} NOINHERIT").format(role))
            conn.execute(sql.SQL("ALTER ROLE {} {}").format(role, login))
            for name, value in SETTINGS.items():
                conn.execute(
                    sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(name), sql.Literal(value))
                )
    except psycopg.errors.InsufficientPrivilege:
        settings = " ".join(f"ALTER ROLE {ROLE} SET {name} = '{value}';" for name, value in SETTINGS.items())
        making = "" if there else f"CREATE ROLE {ROLE} NOINHERIT; "
        return [
            f"This database's user has no right to {'change' if there else 'make'} the role {ROLE}; have a superuser run: "
            f"{making}ALTER ROLE {ROLE} LOGIN PASSWORD '…'; {settings}"
            + ("" if there else " Then run `compound migrate` again, for its grants.")
        ]
    return []


def grant(conn: Connection) -> None:
    """What the role may read, and nothing else, in this transaction: nobody sees it without. Nothing where there is no role."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.READER,))
    if conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone() is None:
        return
    role = sql.Identifier(ROLE)
    database = sql.Identifier(conn.info.dbname)
    conn.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
    relations = conn.execute(
        "SELECT n.nspname, c.relname, c.relkind IN ('r', 'p') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition ORDER BY 1, 2",
        (list(SCHEMAS),),
    ).fetchall()
    schemas = conn.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", (list(SCHEMAS),)).fetchall()
    for (schema,) in schemas:
        conn.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), role))
        conn.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(sql.Identifier(schema), role))
    for schema, name, is_table in relations:
        columns = COLUMNS.get(f"{schema}.{name}")
        if (is_table and name in HIDDEN) or columns == ():
            continue
        what: sql.Composable = sql.SQL("SELECT") if columns is None else sql.SQL("SELECT ({})").format(_names(columns))
        conn.execute(sql.SQL("GRANT {} ON {} TO {}").format(what, sql.Identifier(schema, name), role))


def _names(columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
