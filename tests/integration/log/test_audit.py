"""The audit finds what was done to the book behind its back, and names the row."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compound.log.audit import Finding, Report, audit
from compound.log.book import Chain
from compound.log.heads import HeadsError, read_heads, write_heads
from compound.log.port import Address, Record, Slot
from compound.log.postgres import PostgresLog

ROWS = 12


@pytest.fixture
def log(database: str) -> Iterator[PostgresLog]:
    log = PostgresLog(database)
    log.ensure_topics({"meter": 2, "gate": 1})
    yield log
    log.close()


@pytest.fixture
def conn(database: str, log: PostgresLog) -> Iterator[psycopg.Connection]:
    """A book of two generations: gate (one partition of ROWS rows), meter (two partitions, recreated with three)."""
    fill(log, "gate", ROWS)
    fill(log, "meter", 2 * ROWS)
    log.recreate("meter", 3)
    fill(log, "meter", 3 * ROWS)
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


def fill(log: PostgresLog, topic: str, rows: int) -> None:
    for start in range(0, rows, 5):
        records = [
            Record(topic, b"key-%d" % n, (("ce_id", b"%d" % n),), b'{"value":%d}' % n)
            for n in range(start, min(start + 5, rows))
        ]
        log.append(records)


def url(conn: psycopg.Connection) -> str:
    return f"{conn.info.dsn} password={conn.info.password}"


def audited(conn: psycopg.Connection) -> Report:
    return audit(url(conn))


def first(conn: psycopg.Connection) -> Finding:
    return audited(conn).findings[0]


def test_a_book_left_alone(conn):
    told: list[tuple[int, int]] = []
    report = audit(url(conn), lambda *done: told.append(done))
    assert report.findings == []
    assert report.rows == 6 * ROWS
    assert set(report.heads) == {
        Slot("gate", 1, 0),
        *(Slot("meter", 1, n) for n in range(2)),
        *(Slot("meter", 2, n) for n in range(3)),
    }
    assert report.heads[Slot("gate", 1, 0)].next_offset == ROWS
    assert told[0] == (0, 6 * ROWS)
    assert told[-1] == (6 * ROWS, 6 * ROWS)


def test_an_empty_book(database):
    log = PostgresLog(database)
    log.ensure_topics({"meter": 2})
    log.recreate("meter", 1)
    log.close()
    report = audit(database)
    assert (report.rows, report.findings) == (0, [])


@pytest.mark.parametrize(
    "change",
    [
        "value = set_byte(value, 3, get_byte(value, 3) # 1)",
        "value = value || ' '",
        "key = 'key-x'",
        "headers = headers || 'x'",
        "recorded = recorded + interval '1 microsecond'",
        "hash = sha256(hash)",
        "key = key || value, value = ''",
    ],
)
def test_a_changed_row(conn, change):
    conn.execute(f"UPDATE book.event SET {change} WHERE topic = 'gate' AND \"offset\" = 7")
    finding = first(conn)
    assert (finding.kind, finding.address) == ("wrong", Address("gate", 1, 0, 7))
    assert str(finding).startswith("wrong: gate, generation 1, partition 0, offset 7: ")


def test_a_row_changed_with_its_hash_shows_at_the_next(conn):
    conn.execute("UPDATE book.event SET value = 'x' WHERE topic = 'gate' AND \"offset\" = 7")
    conn.execute(
        # the forger knows the form: nine fields, each with its length
        "UPDATE book.event e SET hash = sha256(f.bytes) FROM (SELECT"
        " '\\x00000020'::bytea || b.hash || '\\x00000004'::bytea || 'gate'::bytea || '\\x00000004'::bytea || int4send(1)"
        " || '\\x00000004'::bytea || int4send(0) || '\\x00000008'::bytea || int8send(7) || '\\x00000008'::bytea"
        " || int8send((extract(epoch FROM a.recorded) * 1000000)::bigint) || int4send(length(a.key)) || a.key"
        " || int4send(length(a.headers)) || a.headers || int4send(length(a.value)) || a.value AS bytes"
        " FROM book.event a, book.event b WHERE a.topic = 'gate' AND a.\"offset\" = 7"
        " AND b.topic = 'gate' AND b.\"offset\" = 6) AS f WHERE e.topic = 'gate' AND e.\"offset\" = 7"
    )
    assert first(conn).address == Address("gate", 1, 0, 8)


def test_a_removed_row(conn):
    conn.execute("DELETE FROM book.event WHERE topic = 'gate' AND \"offset\" IN (5, 6)")
    finding = first(conn)
    assert (finding.kind, finding.address) == ("missing", Address("gate", 1, 0, 5))


def test_a_removed_first_row(conn):
    conn.execute("DELETE FROM book.event WHERE topic = 'gate' AND \"offset\" = 0")
    assert first(conn)[:2] == ("missing", Address("gate", 1, 0, 0))


def test_a_removed_row_with_the_later_ones_moved_down(conn):
    conn.execute("DELETE FROM book.event WHERE topic = 'gate' AND \"offset\" = 5")
    for offset in range(6, ROWS):
        conn.execute('UPDATE book.event SET "offset" = %s - 1 WHERE topic = \'gate\' AND "offset" = %s', (offset,) * 2)
    conn.execute("UPDATE book.partition SET next_offset = next_offset - 1 WHERE topic = 'gate'")
    assert first(conn)[:2] == ("wrong", Address("gate", 1, 0, 5))


@pytest.mark.parametrize("place", [5, ROWS - 1])
def test_an_inserted_row_with_the_later_ones_moved_up(conn, place):
    for offset in reversed(range(place, ROWS)):
        conn.execute('UPDATE book.event SET "offset" = %s + 1 WHERE topic = \'gate\' AND "offset" = %s', (offset,) * 2)
    conn.execute(
        f"INSERT INTO book.event SELECT topic, generation, partition, {place}, recorded, key, headers, value, hash"
        " FROM book.event WHERE topic = 'gate' AND \"offset\" = 4"
    )
    conn.execute("UPDATE book.partition SET next_offset = next_offset + 1 WHERE topic = 'gate'")
    finding = first(conn)
    assert (finding.kind, finding.address) == ("inserted", Address("gate", 1, 0, place))


def test_a_row_put_after_the_end(conn):
    conn.execute(
        "INSERT INTO book.event SELECT topic, generation, partition, 12, recorded, key, headers, value, hash"
        " FROM book.event WHERE topic = 'gate' AND \"offset\" = 4"
    )
    assert first(conn)[:2] == ("inserted", Address("gate", 1, 0, 12))


def test_rows_of_a_partition_that_never_was(conn):
    conn.execute(
        'INSERT INTO book.event SELECT topic, generation, 5, "offset", recorded, key, headers, value, hash'
        " FROM book.event WHERE topic = 'gate'"
    )
    assert first(conn)[:2] == ("missing", Address("gate", 1, 5, 0))


def test_swapped_rows(conn):
    conn.execute(
        "UPDATE book.event a SET key = b.key, headers = b.headers, value = b.value FROM book.event b"
        ' WHERE a.topic = \'gate\' AND b.topic = \'gate\' AND a."offset" IN (3, 8) AND b."offset" = 11 - a."offset"'
    )
    assert first(conn)[:2] == ("wrong", Address("gate", 1, 0, 3))


@pytest.mark.parametrize("place", [3, ROWS - 2])
def test_whole_rows_swapped_with_their_hashes(conn, place):
    for before, after in ((place, 1000), (place + 1, place), (1000, place + 1)):
        conn.execute('UPDATE book.event SET "offset" = %s WHERE topic = \'gate\' AND "offset" = %s', (after, before))
    finding = first(conn)
    assert (finding.kind, finding.address) == ("wrong", Address("gate", 1, 0, place))
    assert "changed places" in finding.text


def test_the_tail_cut_off(conn):
    conn.execute("DELETE FROM book.event WHERE topic = 'gate' AND \"offset\" >= 9")
    assert first(conn)[:2] == ("missing", Address("gate", 1, 0, 9))


def test_the_tail_cut_off_and_the_offset_set_back(conn):
    conn.execute("DELETE FROM book.event WHERE topic = 'gate' AND \"offset\" >= 9")
    conn.execute("UPDATE book.partition SET next_offset = 9 WHERE topic = 'gate'")
    finding = first(conn)
    assert (finding.kind, finding.address) == ("wrong", Address("gate", 1, 0, 8))
    assert "head" in finding.text


def test_the_tail_of_an_earlier_generation_cut_off_with_its_head(conn):
    """Even with the head set back: the next generation's chains begin from it."""
    conn.execute(
        "DELETE FROM book.event WHERE topic = 'meter' AND generation = 1 AND partition = 1 AND \"offset\" >= 3"
    )
    conn.execute(
        "UPDATE book.partition SET next_offset = 3, head = (SELECT hash FROM book.event WHERE topic = 'meter'"
        " AND generation = 1 AND partition = 1 AND \"offset\" = 2) WHERE topic = 'meter' AND generation = 1 AND partition = 1"
    )
    assert [finding.address for finding in audited(conn).findings] == [Address("meter", 2, n, 0) for n in range(3)]


