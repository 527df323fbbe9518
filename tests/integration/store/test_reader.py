"""The dashboards' role: it reads what they need, and can neither write nor see payloads, sealed messages or tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from compound.store import reader
from compound.store.db import connect, sql_text
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from tests.integration.api import everything
from tests.integration.api.rows import T0

PASSWORD = "p'ass wörd/1"


def as_user(url: str, user: str, password: str) -> str:
    """The same database, reached as another user."""
    return (
        urlsplit(url)
        ._replace(netloc=f"{user}:{quote(password, safe='')}@{urlsplit(url).netloc.split('@')[1]}")
        .geturl()
    )


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection[Any]]:
    """The reader's connection to a database with something of everything."""
    with connect(database, "test") as owner:
        everything.insert(owner)
    assert reader.prepare(database, PASSWORD) == []
    with psycopg.connect(as_user(database, reader.ROLE, PASSWORD), autocommit=True) as connection:
        yield connection


READS: tuple[LiteralString, ...] = (
    "SELECT * FROM energy.use('site', 'demo', %(t)s - interval '1 day', %(t)s, 'quarter')",
    "SELECT * FROM energy.use('department', 'd-fin', %(t)s - interval '1 day', %(t)s, 'day')",
    "SELECT * FROM energy.balance('p-main', %(t)s - interval '1 day', %(t)s, 'day')",
    "SELECT * FROM energy.meter_quarter, energy.meter_day, energy.reading, energy.stretch, energy.waiting",
    "SELECT * FROM quotas.figure, quotas.level",
    "SELECT * FROM solar.ratios('roof', %(t)s - interval '1 day', %(t)s), solar.state",
    "SELECT * FROM parking.history('north', %(t)s - interval '1 day', %(t)s, 3600), parking.stay",
    "SELECT * FROM parking.occupancy('north', %(t)s), parking.spots('north', %(t)s)",
    "SELECT * FROM parking.turnover('north', %(t)s - interval '1 day', %(t)s)",
    "SELECT * FROM access.presence(%(t)s), access.opening",
    "SELECT * FROM access.presence_history('main-building', %(t)s - interval '1 day', %(t)s, 3600)",
    "SELECT device, point, time, named, direction FROM access.passage",
    "SELECT * FROM parcels.cells(%(t)s), parcels.fill(%(t)s), parcels.dwell(%(t)s - interval '1 day', %(t)s), parcels.opening",
    "SELECT * FROM liveness.state, liveness.gap, liveness.unknown, liveness.receiving, liveness.channel",
    "SELECT * FROM runtime.condition, alerts.alert, alerts.delivery",
    "SELECT * FROM registry.current, registry.device, registry.point, registry.placement, registry.stale",
    "SELECT reason, state, recorded FROM quarantine.entry",
    "SELECT * FROM book.partition, book.generation, energy.position",
    "SELECT book.offset_at('meter', 1, 0, %(t)s), max(recorded) FROM book.event",
    "SELECT pg_database_size(current_database()), pg_total_relation_size('energy.quarter')",
)


@pytest.mark.parametrize("query", READS)
def test_it_reads_what_dashboards_need(conn: psycopg.Connection[Any], query: LiteralString) -> None:
    conn.execute(query, {"t": T0})


def test_it_writes_nothing_whatever_it_sets(conn: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        conn.execute("DELETE FROM quotas.figure")
    conn.execute("SET default_transaction_read_only = off")
    tables = conn.execute(
        "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY(%s)",
        (list(reader.SCHEMAS),),
    ).fetchall()
    assert len(tables) > 60
    for (table,) in tables:
        for statement in (f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES", f"TRUNCATE {table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(sql_text(statement))
    for statement in ("CREATE TABLE energy.x (n int)", "CREATE TABLE public.x (n int)", "SELECT book.reserve(9000000)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(sql_text(statement))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sealed FROM quarantine.message",
        "SELECT sealed FROM quarantine.entry",
        "SELECT month FROM quarantine.message",
        "SELECT value FROM book.event",
        "SELECT headers FROM book.event",
        "SELECT key FROM book.event",
        "SELECT value FROM runtime.outbox",
        "SELECT data FROM alerts.event",
        "SELECT token FROM access.passage",
        "SELECT token FROM access.place",
        "SELECT * FROM access.person_segment",
        "SELECT * FROM access.segment",
        "SELECT * FROM access.point",
        "SELECT * FROM energy.point",
        "SELECT * FROM solar.weather_point",
    ],
)
def test_it_sees_no_payload_no_seal_no_token(conn: psycopg.Connection[Any], query: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(query)


def test_it_sees_no_payload_in_the_parts_of_the_book(conn: psycopg.Connection[Any], database: str) -> None:
    with psycopg.connect(database) as owner:
        parts = owner.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'book.event'::regclass"
        ).fetchall()
    assert parts
    for (part,) in parts:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(sql_text(f"SELECT value FROM {part}"))


def test_every_named_relation_is_there(conn: psycopg.Connection[Any]) -> None:
    """A renamed one would be readable by mistake."""
    for name in reader.COLUMNS:
        assert conn.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,), name


def test_its_limits_hold(conn: psycopg.Connection[Any]) -> None:
    for name, value in reader.SETTINGS.items():
        assert conn.execute("SELECT current_setting(%s)", (name,)).fetchone() == (
            {"60s": "1min", "on": "on", "off": "off"}.get(value, value),
        )
    conn.execute("SET statement_timeout = '50ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        conn.execute("SELECT pg_sleep(60)")


def test_again_with_another_password_or_none(database: str) -> None:
    def log_in(password: str) -> None:
        psycopg.connect(as_user(database, reader.ROLE, password)).close()

    for password in ("one", "one", "two"):
        assert reader.prepare(database, password) == []
        log_in(password)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in("one")
    assert reader.prepare(database, None) == []
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        log_in("two")


def test_an_owner_without_the_right_to_make_roles(own_postgres: EmbeddedPostgres) -> None:
    """Says what to run; once somebody did, the grants are made all the same."""
    with psycopg.connect(own_postgres.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        admin.execute("CREATE DATABASE compound OWNER plain")
        url = as_user(own_postgres.url_of("compound"), "plain", "plain")
        migrate(url)
        (said,) = reader.prepare(url, PASSWORD)
        assert "no right to make the role compound_reader" in said
        assert PASSWORD not in said
        admin.execute(sql_text(said.split("run: ")[1].split(" Then run")[0]))
    (said,) = reader.prepare(url, PASSWORD)
    assert "no right to change the role compound_reader" in said
    with psycopg.connect(as_user(url, reader.ROLE, "…")) as conn:
        assert conn.execute("SELECT count(*) FROM energy.quarter").fetchone() == (0,)
        assert conn.execute("SHOW statement_timeout").fetchone() == ("30s",)
