"""What `migrate` makes of the same tables on plain PostgreSQL and on TimescaleDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from compound.log.audit import audit
from compound.log.port import LogUnavailable, Record
from compound.log.postgres import PostgresLog
from compound.store import edition, transfer
from compound.store.db import Connection, connect
from compound.store.edition import Edition
from compound.store.migrate import migrate
from ops.cli_doctor import _database
from tests.integration.api import everything
from tests.integration.log.contract import eventually
from tests.integration.store.test_reader import as_user
from tests.services.databases import Databases
from tests.services.timescale import TimescaleServer

OURS: LiteralString = "n.nspname !~ '^(pg_|_?timescaledb|information_schema$|public$)'"


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database, "test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def plain_tables(servers: Callable[[str], Databases], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database on TimescaleDB that was migrated before TimescaleDB was there, with something of everything in it."""
    server = servers("timescaledb")
    url = server.create(migrated=False)
    with monkeypatch.context() as patch:
        patch.setattr(edition, "adapt", lambda *_: None)
        migrate(url)
    with connect(url, "test") as conn:
        everything.insert(conn)
    yield url
    server.drop(url)


def fill(url: str, records: int) -> None:
    log = PostgresLog(url)
    log.ensure_topics({"meter": 2, "gate": 1})
    for start in range(0, records, 50):
        log.append([Record(("meter", "gate")[n % 2], b"k%d" % (n % 7), ((f"h{n}", bytes([n % 256])),), b"v%d" % n)
                    for n in range(start, start + 50)])  # fmt: skip
    log.close()


def test_it_is_known_what_the_server_is(conn: Connection, database_kind: str):
    server = edition.find(conn)
    assert (server.edition is Edition.PLAIN) == (database_kind == "postgresql")
    assert (server.installed is None) == (database_kind == "postgresql")
    assert edition.major_of(server) in (17, 18)


def test_every_table_of_points_is_listed(conn: Connection):
    """One that a new migration makes has to be put into the list, or said why not."""
    found = conn.execute(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relkind = 'r' AND c.relname ~ '(^|_)point$' AND {OURS}"
    ).fetchall()
    assert {name for (name,) in found} == {each.table for each in edition.HYPERTABLES if each.table.endswith("point")}


def test_points_intervals_and_the_book_are_hypertables(conn: Connection, database_kind: str):
    if database_kind == "postgresql":
        assert conn.execute("SELECT to_regclass('timescaledb_information.hypertables')").fetchone() == (None,)
        return
    assert edition.pending(conn) == []
    conn.execute("DROP TABLE energy.quarter CASCADE")
    assert edition.pending(conn) == ["energy.quarter"]


def test_tables_and_views_have_the_same_names_and_columns_on_each(servers: Callable[[str], Databases]):
    shapes = []
    for kind in ("postgresql", "timescaledb"):
        url = servers(kind).create()
        with psycopg.connect(url) as conn:
            shapes.append(
                conn.execute(
                    "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull"
                    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
                    f" WHERE c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND a.attnum > 0 AND {OURS} ORDER BY 1, 2, 3"
                ).fetchall()
            )
        servers(kind).drop(url)
    assert len(shapes[0]) > 500
    assert shapes[0] == shapes[1]


def test_no_policy_drops_rows(conn: Connection):
    """TimescaleDB's own job on its own history of jobs is the only one beside the columnstore's."""
    if conn.execute("SELECT to_regclass('timescaledb_information.jobs')").fetchone() == (None,):
        return
    jobs = {name for (name,) in conn.execute("SELECT proc_name FROM timescaledb_information.jobs")}
    assert jobs <= {"policy_job_stat_history_retention", "policy_compression"}
    of_tables = conn.execute(
        "SELECT hypertable_schema || '.' || hypertable_name FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL"
    ).fetchall()
    stored = {each.table for each in edition.HYPERTABLES if each.segment is not None}
    community = edition.find(conn).edition is Edition.COMMUNITY
    assert {name for (name,) in of_tables} == (stored if community else set())