def test_a_head_row_removed(conn):
    conn.execute("DELETE FROM book.partition WHERE topic = 'gate'")
    finding = first(conn)
    assert (finding.kind, finding.address) == ("missing", Address("gate", 1, 0, 0))
    assert "head" in finding.text


def test_a_whole_generation_removed(conn):
    conn.execute("DELETE FROM book.event WHERE topic = 'meter' AND generation = 1")
    conn.execute("DELETE FROM book.partition WHERE topic = 'meter' AND generation = 1")
    conn.execute("DELETE FROM book.generation WHERE topic = 'meter' AND generation = 1")
    finding = first(conn)
    assert (finding.kind, finding.address) == ("missing", Address("meter", 2, 0, 0))


def test_one_finding_a_partition_and_the_others_are_still_verified(conn):
    conn.execute("UPDATE book.event SET value = 'x' WHERE \"offset\" IN (2, 3)")
    found = audited(conn).findings
    assert [(finding.address.topic, finding.address.offset) for finding in found] == [("gate", 2)] + [("meter", 2)] * 5


def test_appending_goes_on_meanwhile(conn, log):
    report = audit(
        conn.info.dsn + " password=" + conn.info.password,
        lambda done, total: fill(log, "gate", 5),  # also before the first partition is read
    )
    assert report.findings == []


