"""What the database server can do, asked once, and the same tables made into what it offers.

Migrations are the same on plain PostgreSQL and both editions of TimescaleDB; names, keys and views too. After them `adapt`
makes hypertables of the large tables where TimescaleDB is, and on Community keeps old points in the columnstore. Nothing
here, and no policy, ever drops a row.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from compound.store.db import Connection, Lock, sql_text

OLDEST_POSTGRES: Final = 16
NEWEST_POSTGRES: Final = 18
OLDEST_TIMESCALE: Final = (2, 18)
"""The first version with `add_columnstore_policy`."""

COLUMNSTORE_DAYS: Final = 45
"""Age from which points go to the columnstore: behind the longest backfill expected (a month, and what a gateway kept)."""

_BOOK: Final = Path(__file__).parent / "editions" / "book.sql"


class Edition(Enum):
    """What kind of database it is."""

    PLAIN = "plain PostgreSQL"
    APACHE = "TimescaleDB, Apache edition"
    COMMUNITY = "TimescaleDB, Community edition"


class Server(NamedTuple):
    """What was found. Versions of TimescaleDB: `installed` in this database, `available` to install on this server."""

    postgres: str
    edition: Edition
    installed: str | None
    available: str | None
    preloaded: bool
    """Whether its library is loaded (shared_preload_libraries), without which it can't be installed."""


class Unsupported(Exception):
    """This server is too old for us; the text says what is needed."""


class Hypertable(NamedTuple):
    """A table that grows with time: by which column it is cut, and how much goes into a chunk.

    `segment` and `order`: how its columnstore is laid out (Community); together all columns of its key. None: always rows.
    """

    table: str
    column: str
    chunk: str
    segment: str | None = None
    order: str | None = None


def _timeline(table: str) -> Hypertable:
    return Hypertable(table, "time", "91 days", "subject, what", "time, boot, seq, value")


# Why these chunks, and why only points that are never deleted are in the columnstore: docs/decisions/timescaledb.md.
HYPERTABLES: Final = (
    Hypertable("energy.point", "time", "28 days", "series", "time, value, length, serial"),
    Hypertable("energy.segment", "start", "28 days"),
    Hypertable("energy.quarter", "start", "28 days"),
    _timeline("parking.point"),
    _timeline("access.point"),
    _timeline("access.person_point")._replace(segment=None, order=None),  # derived, so they are deleted too
    _timeline("parcels.point"),
    _timeline("solar.point"),
    _timeline("solar.weather_point"),
)
BOOK: Final = "book.event"


def find(conn: Connection) -> Server:
    """Ask the server what it is."""
    row = conn.execute(
        "SELECT current_setting('server_version'),"
        " (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),"
        " (SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'),"
        " current_setting('timescaledb.max_background_workers', true) IS NOT NULL,"
        " current_setting('timescaledb.license', true)"
    ).fetchone()
    assert row is not None
    postgres, installed, available, preloaded, license_ = row
    edition = Edition.PLAIN
    if installed is not None:
        edition = Edition.COMMUNITY if license_ == "timescale" else Edition.APACHE
    return Server(postgres, edition, installed, available, preloaded)


def major_of(server: Server) -> int:
    """PostgreSQL's major version."""
    return _version(server.postgres)[0]


def adapt(conn: Connection, columnstore_days: int = COLUMNSTORE_DAYS) -> Server:
    """Make of the migrated tables what the server offers; what it is. `conn` is in autocommit.

    Installs TimescaleDB in the database where the server has it loaded and lets us. Idempotent, table by table; several
    callers wait for each other. On Community, points older than `columnstore_days` go to the columnstore, by a policy.
    Raises Unsupported.
    """
    conn.execute("SELECT pg_advisory_lock(%s)", (Lock.MIGRATE,))
    try:
        server = _install(conn, find(conn))
        if server.edition is not Edition.PLAIN:
            _make_hypertables(conn)
        if server.edition is Edition.COMMUNITY:
            _keep_in_columnstore(conn, columnstore_days)
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", (Lock.MIGRATE,))
    return server


