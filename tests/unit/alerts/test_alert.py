"""An alert is the fold over its events, in whatever order they are read."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from compound.events import Event
from compound.timeutil import SECOND, moment, parse
from processors.alerts.alert import Alert, Entry, fold
from processors.alerts.webhook import refusal
from tests.support.alerts import acknowledge, told

TEN = parse("2026-11-02T10:00:00+08:00")


def entry(event: Event, recorded: int, offset: int = 0) -> Entry:
    return Entry(event.id, event.type, moment(event.time), moment(recorded), offset, msgspec.json.decode(event.data))


def after(*events: Event) -> Alert:
    """The alert after events recorded a second apart; the same in every order of reading."""
    entries = [entry(event, TEN + n * SECOND, n) for n, event in enumerate(events)]
    results = [fold("a", order) for order in permutations(entries)]
    assert all(result == results[0] for result in results)
    return results[0]


def test_raised_acknowledged_cleared() -> None:
    alert = after(told("raised", "a", TEN), acknowledge("a", TEN + SECOND), told("cleared", "a", TEN + 2 * SECOND))
    assert (alert.phase, alert.acknowledged_by, alert.note) == ("cleared", "guard", "seen")
    assert (alert.raised, alert.cleared) == (moment(TEN), moment(TEN + 2 * SECOND))


def test_an_acknowledgement_counts_for_the_raising_before_it() -> None:
    alert = after(
        told("raised", "a", TEN),
        acknowledge("a", TEN, "first"),
        told("cleared", "a", TEN),
        told("raised", "a", TEN + SECOND, 2),
    )
    assert (alert.phase, alert.acknowledged, alert.times, alert.cleared) == ("raised", None, 2, None)


def test_the_first_acknowledgement_stands() -> None:
    alert = after(told("raised", "a", TEN), acknowledge("a", TEN, "first"), acknowledge("a", TEN, "second"))
    assert alert.acknowledged_by == "first"


def test_a_command_without_an_alert_is_none() -> None:
    assert after(acknowledge("a", TEN)) == Alert("a")


def test_what_was_withdrawn_keeps_what_was_said_of_it() -> None:
    alert = after(told("raised", "a", TEN), told("withdrawn", "a", TEN, detail={}, end=None))
    assert (alert.phase, bool(alert.detail)) == ("withdrawn", True)


@pytest.mark.parametrize(
    ("status", "body", "good"),
    [
        (200, b"", True),
        (204, b"", True),
        (200, b"ok", True),
        (200, b'{"errcode":0,"errmsg":"ok"}', True),
        (200, b'{"errcode":45009,"errmsg":"api freq out of limit"}', False),
        (200, b'{"errcode":"310000"}', False),
        (200, b'{"StatusCode":0,"code":0}', True),
        (200, b'{"code":200}', True),
        (200, b'{"code":19001}', False),
        (200, b'{"ok":false}', False),
        (200, b'{"success":true}', True),
        (200, b"[1]", True),
        (200, b"\xff", True),
        (302, b"", False),
        (500, b'{"errcode":0}', False),
    ],
)
def test_a_delivery_counts_only_on_a_good_answer(status: int, body: bytes, good: bool) -> None:
    assert (refusal(status, body) is None) is good
