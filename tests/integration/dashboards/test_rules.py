"""Alert rules: each query runs as the dashboards' role, has one number a row, and fires on what it is meant for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from compound.store import reader
from compound.store.db import connect, sql_text
from dashboards.grafana.rules import GROUPS, Rule, queries
from tests.integration.api import everything

RULES = {rule.uid: rule for _, rules in GROUPS.values() for rule in rules}
Conn = psycopg.Connection[Any]


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    """The owner's connection; `asked` reads as the dashboards' role."""
    reader.prepare(database, None)
    with connect(database, "test", autocommit=True) as made:
        yield made


def asked(conn: Conn, rule: Rule) -> tuple[list[dict[str, Any]], str]:
    """The rows of a rule's query, and the name of its number."""
    with conn.transaction():
        conn.execute(sql_text(f"SET LOCAL ROLE {reader.ROLE}"))
        cursor = conn.execute(sql_text(queries()[rule.uid]))
        columns = cursor.description or []
        # Grafana takes text for labels, numbers for values.
        texts = [column.name for column in columns if column.type_code == psycopg.adapters.types["text"].oid]
        numbers = [column.name for column in columns if column.name not in texts]
        oids = {psycopg.adapters.types[name].oid for name in ("int8", "int4", "float8", "numeric")}
        assert all(column.type_code in oids for column in columns if column.name in numbers)
        assert len(numbers) == 1
        rows = [dict(zip([column.name for column in columns], row, strict=True)) for row in cursor]
    return rows, numbers[0]


def firing(conn: Conn, uid: str) -> list[dict[str, Any]]:
    """Labels of the rows that are above the limit."""
    rows, number = asked(conn, RULES[uid])
    fired = [{k: v for k, v in row.items() if k != number} for row in rows if row[number] > RULES[uid].above]
    return sorted(fired, key=str)


@pytest.mark.parametrize("uid", RULES)
def test_queries_run_and_descriptions_name_their_labels(conn: Conn, uid: str) -> None:
    everything.insert(conn)
    rows, number = asked(conn, RULES[uid])
    for text in (RULES[uid].zh, RULES[uid].en):
        for label in re.findall(r"\.Labels\.(\w+)", text):
            assert all(label in row for row in rows)
    assert all(row[number] is not None for row in rows)


def test_nothing_but_a_missing_ingest_fires_on_an_empty_database(conn: Conn) -> None:
    assert {uid for uid in RULES if firing(conn, uid)} == {"compound-ingest"}


