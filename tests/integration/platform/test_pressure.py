"""What harms the house is told once and cleared by itself: floods, what can't be read, clocks, lag, a broker that fills."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from compound.settings import Settings
from compound.timeutil import HOUR, MINUTE, SECOND, moment, parse
from processors.platform.domain import Platform
from tests.properties.events import DAY0
from tests.support.house import House

NOW = parse("2026-11-20T12:00:00Z")
RAISED, CLEARED = "raised", "cleared"


class Home(House):
    """A platform whose steady clock goes as `now` does, but by `set_by` (µs) `now` was set, and the database's by `set_there`."""

    def __init__(self, url: str) -> None:
        self.set_by = self.set_there = 0
        super().__init__(url, self._made)

    def _made(self, settings: Settings) -> Platform:
        return Platform(settings, lambda: self.now - self.set_by, lambda tx: self.now - self.set_by + self.set_there)

    def run(self, statement: str, *given: Any) -> None:
        """A statement of its own."""
        self.conn.execute(statement, given)
        self.conn.commit()

    def said(self) -> list[tuple[str, str]]:
        """Steps and rules told so far."""
        return [(step, rule) for step, rule, _ in self.told()]


@pytest.fixture
def home(database: str) -> Iterator[Home]:
    found = Home(database)
    yield found
    found.close()


def heard(home: Home, device: str, fresh: int, last: int, newest: int | None = None) -> None:
    """What liveness has of a device."""
    home.run(
        "INSERT INTO liveness.device (device, kind, site, first_seen, last_seen, newest, boot, messages, fresh)"
        " VALUES (%s, 'meter', 's', %s, %s, %s, 1, %s, %s) ON CONFLICT (device) DO UPDATE SET last_seen = excluded.last_seen,"
        " newest = excluded.newest, messages = excluded.messages, fresh = excluded.fresh",
        device, moment(last), moment(last), moment(last if newest is None else newest), fresh, fresh,
    )  # fmt: skip


def a_minute(home: Home, number: int, fresh: int, **more: int) -> None:
    """The look after so many minutes, with so many messages of m1 until then."""
    at = NOW + number * MINUTE
    heard(home, "m1", fresh, at, more.get("newest"))
    home.tick(at)


def test_a_flood_is_told_after_two_minutes_and_cleared_below_half(home: Home) -> None:
    meter = {"kind": "meter", "site": "s", "point": "p1", "rated_w": 9000, "interval_s": 60}
    home.register(
        ("site", "s", DAY0, {"latitude": 39.9, "longitude": 116.4}),
        ("point", "p1", DAY0, {"type": "meter", "site": "s", "medium": "electricity"}),
        ("device", "m1", DAY0, meter),
    )
    for minute, fresh in enumerate((0, 99, 198, 298)):  # up to a hundred times once a minute
        a_minute(home, minute, fresh)
    assert home.said() == []
    a_minute(home, 4, 1298)
    assert home.said() == [(RAISED, "flood")]
    a_minute(home, 5, 1360)
    assert home.said() == [(RAISED, "flood")]
    a_minute(home, 6, 1400)
    assert home.said() == [(RAISED, "flood"), (CLEARED, "flood")]
    [(subject, detail)] = home.conn.execute("SELECT subject, data FROM condition WHERE kind = 'flood'").fetchall()
    assert (subject, detail["per_minute"], detail["limit"]) == ("m1", 1000, 100)


def test_a_backlog_read_late_in_one_go_is_no_flood(home: Home) -> None:
    """A device without an interval may send 600 a minute; what came in ten minutes is judged by these."""
    heard(home, "g1", 0, NOW)
    home.tick(NOW)
    for number in (1, 2, 3):
        heard(home, "g1", 5_000 * number, NOW + number * 10 * MINUTE)
        home.tick(NOW + number * MINUTE)
    assert home.said() == []


def test_another_evaluator_that_just_began_ends_nothing(home: Home, database: str) -> None:
    for minute in range(3):
        a_minute(home, minute, 10_000 * minute)
    assert home.said() == [(RAISED, "flood")]
    other = Home(database)
    other.tick(NOW + 3 * MINUTE)
    other.close()
    assert home.said() == [(RAISED, "flood")]


def test_a_clock_that_stays_behind_is_told_and_one_that_catches_up_is_not(home: Home) -> None:
    for minute in range(0, 60, 5):  # a buffer of two hours, delivered twice as fast as time goes
        at = NOW + minute * MINUTE
        heard(home, "m2", minute, at, at - 2 * HOUR + minute * MINUTE)
        a_minute(home, minute, minute, newest=NOW - 2 * HOUR + minute * MINUTE)
        assert home.said() == ([(RAISED, "clock-behind")] if minute >= 10 else [])
    [(subject,)] = home.conn.execute("SELECT subject FROM condition").fetchall()
    assert subject == "m1"
    a_minute(home, 60, 60)
    assert home.said()[1:] == [(CLEARED, "clock-behind")]


