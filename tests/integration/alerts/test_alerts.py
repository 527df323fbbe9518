"""Alerts as projection: states, acknowledgement in the race, one alert for one cause, what is queued to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compound.events import COMMANDS, HISTORY, Event
from compound.settings import Settings
from compound.timeutil import DAY, SECOND, parse
from processors.alerts import create
from tests.support.alerts import acknowledge, told
from tests.support.bench import Bench

TEN = parse("2026-11-02T10:00:00+08:00")


class Desk(Bench):
    """A bench of alerts."""

    def hear(self, *events: Event, at: int) -> None:
        self.arrive(*events, at=at, topic=HISTORY)

    def command(self, event: Event, at: int) -> None:
        self.arrive(event, at=at, topic=COMMANDS)

    def pass_time(self, at: int) -> None:
        with self.conn.transaction():
            self.domain.tick(self.tx(at))

    def states(self) -> dict[str, str | None]:
        return dict(self.rows("SELECT id, state FROM alerts.alert ORDER BY id"))

    def queued(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT event, state FROM alerts.delivery ORDER BY number")


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    made = Desk(database, create(Settings(alert_webhook_url="http://127.0.0.1:9/")))
    yield made
    made.close()


def test_a_security_alarm_that_cleared_unacknowledged_stays_on_the_list(desk: Desk) -> None:
    for alert, category in (("a", "security"), ("b", "maintenance")):
        desk.hear(told("raised", alert, TEN, category=category, rule=alert), at=TEN)
    assert desk.states() == {"a": "raised", "b": "raised"}
    for alert, category in (("a", "security"), ("b", "maintenance")):
        desk.hear(told("cleared", alert, TEN, category=category, rule=alert), at=TEN + SECOND)
    assert desk.states() == {"a": "unacknowledged", "b": "cleared"}
    desk.command(acknowledge("a", TEN), at=TEN + 2 * SECOND)
    assert desk.states() == {"a": "cleared", "b": "cleared"}


def test_what_was_over_before_it_could_be_known_goes_to_the_history(desk: Desk) -> None:
    desk.hear(told("raised", "a", TEN, notify=False), told("cleared", "a", TEN, notify=False), at=TEN)
    assert (desk.states(), desk.queued()) == ({"a": "cleared"}, [])


def test_an_acknowledgement_read_before_the_alert_counts(desk: Desk) -> None:
    """The race: commands and history are two topics."""
    desk.command(acknowledge("a", TEN), at=TEN + 2 * SECOND)
    assert desk.states() == {"a": None}
    desk.hear(told("raised", "a", TEN), at=TEN + SECOND)
    assert desk.states() == {"a": "acknowledged"}


def test_events_that_stand_twice_in_the_log_count_once(desk: Desk) -> None:
    batch = told("raised", "a", TEN), told("cleared", "a", TEN)
    desk.hear(*batch, *batch, at=TEN)
    desk.hear(*batch, at=TEN + SECOND)
    assert desk.rows("SELECT times, state FROM alerts.alert") == [(1, "unacknowledged")]
    assert [event for event, _ in desk.queued()] == ["a-raised-1", "a-cleared-1"]


def test_one_alert_for_one_cause(desk: Desk) -> None:
    """A forced door that is held open: the second alarm stands under the first and is not sent."""
    desk.hear(told("raised", "f", TEN, rule="forced"), told("raised", "h", TEN, rule="held"), at=TEN)
    assert desk.rows("SELECT id, under FROM alerts.alert ORDER BY id") == [("f", None), ("h", "f")]
    desk.hear(told("cleared", "h", TEN, rule="held"), told("cleared", "f", TEN, rule="forced"), at=TEN + SECOND)
    assert [event for event, _ in desk.queued()] == ["f-raised-1", "f-cleared-1"]


def test_one_cause_ends_both_and_only_the_first_is_told(desk: Desk) -> None:
    """The door is shut: the forced alarm clears first, the held one under it a moment later. Of that one nothing is sent."""
    desk.hear(told("raised", "f", TEN, rule="forced"), told("raised", "h", TEN, rule="held"), at=TEN)
    desk.hear(told("cleared", "f", TEN + SECOND, rule="forced"), at=TEN + SECOND)
    desk.pass_time(TEN + 2 * SECOND)
    desk.hear(told("cleared", "h", TEN + SECOND, rule="held"), at=TEN + 2 * SECOND)
    desk.pass_time(TEN + 60 * SECOND)
    assert [event for event, _ in desk.queued()] == ["f-raised-1", "f-cleared-1"]


def test_when_the_first_is_withdrawn_the_other_stands_for_itself(desk: Desk) -> None:
    desk.hear(told("raised", "f", TEN, rule="forced"), told("raised", "h", TEN, rule="held"), at=TEN)
    desk.hear(told("withdrawn", "f", TEN + SECOND, rule="forced"), at=TEN + SECOND)
    desk.pass_time(TEN + 2 * SECOND)
    assert desk.rows("SELECT id, under FROM alerts.alert ORDER BY id") == [("f", None), ("h", "f")]
    desk.pass_time(TEN + 6 * SECOND)
    desk.hear(told("cleared", "h", TEN, rule="held"), at=TEN + 7 * SECOND)
    assert desk.rows("SELECT id, under FROM alerts.alert ORDER BY id") == [("f", None), ("h", None)]
    assert [event for event, _ in desk.queued()] == ["f-raised-1", "f-withdrawn-1", "h-raised-1", "h-cleared-1"]


def test_another_door_is_another_cause(desk: Desk) -> None:
    desk.hear(told("raised", "f", TEN, rule="forced"), at=TEN)
    desk.hear(told("raised", "h", TEN, rule="held", subject="gate-north"), at=TEN)
    assert [event for event, _ in desk.queued()] == ["f-raised-1", "h-raised-1"]


def test_what_is_too_old_when_it_is_read_is_left(desk: Desk) -> None:
    event = told("raised", "a", TEN)
    desk.hear(event, at=TEN)
    late = told("raised", "b", TEN, rule="tamper")
    with desk.conn.transaction():
        tx = desk.tx(TEN + 2 * DAY)
        desk.domain.apply(tx, [desk.received(late, HISTORY, TEN)])
    assert desk.queued() == [("a-raised-1", "waiting"), ("b-raised-1", "left")]


def test_unreadable_history_harms_nothing(desk: Desk) -> None:
    broken = Event("x", "compound", "alert.raised.v1", TEN, "s", b'{"alert":1}')
    desk.hear(broken, told("raised", "a", TEN), at=TEN)
    desk.command(told("raised", "forged", TEN), at=TEN)
    assert desk.states() == {"a": "raised"}