SITE: LiteralString = (
    'INSERT INTO registry.item (kind, id, valid_from, recorded, "offset", data) VALUES'
    " ('site', 'demo', '2020-01-01', '2020-01-01', 0, '{\"latitude\": 1, \"longitude\": 1}'),"
    ' (\'point\', \'p\', \'2020-01-01\', \'2020-01-01\', 1, \'{"type": "meter", "site": "demo", "medium": "electricity"}\'),'
    ' (\'device\', \'m\', \'2020-01-01\', \'2020-01-01\', 2, \'{"kind": "meter", "site": "demo", "point": "p", "rated_w": 9}\')'
)
WATCH: LiteralString = (
    "INSERT INTO liveness.watch SELECT 'd' || n, 'meter', 0, 'demo', now(), 60, '{}' FROM generate_series(1, 10) n;"
    " INSERT INTO liveness.lost VALUES ('d1', 'silent', '', now() - interval '1 hour', NULL)"
)
BOOK: LiteralString = (
    "INSERT INTO book.generation VALUES ('meter', 1, 'postgresql', NULL, 1);"
    " INSERT INTO book.partition VALUES ('meter', 1, 0, 2, decode(repeat('00', 32), 'hex'));"
    " INSERT INTO book.event SELECT 'meter', 1, 0, n, now() - interval '10 minutes', '', '', '', '' FROM generate_series(0, 1) n;"
    " INSERT INTO energy.position VALUES ('meter', 1, 0, 1); INSERT INTO liveness.position VALUES ('meter', 1, 0, 2)"
)
ARCHIVE: LiteralString = (
    "INSERT INTO book.generation VALUES ('meter', 1, 'kafka', 'x', 1), ('gate', 1, 'kafka', 'y', 1), ('parking', 1, 'kafka', 'z', 1);"
    " INSERT INTO book.partition SELECT topic, 1, 0, 5, decode(repeat('00', 32), 'hex') FROM book.generation;"
    " INSERT INTO book.archive VALUES ('meter', 1, 0, 0, 9, now() - interval '1 hour', NULL, now(), NULL),"
    " ('gate', 1, 0, 0, 5, NULL, NULL, now(), NULL), ('parking', 1, 0, 0, 5, NULL, NULL, now(), 'behind retention')"
)
OUTBOX: LiteralString = (
    "INSERT INTO runtime.outbox (topic, key, headers, value) SELECT 't', '', '', '' FROM generate_series(0, 1000)"
)
STALE: LiteralString = "INSERT INTO registry.stale (kind, device, since, domain) VALUES ('meter', 'm', now(), 'energy')"
QUOTA: LiteralString = (
    "INSERT INTO quotas.figure SELECT 'q', 'month', date_trunc('month', now()), date_trunc('month', now()) + interval '1 month', 'd-fin',"
    " 'water', 'consumption', 2026, now(), 1, 2, 2, 1, 2, 0, 2, 1, false, 0;"
    " INSERT INTO quotas.level SELECT quota, period, start, 'alarm', department, medium, start FROM quotas.figure"
)
ALERT: LiteralString = (
    "INSERT INTO alerts.alert (id, category, priority, site, raised, notify, phase) VALUES"
    " ('a', 'security', 'high', 'demo', now() - interval '11 minutes', true, 'raised'),"
    " ('b', 'security', 'high', 'new', now(), true, 'raised'), ('c', 'maintenance', 'high', 'x', now() - interval '1 day', true, 'raised')"
)


@pytest.mark.parametrize(
    ("uid", "happens", "labels"),
    [
        ("compound-ingest", "INSERT INTO liveness.receiving VALUES (now() - interval '1 day', now())", []),
        ("compound-ingest", "INSERT INTO liveness.receiving VALUES ('2026-01-01', now() - interval '3 minutes')", [{}]),
        ("compound-lag", BOOK, [{"domain": "energy"}]),
        ("compound-archiver", ARCHIVE, [{"topic": "meter"}, {"topic": "parking"}]),
        ("compound-outbox", OUTBOX, [{}]),
        (
            "compound-quarantine",
            "INSERT INTO quarantine.message SELECT n::text, 'not JSON', NULL, NULL, NULL, 1, false, '', '', now(), now(), now(), 1"
            " FROM generate_series(0, 20) n",
            [{"reason": "not JSON"}],
        ),
        ("compound-deliveries", "INSERT INTO alerts.delivery VALUES ('e', 'mqtt', 'a', DEFAULT, 'dead', 20, now())", [{"channel": "mqtt"}]),
        ("compound-devices", WATCH, [{"site": "demo"}]),
        ("compound-unacknowledged", ALERT, [{"site": "demo"}]),
        ("compound-stale", STALE, [{"domain": "energy"}]),
        ("compound-quota", QUOTA, [{"department": "d-fin", "medium": "water", "period": "month"}]),
        ("compound-coverage", SITE, [{"site": "demo"}]),
    ],
)  # fmt: skip
def test_a_rule_fires_on_what_it_is_for(conn: Conn, uid: str, happens: LiteralString, labels: list[Any]) -> None:
    conn.execute(happens)
    assert firing(conn, uid) == labels


def test_coverage_of_yesterday_alone(conn: Conn) -> None:
    """A full yesterday is quiet, whatever today holds."""
    conn.execute(SITE)
    (day,) = conn.execute("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date - 1").fetchone() or (None,)
    conn.execute("INSERT INTO energy.series (subject, what, zone) VALUES ('m', 'import_wh', 'Asia/Shanghai')")
    conn.execute("INSERT INTO energy.place (point) VALUES ('p')")
    conn.execute("INSERT INTO energy.seat VALUES (1, 1)")
    conn.execute("INSERT INTO energy.day VALUES (1, 1, %s, 5, 86400000000, 0, 0, 0)", (day,))
    assert firing(conn, "compound-coverage") == []