def refused(home: Home, number: int, at: int, reason: str = "not JSON", device: str = "m1", copies: int = 1) -> None:
    """A message in quarantine."""
    home.run(
        "INSERT INTO quarantine.message VALUES (%s, %s, NULL, %s, NULL, 9, false, '2026-11', 'c2VhbGVk', %s, %s, %s, %s)",
        f"{device}-{reason}-{number}", reason, f"compound/v1/s/meter/{device}/reading",
        moment(at), moment(at), moment(at), copies,
    )  # fmt: skip


@pytest.mark.parametrize(("reason", "rule"), [("not JSON", "unreadable"), ("time in the future", "clock-ahead")])
def test_a_device_that_cannot_be_read_is_told_and_others_are_not(home: Home, reason: str, rule: str) -> None:
    for number in range(19):
        refused(home, number, NOW, reason)
        refused(home, number, NOW, reason, "m2")
    home.tick(NOW)
    assert home.said() == []
    refused(home, 19, NOW + MINUTE, reason)
    home.tick(NOW + MINUTE)
    home.tick(NOW + 2 * MINUTE)
    assert home.said() == [(RAISED, rule)]
    assert home.conn.execute("SELECT subject, data->>'messages' FROM condition").fetchall() == [("m1", "20")]
    home.tick(NOW + HOUR + 2 * MINUTE)
    assert home.said()[1:] == [(CLEARED, rule)]


def test_one_message_that_comes_again_and_again_counts_each_time(home: Home) -> None:
    refused(home, 1, NOW, copies=20)
    home.tick(NOW + MINUTE)
    assert home.said() == [(RAISED, "unreadable")]


def behind(home: Home, records: int, seconds: int) -> None:
    """Parking has not read so many records, the oldest of so many seconds."""
    home.run("DELETE FROM book.event")
    home.run("DELETE FROM book.partition")
    home.run("DELETE FROM parking.position")
    home.run("INSERT INTO book.generation VALUES ('parking', 1, 'postgresql', NULL, 1) ON CONFLICT DO NOTHING")
    home.run("INSERT INTO book.partition VALUES ('parking', 1, 0, %s, %s)", records, bytes(32))
    home.run("INSERT INTO parking.position VALUES ('parking', 1, 0, 0)")
    home.run(
        "INSERT INTO book.event (topic, generation, partition, \"offset\", recorded, key, headers, value, hash)"
        " VALUES ('parking', 1, 0, 0, now() - %s * interval '1 second', 'k', '', '', %s)",
        seconds, bytes(32),
    )  # fmt: skip


def test_lag_that_does_not_shrink_is_told_and_one_that_does_is_not(home: Home) -> None:
    for minute, (records, seconds) in enumerate(((900, 400), (800, 450), (700, 500))):
        behind(home, records, seconds)
        home.tick(NOW + minute * MINUTE)
    assert home.said() == []
    behind(home, 701, 560)
    home.tick(NOW + 3 * MINUTE)
    assert home.said() == [(RAISED, "processors-late")]
    behind(home, 300, 200)
    home.tick(NOW + 4 * MINUTE)
    assert len(home.said()) == 1
    behind(home, 10, 5)
    home.tick(NOW + 5 * MINUTE)
    assert home.said()[1:] == [(CLEARED, "processors-late")]


def test_a_broker_that_fills_is_told_and_one_without_a_limit_is_not(home: Home) -> None:
    def holds(waiting: int, most: int, at: int) -> None:
        home.run("DELETE FROM liveness.broker")
        home.run("INSERT INTO liveness.broker VALUES ('i', %s, %s, %s)", moment(at), waiting, most)
        home.tick(at)

    holds(10**9, 0, NOW)
    holds(499, 1000, NOW + SECOND)
    assert home.said() == []
    holds(500, 1000, NOW + 2 * SECOND)
    holds(251, 1000, NOW + 3 * SECOND)
    assert home.said() == [(RAISED, "broker-queue")]
    holds(249, 1000, NOW + 4 * SECOND)
    assert home.said()[1:] == [(CLEARED, "broker-queue")]


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_clock_that_is_set_is_told_for_ten_minutes(home: Home, jump: int) -> None:
    home.tick(NOW)
    home.tick(NOW + SECOND)
    assert home.said() == []
    home.set_by = jump
    home.tick(NOW + jump + 2 * SECOND)
    home.tick(NOW + jump + 9 * MINUTE)
    assert home.said() == [(RAISED, "server-clock")]
    home.tick(NOW + jump + 11 * MINUTE)
    assert home.said()[1:] == [(CLEARED, "server-clock")]
    home.set_there = jump
    home.tick(NOW + jump + 12 * MINUTE)
    assert home.said()[2:] == [(RAISED, "server-clock")]
    found = home.conn.execute("SELECT subject, data->>'seconds' FROM condition ORDER BY start").fetchall()
    assert found == [(socket.gethostname(), str(jump // SECOND)), ("database", str(jump // SECOND))]