def make_like(conn: Connection, table: str, copy: str) -> None:
    """Make a hypertable of the empty table `copy` where `table` is one. Its columnstore comes with the next `adapt`."""
    if find(conn).edition is Edition.PLAIN:
        return
    for each in HYPERTABLES:
        if each.table == table:
            _make_hypertable(conn, each._replace(table=copy))


def _install(conn: Connection, server: Server) -> Server:
    """Refuse what is too old; have the extension where it can be had."""
    if major_of(server) < OLDEST_POSTGRES:
        raise Unsupported(f"This is PostgreSQL {server.postgres}; {OLDEST_POSTGRES} or newer is needed.")
    if server.installed is None and server.available is not None and server.preloaded:
        try:
            conn.execute("CREATE EXTENSION timescaledb")
        except psycopg.errors.InsufficientPrivilege:
            return server  # `compound doctor` says so
        server = find(conn)
    if server.installed is not None and _version(server.installed) < OLDEST_TIMESCALE:
        oldest = ".".join(map(str, OLDEST_TIMESCALE))
        raise Unsupported(f"This database has TimescaleDB {server.installed}; {oldest} or newer is needed.")
    return server


def pending(conn: Connection) -> list[str]:
    """Tables of a database with TimescaleDB that `adapt` has yet to make hypertables of."""
    found = conn.execute("SELECT hypertable_schema || '.' || hypertable_name FROM timescaledb_information.hypertables")
    there = {name for (name,) in found}
    return [table for table in (*(each.table for each in HYPERTABLES), BOOK) if table not in there]


def _make_hypertables(conn: Connection) -> None:
    """Convert what isn't converted yet, each table in a transaction of its own: less is locked at a time."""
    there = {
        name
        for (name,) in conn.execute(
            "SELECT hypertable_schema || '.' || hypertable_name FROM timescaledb_information.hypertables"
        )
    }
    for each in HYPERTABLES:
        if each.table not in there:
            _make_hypertable(conn, each)
    if BOOK not in there:
        with conn.transaction():
            conn.execute(sql_text(_BOOK.read_text()))


def _make_hypertable(conn: Connection, each: Hypertable) -> None:
    conn.execute(
        "SELECT public.create_hypertable(%s, public.by_range(%s, %s::interval), create_default_indexes => false,"
        " migrate_data => true)",
        (each.table, each.column, each.chunk),
    )


def _keep_in_columnstore(conn: Connection, days: int) -> None:
    """Settings and policies of the columnstore, where they are missing or another age is wanted.

    ALTER TABLE (hypercore) and add_columnstore_policy(), both Community, since 2.18: www.tigerdata.com/docs/api/latest/hypercore
    """
    found = {
        name: (enabled, wanted)
        for name, enabled, wanted in conn.execute(
            "SELECT h.hypertable_schema || '.' || h.hypertable_name, h.compression_enabled,"
            " (SELECT (j.config->>'compress_after')::interval = make_interval(days => %s) FROM timescaledb_information.jobs j"
            "  WHERE j.proc_name = 'policy_compression' AND j.hypertable_schema = h.hypertable_schema"
            "  AND j.hypertable_name = h.hypertable_name)"
            " FROM timescaledb_information.hypertables h",
            (days,),
        )
    }
    for each in HYPERTABLES:
        if each.segment is None or each.order is None:
            continue
        enabled, wanted = found[each.table]
        if not enabled:
            conn.execute(
                sql.SQL(
                    "ALTER TABLE {} SET (timescaledb.enable_columnstore, timescaledb.segmentby = {}, timescaledb.orderby = {})"
                ).format(sql.Identifier(*each.table.split(".")), sql.Literal(each.segment), sql.Literal(each.order))
            )
        if not wanted:
            conn.execute("CALL remove_columnstore_policy(%s, if_exists => true)", (each.table,))
            conn.execute("CALL add_columnstore_policy(%s, after => make_interval(days => %s))", (each.table, days))


def _version(text: str) -> tuple[int, ...]:
    """The numbers that a version begins with: 2.19.3-dev is (2, 19, 3)."""
    numbers: list[int] = []
    for part in text.split("-")[0].split(" ")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
