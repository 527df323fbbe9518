"""The archiver's lag as an alert: told once, cleared by itself, and told of an archiver that is gone too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from compound.archive.behind import QUERY, judge
from compound.log.port import LogUnavailable, Slot
from compound.timeutil import DAY, HOUR, MINUTE, SECOND, moment, parse
from processors.platform.domain import Platform
from processors.runtime.domain import Tx
from tests.support.house import House

NOW = parse("2026-11-20T12:00:00Z")
SLOT = Slot("meter", 1, 0)


class Home(House):
    """A house whose log is Kafka's; `ends` are what Kafka says, None while it is away."""

    def __init__(self, url: str) -> None:
        super().__init__(url, lambda settings: Platform(settings, lambda: self.now, lambda tx: self.now))
        self.ends: Mapping[Slot, int] | None = {}

    def _tx(self) -> Tx:
        tx = super()._tx()
        tx.heads = self._heads
        return tx

    def _heads(self, topics: Sequence[str]) -> Mapping[Slot, int]:
        if self.ends is None:
            raise LogUnavailable("away")
        return self.ends


@pytest.fixture
def home(database: str) -> Iterator[Home]:
    found = Home(database)
    run(found, "INSERT INTO book.generation VALUES ('meter', 1, 'kafka', 'id', 2, %s)", moment(NOW))
    run(
        found, "INSERT INTO book.partition VALUES ('meter', 1, 0, 10, %s), ('meter', 1, 1, 0, %s)", bytes(32), bytes(32)
    )
    yield found
    found.close()


def run(home: House, statement: str, *given: Any) -> None:
    home.conn.execute(statement, given)
    home.conn.commit()


def seen(home: House, at: int, end: int, oldest: int | None = None, alarm: str | None = None, days: int = 7) -> None:
    """What the archiver reports of the first partition; the other is empty."""
    for partition, ends, waits, why in ((0, end, oldest, alarm), (1, 0, None, None)):
        run(
            home,
            "INSERT INTO book.archive VALUES ('meter', 1, %s, 0, %s, %s, %s * interval '1 day', %s, %s)"
            " ON CONFLICT (topic, generation, partition) DO UPDATE SET log_end = excluded.log_end,"
            " oldest = excluded.oldest, seen = excluded.seen, alarm = excluded.alarm",
            partition, ends, None if waits is None else moment(waits), days, moment(at), why,
        )  # fmt: skip


def archived(home: House, offset: int) -> None:
    run(home, "UPDATE book.partition SET next_offset = %s WHERE partition = 0", offset)


def test_in_time_nothing_is_told(home):
    seen(home, NOW, 10)
    home.tick(NOW + SECOND)
    seen(home, NOW, 15, NOW - 14 * MINUTE)
    home.tick(NOW + SECOND)
    assert home.told() == []


def test_late_is_told_once_and_cleared_below_half_of_the_limit(home):
    seen(home, NOW, 15, NOW - 16 * MINUTE)
    home.tick(NOW)
    home.tick(NOW + MINUTE)
    assert home.told() == [("raised", "archiver-late", True)]
    archived(home, 14)
    seen(home, NOW + 2 * MINUTE, 15, NOW - 6 * MINUTE)  # eight minutes: still above half of fifteen
    home.tick(NOW + 2 * MINUTE)
    assert len(home.told()) == 1
    seen(home, NOW + 3 * MINUTE, 15, NOW - 2 * MINUTE)
    home.tick(NOW + 3 * MINUTE)
    assert home.told()[1:] == [("cleared", "archiver-late", True)]
    seen(home, NOW + HOUR, 20, NOW + 30 * MINUTE)
    home.tick(NOW + HOUR)
    assert [step for step, *_ in home.told()] == ["raised", "cleared", "raised"]


def test_an_archiver_that_is_gone_is_judged_by_where_kafka_ends(home):
    seen(home, NOW, 10)
    home.ends = {SLOT: 11}
    home.tick(NOW + 14 * MINUTE)
    assert home.told() == []
    home.tick(NOW + 16 * MINUTE)
    assert home.told() == [("raised", "archiver-late", True)]


def test_an_archiver_that_never_was(home):
    home.ends = {SLOT: 10, Slot("meter", 1, 1): 3}
    home.tick(NOW + 16 * MINUTE)
    assert home.told() == [("raised", "archiver-late", True)]


def test_while_kafka_is_away_the_last_look_counts(home):
    home.ends = None
    seen(home, NOW, 15, NOW - MINUTE)
    home.tick(NOW + MINUTE)
    assert home.told() == []
    home.tick(NOW + 16 * MINUTE)
    assert home.told() == [("raised", "archiver-late", True)]


def test_an_archiver_that_cannot_go_on_is_told_at_once(home):
    seen(home, NOW, 15, NOW, alarm="a gap")
    home.tick(NOW)
    home.tick(NOW + SECOND)
    assert home.told() == [("raised", "archiver-stopped", True)]
    shown = home.conn.execute("SELECT rule, data->>'why', \"end\" FROM runtime.condition").fetchall()
    assert shown == [("archiver-stopped", "a gap", None)]
    seen(home, NOW + MINUTE, 15, NOW)
    home.tick(NOW + MINUTE)
    assert home.told()[1:] == [("cleared", "archiver-stopped", True)]


def test_one_holder_of_the_lock_evaluates(home, database):
    seen(home, NOW, 15, NOW - HOUR)
    other = Home(database)
    with other.conn.transaction():
        other.conn.execute("SELECT pg_advisory_xact_lock(71002, 1)")
        home.tick(NOW)
    assert home.told() == []
    home.tick(NOW)
    assert home.told() == [("raised", "archiver-late", True)]
    other.close()


def test_left_for_the_database_there_is_nothing_to_evaluate(home):
    seen(home, NOW, 15, NOW - HOUR)
    home.tick(NOW)
    run(home, "UPDATE book.partition SET closed = true")
    home.tick(NOW + MINUTE)
    assert [step for step, *_ in home.told()] == ["raised", "cleared"]


def test_the_share_of_retention(home):
    seen(home, NOW, 15, NOW - 3 * DAY, days=6)
    found = judge(home.conn.execute(QUERY), {SLOT: 40}, NOW)
    assert found is not None
    assert (found.records, found.oldest, found.where, found.seen) == (30, NOW - 3 * DAY, SLOT, NOW)
    assert found.share == 0.5
    run(home, "UPDATE book.archive SET retention = NULL")
    kept = judge(home.conn.execute(QUERY), {}, NOW)
    assert kept is not None
    assert kept.share is None


def test_lag_in_sql_counts_what_the_book_lacks(home):
    run(home, "INSERT INTO energy.position VALUES ('meter', 1, 0, 12), ('meter', 1, 1, 0)")
    seen(home, NOW, 15, NOW)
    found = home.conn.execute("SELECT partition, records, seconds FROM runtime.lag() ORDER BY 1").fetchall()
    assert found == [(0, 3, None), (1, 0, 0)]
