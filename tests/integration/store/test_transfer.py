"""Copying a database: every row of every kind, identities that go on, and differences that are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from compound.log.audit import audit
from compound.log.port import Record
from compound.log.postgres import PostgresLog
from compound.store import transfer
from compound.store.db import Connection, connect
from compound.store.transfer import Table, TransferError
from ops.move import OWN_LOG, Plan, move

ROWS = """
INSERT INTO registry.item (kind, id, valid_from, recorded, "offset", data)
    VALUES ('site', 's', '2026-01-01', '2026-01-01 00:00:00.000001+00', 0, '{"latitude": 36.65, "名": "院"}'),
           ('site', 'gone', '-infinity', now(), 1, NULL);
UPDATE registry.version SET version = 7;
INSERT INTO energy.series (subject, what, zone) VALUES ('m1', 'import_wh', 'Asia/Shanghai'), ('m2', 'import_wh', NULL);
INSERT INTO energy.point SELECT 1, 0, timestamptz '2026-01-01' + n * interval '15 min', n, 0, 1, 0, n, now()
    FROM generate_series(1, 3000) n;
INSERT INTO energy.day VALUES (1, 1, '2026-01-01', 5, 6, 7, 8, 9);
INSERT INTO liveness.seq VALUES ('m1', 1, '{[1,5),[7,9)}');
INSERT INTO alerts.alert (id, phase, category, notify, detail) VALUES ('a', 'cleared', 'security', true, '{"x": 1.50}');
INSERT INTO alerts.delivery (event, channel, alert, state, next_at) VALUES ('e', 'mqtt', 'a', 'dead', 'infinity');
INSERT INTO solar.sky VALUES ('s', 36.65, 0.1, now(), now());
INSERT INTO runtime.outbox (topic, key, headers, value) VALUES ('history', '\\x00ff', '\\x90', '\\x7b7d');
"""


@pytest.fixture
def filled(database: str) -> str:
    """A database with a book of two generations and rows of every type of column."""
    log = PostgresLog(database)
    log.ensure_topics({"meter": 2, "history": 1})
    for _ in range(2):
        log.append([Record("meter", b"k%d" % n, (("ce_id", b"\x00\xff"),), b'{"v":%d}' % n) for n in range(50)])
        log.recreate("meter", 3)
    log.append([Record("history", b"k", (), b"")])
    log.close()
    with connect(database, "fill") as conn:
        for statement in ROWS.split(";\n"):
            if statement.strip():
                conn.execute(statement.encode())
    return database


@pytest.fixture
def pair(filled: str, new_database: Callable[[], str]) -> Iterator[tuple[Connection, Connection]]:
    """The filled database and an empty one."""
    with connect(filled, "s", autocommit=True) as source, connect(new_database(), "t", autocommit=True) as target:
        yield source, target


def test_every_row_is_copied_as_it_is(pair: tuple[Connection, Connection]):
    source, target = pair
    before = transfer.contents(source)
    told: list[tuple[str, int, int]] = []
    names = transfer.copy(source, target, lambda *step: told.append(step))
    assert list(transfer.differences(source, target, names)) == []
    assert transfer.contents(target) == before == transfer.contents(source)
    held = {table for table, content in before.items() if content.rows}
    assert {
        Table("book", "event"),
        Table("energy", "point"),
        Table("liveness", "seq"),
        Table("alerts", "alert"),
    } <= held
    assert before[Table("energy", "point")].rows == 3000
    assert {table for table, done, _ in told if done} >= {str(table) for table in held}


def test_identities_go_on_after_the_last_one(pair: tuple[Connection, Connection]):
    source, target = pair
    transfer.copy(source, target)
    row = target.execute("INSERT INTO energy.series (subject, what) VALUES ('m3', 'x') RETURNING id").fetchone()
    assert row == (3,)
    row = target.execute(
        "INSERT INTO registry.stale (kind, device, since, domain) VALUES ('', '', now(), '') RETURNING id"
    ).fetchone()
    assert row == (1,)


def test_the_chain_goes_on_in_the_copy(pair: tuple[Connection, Connection], filled: str):
    source, target = pair
    transfer.copy(source, target)
    url = filled.rsplit("/", 1)[0] + "/" + str(target.info.dbname)
    log = PostgresLog(url)
    log.append([Record("meter", b"more", (), b"1")])
    log.close()
    before, after = audit(filled), audit(url)
    assert (before.findings, after.findings) == ([], [])
    assert after.rows == before.rows + 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE energy.point SET value = value + 1 WHERE time = (SELECT max(time) FROM energy.point)",
        "DELETE FROM liveness.seq",
        "UPDATE alerts.alert SET detail = '{}'",
        "UPDATE book.event SET value = '\\x00' WHERE topic = 'history'",
    ],
)
def test_what_differs_is_found(pair: tuple[Connection, Connection], change: str):
    source, target = pair
    names = transfer.copy(source, target)
    target.execute(change.encode())
    assert len(list(transfer.differences(source, target, names))) == 1


def test_a_move_leaves_a_source_that_takes_no_writer(filled: str, new_database: Callable[[], str]):
    target = new_database()
    done = move(Plan(filled, "", target, None, 4))
    assert Table("book", "event") in done.tables
    assert transfer.is_read_only(filled)
    assert not transfer.is_read_only(target)
    log = PostgresLog(filled, patience=0.1)
    with pytest.raises(Exception, match="read-only"):
        log.append([Record("meter", b"k", (), b"")])
    log.close()


def test_nothing_moves_onto_another_compound(filled: str, new_database: Callable[[], str]):
    target = new_database()
    move(Plan(filled, "", target, None, 4))
    with pytest.raises(TransferError, match="holds a compound already"):
        move(Plan(target, "", filled, None, 4))
    assert not transfer.is_read_only(target)


def test_a_role_that_still_runs_is_named(filled: str, new_database: Callable[[], str]):
    log = PostgresLog(filled)
    log.append([Record("meter", b"k", (), b"")])
    with pytest.raises(TransferError, match="compound log"):
        move(Plan(filled, "", new_database(), None, 4))
    log.close()
    assert not transfer.is_read_only(filled)


def test_a_move_that_fails_leaves_the_source_as_it_was(
    filled: str, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    def differ(*_: object) -> Iterator[tuple[Table, transfer.Content, transfer.Content]]:
        yield Table("energy", "point"), transfer.Content(1, 2), transfer.Content(1, 3)

    monkeypatch.setattr(transfer, "differences", differ)
    with pytest.raises(TransferError, match=r"energy\.point differs"):
        move(Plan(filled, "", new_database(), None, 4))
    assert not transfer.is_read_only(filled)
    with connect(filled, "t") as conn:
        conn.execute("DELETE FROM liveness.seq")


def test_the_log_alone_moves_to_kafka_and_back(filled: str, kafka_bootstrap: str):
    """The book's chain goes on over both moves; a position of the left generation is still one."""
    done = move(Plan(filled, "", None, f"kafka://{kafka_bootstrap}", 2))
    by_topic = {generation.topic: generation for generation in done.generations}
    assert by_topic["meter"][1:3] == (4, "kafka")
    assert by_topic["gate"][1:3] == (1, "kafka")
    back = move(Plan(filled, f"kafka://{kafka_bootstrap}", None, OWN_LOG, 2))
    assert {generation.log for generation in back.generations} == {"postgresql"}
    report = audit(filled)
    assert report.findings == []
    assert max(slot.generation for slot in report.heads if slot.topic == "meter") == 5
