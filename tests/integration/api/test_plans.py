"""A page of raw points, segments or events reads an index, however much lies before it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from psycopg import sql

from api import book
from api.database import Query
from api.routes import access, meters, parking, solar
from compound.store.db import Connection
from tests.integration.api.rows import item, site

LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
RANGE: dict[str, Any] = {
    "since": datetime.fromisoformat("2026-01-20T00:00:00+00:00"),
    "until": datetime.fromisoformat("2026-01-21T00:00:00+00:00"),
    "limit": 100,
}


def plan(conn: Connection, query: Query, **values: Any) -> str:
    """How PostgreSQL answers it, with what it really read."""
    literals = sql.SQL(", ").join(sql.Literal(values[name]) for name in query.names)
    conn.execute(sql.SQL("PREPARE asked AS ") + sql.SQL(query.text))
    rows = conn.execute(sql.SQL("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE asked({})").format(literals))
    text = "\n".join(row[0] for row in rows)
    conn.execute("DEALLOCATE asked")
    return text


def check(text: str, *tables: str, removed: int = 400) -> None:
    for table in tables:
        assert f"Seq Scan on {table}" not in text, text
    thrown = [int(line.split(":")[1]) for line in text.splitlines() if "Rows Removed by" in line]
    assert sum(thrown) < removed, text


@pytest.fixture
def registers(conn: Connection) -> None:
    """Twenty registers of five minutes, a month long."""
    conn.execute(
        "INSERT INTO energy.series (subject, what) SELECT 'm' || n, 'import_wh' FROM generate_series(1, 20) n;"
        "INSERT INTO energy.point SELECT s, 0, t, 1, 0, 1, 0, 0, t FROM generate_series(1, 20) s,"
        " generate_series('2026-01-01'::timestamptz, '2026-02-01', '5 min') t;"
        "INSERT INTO energy.segment SELECT s, 0, t, t + interval '5 min', 0, 1, 0, false FROM generate_series(1, 20) s,"
        " generate_series('2026-01-01'::timestamptz, '2026-02-01', '5 min') t"
    )
    conn.execute("ANALYZE")


def test_points_of_a_meter(conn, registers):
    after = {"after_time": LONG_AGO, "after_series": 0, "after_value": 0, "after_length": 0, "after_serial": 0}
    check(plan(conn, meters._POINTS, series=[3], **after, **RANGE), "point")


def test_segments_of_a_meter(conn, registers):
    check(plan(conn, meters._SEGMENTS, series=[3], after_start=LONG_AGO, after_series=0, **RANGE), "segment")


def test_a_later_page_does_not_read_the_ones_before(conn, registers):
    late = datetime.fromisoformat("2026-01-30T00:00:00+00:00")
    after = {"after_time": late, "after_series": 3, "after_value": 0, "after_length": 0, "after_serial": 0}
    wide = {**RANGE, "since": LONG_AGO, "until": datetime.fromisoformat("2026-02-01T00:00:00+00:00")}
    check(plan(conn, meters._POINTS, series=[3], **after, **wide), "point")


@pytest.fixture
def states(conn: Connection) -> None:
    """Twenty spots, doors and inverters with a segment every ten minutes, a month long."""
    site(conn)
    item(conn, "point", "s3", {"type": "parking", "site": "demo", "carpark": "north"})
    item(conn, "device", "d3", {"kind": "parking", "site": "demo", "point": "s3"})
    for domain, what, kind in (
        ("parking", "spot", "state"),
        ("access", "door", "passage"),
        ("solar", "state", "state"),
    ):
        conn.execute(
            sql.SQL(
                "INSERT INTO {} SELECT 'd' || s, {}, {}, t, '', t + interval '10 min', jsonb_build_object('spot', 's' || s),"
                " t, NULL FROM generate_series(1, 20) s, generate_series('2026-01-01'::timestamptz, '2026-02-01', '10 min') t"
            ).format(sql.Identifier(domain, "segment"), sql.Literal(what), sql.Literal(kind))
        )
    conn.execute("ANALYZE")


def test_segments_of_a_spot(conn, states):
    after = {"after_start": LONG_AGO, "after_kind": "", "after_subject": "", "after_key": ""}
    text = plan(conn, parking._SEGMENTS, spot="s3", **after, **RANGE)
    check(text, "segment s", removed=5000)  # those of the spot itself before the range


def test_states_of_an_inverter(conn, states):
    after = {"after_start": LONG_AGO, "after_kind": "", "after_key": ""}
    check(plan(conn, solar._STATES, device="d3", **after, **RANGE), "segment s", removed=5000)


def test_passages(conn, states):
    after = {"after_time": LONG_AGO, "after_device": "", "after_key": ""}
    check(plan(conn, access._PASSAGES, door=None, **after, **RANGE), "segment")


def test_events_of_a_device(conn):
    """The key is looked for in a bounded stretch of the partition."""
    conn.execute(
        "INSERT INTO book.generation VALUES ('meter', 1, 'postgresql', NULL, 1);"
        "INSERT INTO book.partition (topic, generation, partition, next_offset, head)"
        " VALUES ('meter', 1, 0, 100000, decode(repeat('00', 32), 'hex'));"
        "INSERT INTO book.event SELECT 'meter', 1, 0, n, '2026-01-01'::timestamptz + n * interval '1 s',"
        " convert_to('m' || n % 50, 'UTF8'), '', '', decode(repeat('00', 32), 'hex') FROM generate_series(0, 99999) n"
    )
    conn.execute("ANALYZE")
    where = {"topic": "meter", "generation": 1, "partition": 0, "low": 50_000, "high": 60_000}
    text = plan(conn, book._EVENTS, **where, key=b"m3", limit=100)
    check(text, "event", "event_0", removed=10_001)