def test_any_one_byte_changed_is_found(conn):
    where = "topic = 'meter' AND generation = 2 AND partition = 1"
    found = conn.execute(f'SELECT "offset", key, headers, value, hash FROM book.event WHERE {where}').fetchall()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        offset, *columns = data.draw(st.sampled_from(found))
        column = data.draw(st.sampled_from(["key", "headers", "value", "hash"]))
        size = len(dict(zip(["key", "headers", "value", "hash"], columns, strict=True))[column])
        byte, mask = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, 255))
        flip = (
            f"UPDATE book.event SET {column} = set_byte({column}, {byte}, get_byte({column}, {byte}) # {mask})"
            f' WHERE {where} AND "offset" = {offset}'
        )
        conn.execute(flip)
        try:
            assert [finding[:2] for finding in audited(conn).findings] == [("wrong", Address("meter", 2, 1, offset))]
        finally:
            conn.execute(flip)

    check()
    assert audited(conn).findings == []


def test_p9_a_chain_computed_anew_is_found_by_the_heads_noted_before(conn, log, tmp_path):
    """Who may write to the database changes a row and makes the whole chain after it, and the heads, fit."""
    before = audited(conn)
    path = tmp_path / "heads.json"
    write_heads(path, before.heads, "2026-11-01T00:00:00Z")
    fill(log, "gate", 7)
    noted = read_heads(path)
    assert audit(url(conn), noted=noted).findings == [], "what came after changes nothing of it"
    slot = Slot("gate", 1, 0)
    chain = Chain(slot, bytes(32))
    rows = conn.execute(
        'SELECT "offset", (extract(epoch FROM recorded) * 1000000)::bigint, key, headers, value FROM book.event'
        " WHERE topic = 'gate' ORDER BY \"offset\""
    ).fetchall()
    for offset, recorded, key, headers, value in rows:
        changed = b"{}" if offset == 3 else value
        hashed = chain.extend(offset, recorded, key, headers, changed)
        conn.execute(
            "UPDATE book.event SET value = %s, hash = %s WHERE topic = 'gate' AND \"offset\" = %s",
            (changed, hashed, offset),
        )
    conn.execute("UPDATE book.partition SET head = %s WHERE topic = 'gate'", (chain.head,))
    assert audited(conn).findings == [], "by itself the book contradicts itself nowhere"
    [finding] = audit(url(conn), noted=noted).findings
    assert finding.kind == "rewritten"
    assert finding.address == Address("gate", 1, 0, ROWS - 1)


def test_p9_a_partition_cut_short_with_its_head_is_found_by_the_heads_noted_before(conn):
    noted = audited(conn).heads
    rows = conn.execute('SELECT "offset", hash FROM book.event WHERE topic = \'gate\' ORDER BY "offset"').fetchall()
    conn.execute("DELETE FROM book.event WHERE topic = 'gate' AND \"offset\" >= 5")
    conn.execute("UPDATE book.partition SET next_offset = 5, head = %s WHERE topic = 'gate'", (rows[4][1],))
    assert audited(conn).findings == []
    [finding] = audit(url(conn), noted=noted).findings
    assert (finding.kind, finding.address.offset) == ("missing", 5)


def test_a_file_that_holds_no_heads_is_refused(tmp_path):
    path = tmp_path / "heads.json"
    with pytest.raises(HeadsError, match="can't be read"):
        read_heads(path)
    path.write_text('{"heads": [{"topic": "gate"}]}')
    with pytest.raises(HeadsError, match="no file of heads"):
        read_heads(path)