def test_an_upgrade_keeps_every_byte(plain_tables: str):
    """Rows of a plain database are as they were after TimescaleDB came to it; the book goes on, its chain whole."""
    fill(plain_tables, 500)
    with connect(plain_tables, "test", autocommit=True) as conn:
        assert edition.find(conn).edition is Edition.PLAIN
        before = transfer.contents(conn)
        book: LiteralString = 'SELECT * FROM book.event ORDER BY topic, generation, partition, "offset"'
        rows = conn.execute(book).fetchall()
    assert len(rows) >= 500
    assert before[transfer.Table("energy", "quarter")].rows > 0
    assert migrate(plain_tables) == []
    with connect(plain_tables, "test", autocommit=True) as conn:
        assert edition.find(conn).edition is not Edition.PLAIN
        assert edition.pending(conn) == []
        assert transfer.contents(conn) == before
        assert conn.execute(book).fetchall() == rows
        chunks = conn.execute("SELECT count(*) FROM show_chunks('energy.quarter')").fetchone()
        assert chunks is not None
        assert chunks[0] > 0
    fill(plain_tables, 100)
    report = audit(plain_tables)
    assert report.findings == []
    assert report.rows == len(rows) + 100


def test_a_user_who_is_no_superuser_gets_hypertables(servers: Callable[[str], Databases]):
    """TimescaleDB may be installed by who may create in the database; the role that owns it is enough."""
    server = servers("timescaledb")
    url = server.create(migrated=False)
    with psycopg.connect(url, autocommit=True) as conn:
        name = sql.Identifier(conn.info.dbname)
        conn.execute("CREATE ROLE modest LOGIN PASSWORD 'x'")
        conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO modest").format(name))
    modest = as_user(url, "modest", "x")
    migrate(modest)
    fill(modest, 100)
    with connect(modest, "test", autocommit=True) as conn:
        assert edition.pending(conn) == []
        assert conn.execute("SELECT count(*) FROM book.event").fetchone() == (100,)
        limit: LiteralString = "SHOW timescaledb.max_tuples_decompressed_per_dml_transaction"
        assert conn.execute(limit).fetchone() == ("0",)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DROP OWNED BY modest CASCADE")
    server.drop(url)


def test_what_was_acknowledged_survives_a_sigkill_of_timescaledb(own_timescale: TimescaleServer):
    url = own_timescale.url
    migrate(url)
    acknowledged: list[Any] = []
    log = PostgresLog(url, patience=1)
    log.ensure_topics({"meter": 2})

    def append() -> None:
        for n in range(1_000_000):
            try:
                acknowledged.extend(log.append([Record("meter", b"k%d" % (n % 5), (), b"%d" % n)]))
            except LogUnavailable:
                return

    thread = threading.Thread(target=append)
    thread.start()
    eventually(lambda: len(acknowledged) > 200)
    own_timescale.kill()
    thread.join()
    log.close()
    own_timescale.start()
    with connect(url, "test", autocommit=True) as conn:
        held = conn.execute('SELECT topic, generation, partition, "offset" FROM book.event').fetchall()
    assert {tuple(address) for address in acknowledged} <= set(held)
    assert audit(url).findings == []


@pytest.mark.parametrize(("version", "numbers"), [("17.12 (Debian 17.12-0+deb13u1)", (17, 12)), ("2.19.3", (2, 19, 3)),
                                                  ("2.30.0-dev", (2, 30, 0)), ("18beta1", ())])  # fmt: skip
def test_versions_are_read(version: str, numbers: tuple[int, ...]):
    assert edition._version(version) == numbers


@pytest.mark.parametrize(
    ("postgres", "installed", "says"),
    [("15.4", None, "This is PostgreSQL 15.4; 16 or newer is needed."),
     ("16.2", "2.14.2", "This database has TimescaleDB 2.14.2; 2.18 or newer is needed.")],
)  # fmt: skip
def test_what_is_too_old_is_refused(conn: Connection, postgres: str, installed: str | None, says: str):
    server = edition.Server(postgres, Edition.APACHE, installed, None, True)
    with pytest.raises(edition.Unsupported, match=says):
        edition._install(conn, server)


def test_doctor_says_what_it_found(conn: Connection, database_kind: str):
    found = {each.what: each for each in _database(conn)}
    assert found["Database"].good
    assert found["Edition"].good
    assert found["Edition"].says.startswith(edition.find(conn).edition.value)
    assert "TimescaleDB" not in found
    if database_kind == "timescaledb":
        conn.execute("DROP TABLE energy.quarter CASCADE")
        assert "energy.quarter: not made hypertables yet" in str([each.says for each in _database(conn)])


def test_doctor_says_what_is_to_be_done(plain_tables: str):
    with connect(plain_tables, "test", autocommit=True) as conn:
        found = {each.what: each for each in _database(conn)}
    assert found["TimescaleDB"].good is None
    assert "is loaded but not installed in this database: run `compound migrate`" in found["TimescaleDB"].says
