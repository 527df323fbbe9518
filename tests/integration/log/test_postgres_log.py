"""The log in PostgreSQL: the contract, and what only this adapter has."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest

from compound.log.audit import audit
from compound.log.link import Link
from compound.log.partition import partition_of
from compound.log.port import LogUnavailable, OffsetLost, Slot
from compound.log.postgres import PostgresLog
from compound.store.db import Connection
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from tests.integration.log.contract import PARTITIONS, LogContract, OpenLog, Owner, eventually, keys_of, record


def test_a_connection_that_cannot_be_prepared_is_closed(database: str):
    made: list[Connection] = []

    def prepare(conn: Connection) -> None:
        made.append(conn)
        conn.execute("SELECT FROM nowhere")

    with pytest.raises(psycopg.errors.UndefinedTable), Link(database, "test", 0.5, prepare).use():
        pass
    assert [conn.closed for conn in made] == [True]


class PostgresOutage:
    """A PostgreSQL of the test's own, to be taken away."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.url = self.database = server.url
        self.start, self.stop = server.start, server.stop
        migrate(self.url)


class TestPostgresLog(LogContract):
    session = 4.0

    @pytest.fixture
    def url(self, database: str) -> str:
        return database

    @pytest.fixture
    def open_log(self, database: str) -> Iterator[OpenLog]:
        logs: list[PostgresLog] = []

        def opened(url: str = database, _: str = "", **settings: float) -> PostgresLog:
            logs.append(PostgresLog(url, session=self.session, **settings))
            return logs[-1]

        yield opened
        for log in logs:
            log.close()

    @pytest.fixture
    def outage(self, own_postgres: EmbeddedPostgres) -> PostgresOutage:
        return PostgresOutage(own_postgres)

    @pytest.fixture
    def let_go(self) -> Callable[[str, int], None]:
        return lambda topic, offset: None  # the log is the book

    @pytest.fixture
    def recreate(self, log: PostgresLog) -> Callable[[str, int], None]:
        return lambda topic, partitions: _check(log.recreate(topic, partitions))

    # Late commits

    @pytest.fixture
    def brake(self, database: str, topic: str) -> Iterator[psycopg.Connection]:
        """While this connection holds advisory lock 77, appends of the key `slow` stay before their commit."""
        with psycopg.connect(database, autocommit=True) as conn:
            conn.execute("SELECT book.reserve(1)")
            conn.execute(
                "CREATE FUNCTION brake() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NEW; END $$"
            )
            conn.execute(
                "CREATE TRIGGER brake BEFORE INSERT ON book.event FOR EACH ROW"
                f" WHEN (NEW.key = 'slow' AND NEW.topic = '{topic}') EXECUTE FUNCTION brake()"
            )
            yield conn
            conn.execute("SELECT pg_advisory_unlock_all()")
            conn.execute("DROP TRIGGER brake ON book.event")
            conn.execute("DROP FUNCTION brake")

    def test_a_record_that_commits_late_is_never_skipped(self, open_log, topic, join, brake):
        slow = partition_of(b"slow", PARTITIONS)
        beside, elsewhere = next(keys_of(slow)), next(keys_of((slow + 1) % PARTITIONS))
        owner = Owner()
        reader = join(owner)
        brake.execute("SELECT pg_advisory_lock(77)")
        appends = [
            threading.Thread(target=open_log().append, args=([record(topic, "slow", "first"), record(topic, beside)],)),
            threading.Thread(target=open_log().append, args=([record(topic, beside, "second")],)),
        ]
        for number, thread in enumerate(appends, 1):  # the first waits for the brake, the second for the first
            thread.start()
            eventually(partial(_waits, brake, number))
        open_log().append([record(topic, elsewhere, "beside")])
        owner.until([reader], lambda: len(owner.got) == 1)
        assert owner.got[0].value == b"beside"
        assert owner.poll(reader, timeout=0.3) == []

        brake.execute("SELECT pg_advisory_unlock(77)")
        owner.until([reader], lambda: len(owner.got) == 4)
        assert [(stored.offset, stored.value) for stored in owner.got[1:]] == [(0, b"first"), (1, b""), (2, b"second")]
        for thread in appends:
            thread.join()

    def test_the_offsets_of_an_append_that_died_are_given_to_the_next(self, open_log, topic, join, brake, database):
        brake.execute("SELECT pg_advisory_lock(77)")
        died: list[Exception] = []

        def append() -> None:
            try:
                open_log().append([record(topic, "slow", "never")])
            except LogUnavailable as error:
                died.append(error)

        thread = threading.Thread(target=append)
        thread.start()
        with psycopg.connect(database, autocommit=True) as conn:

            def killed() -> bool:
                return bool(
                    conn.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77"
                        " AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    ).fetchall()
                )

            eventually(killed)
        thread.join()
        assert len(died) == 1
        brake.execute("SELECT pg_advisory_unlock(77)")
        assert open_log().append([record(topic, "slow", "after")])[0].offset == 0
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: [stored.value for stored in owner.got] == [b"after"])

    def test_an_appender_frozen_while_it_sends_rows_loses_its_transaction(self, open_log, topic, database):
        with psycopg.connect(database, application_name="compound log") as frozen:
            frozen.execute("SELECT FROM book.partition WHERE topic = %s FOR UPDATE", (topic,))
            frozen.pgconn.exec_(b"COPY book.event FROM STDIN")  # and nothing is sent
            start = time.monotonic()
            assert open_log(frozen=1.0).append([record(topic, "x")])[0].offset == 0
            assert 0.5 < time.monotonic() - start < 60
            frozen.close()

    def test_an_appender_frozen_between_statements_loses_its_transaction(self, log, open_log, topic):
        slow = Link(log._url, "compound log", 1.0, open_log(frozen=1.0)._writer.prepare)

        def freeze() -> None:
            with slow.use() as conn:
                conn.execute("SELECT FROM book.partition WHERE topic = %s FOR UPDATE", (topic,))
                assert log.append([record(topic, "x")])[0].offset == 0
                conn.execute("SELECT 1")

        with pytest.raises(LogUnavailable):
            freeze()

    def test_an_append_is_there_whole_or_not_at_all(self, url, database, topic, join):
        super().test_what_a_killed_appender_acknowledged_is_there(url, database, topic, join)
        owner = Owner()
        reader = PostgresLog(url).reader(f"{topic}-whole", [topic], owner.ask)
        while owner.poll(reader, limit=10_000, timeout=1):
            pass
        reader.close()
        sizes = Counter(stored.value.rsplit(b"-", 1)[0] for stored in owner.got)
        assert sizes
        assert all(size == 1 + int(batch.split(b"-")[1]) % 40 for batch, size in sizes.items())
        assert audit(database).findings == []

    # Generations and ranges

    def test_a_recreated_topic_is_read_through_all_its_generations(self, open_log, topic, join):
        log, other = open_log(), open_log()
        log.append([record(topic, f"k{n}", n) for n in range(20)])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 20)
        assert other.recreate(topic, 2) == 2
        addresses = log.append([record(topic, f"k{n}", 20 + n) for n in range(20)])  # it learns of it by itself
        assert {at.generation for at in addresses} == {2}
        assert {at.partition for at in addresses} == {0, 1}
        assert [at.partition for at in addresses] == [partition_of(b"k%d" % n, 2) for n in range(20)]
        owner.until([reader], lambda: len(owner.got) == 40)
        assert (log.generation(topic), log.partitions(topic)) == (2, 2)
        assert set(log.heads([topic])) == {Slot(topic, 2, 0), Slot(topic, 2, 1)}

        fresh = Owner()
        again = log.reader(f"{topic}-again", [topic], fresh.ask)
        fresh.until([again], lambda: len(fresh.got) == 40)
        again.close()

    def test_the_next_range_is_made_ahead(self, open_log, topic, database, join):
        with psycopg.connect(database, autocommit=True) as conn:

            def upper() -> int:
                row = conn.execute("SELECT max(upper) FROM book.range").fetchone()
                assert row is not None
                return int(row[0])

            slot = Slot(topic, 1, partition_of(b"one", PARTITIONS))

            def stand_at(offset: int) -> None:
                conn.execute(
                    "UPDATE book.partition SET next_offset = %s WHERE topic = %s AND partition = %s",
                    (offset, topic, slot.partition),
                )

            size, first = 1_000_000, upper()
            stand_at(first - size // 2 - 30)
            log = open_log()
            log.append([record(topic, "one", n) for n in range(20)])
            assert upper() == first, "more than half a range is left"
            log.append([record(topic, "one", n) for n in range(20)])
            assert upper() == first + size, "half a range ahead"
            near = first - 100
            stand_at(near)
            log.append([record(topic, "one", n) for n in range(240)])
            stand_at(first + 3 * size)
            log.append([record(topic, "one")])
            assert upper() == first + 4 * size, "all that lie between are made"
            stand_at(near + 240)
            owner = Owner()
            owner.positions = {slot: near}
            reader = join(owner)
            owner.until([reader], lambda: len(owner.got) == 240)
            assert [int(stored.value) for stored in owner.got] == list(range(240))
            assert owner.positions[slot] == near + 240

    def test_rows_taken_out_of_the_book_are_lost_not_skipped(self, open_log, topic, join, database):
        open_log().append([record(topic, "one", n) for n in range(10)])
        with psycopg.connect(database) as conn:
            conn.execute('DELETE FROM book.event WHERE topic = %s AND "offset" = 3', (topic,))
        owner = Owner()
        reader = join(owner)
        with pytest.raises(OffsetLost, match="no row at 3"):
            owner.until([reader], lambda: False)

    def test_a_topic_that_was_never_made(self, open_log):
        with pytest.raises(ValueError, match="'nowhere' was never made"):
            open_log().append([record("nowhere", "x")])

    # Members

    def test_a_zombie_learns_that_it_lost_its_partitions(self, log, topic, join, member):
        zombie = member()
        eventually(lambda: len(zombie.assigned) == PARTITIONS)
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS // 2)
        zombie.process.send_signal(signal.SIGSTOP)
        owner.until([reader], lambda: len(reader.assigned()) == PARTITIONS)
        log.append([record(topic, f"k{n}") for n in range(40)])
        zombie.process.send_signal(signal.SIGCONT)
        eventually(lambda: bool(zombie.away))  # its connection was ended, so its first poll delivered nothing

    def test_where_a_time_begins(self, log, topic, database, join):
        for n in range(20):
            log.append([record(topic, "one", n)])
        owner = Owner()
        reader = join(owner)
        owner.until([reader], lambda: len(owner.got) == 20)
        slot = Slot(topic, 1, owner.got[0].partition)
        with psycopg.connect(database) as conn:
            for offset, stored in enumerate(owner.got):
                at = "'epoch'::timestamptz + %s * interval '1 microsecond'"
                found = conn.execute(f"SELECT book.offset_at(%s, %s, %s, {at})", (*slot, stored.recorded)).fetchone()
                assert found == (offset,)
            assert conn.execute("SELECT book.offset_at(%s, %s, %s, 'infinity')", slot).fetchone() == (20,)
            assert conn.execute("SELECT book.offset_at(%s, %s, %s, '-infinity')", slot).fetchone() == (0,)


def _check(generation: int) -> None:
    assert generation == 2


def _waits(conn: psycopg.Connection, number: int) -> bool:
    """Whether so many wait for a lock."""
    (found,) = conn.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() or (0,)
    return bool(found >= number)
