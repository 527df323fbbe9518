"""From observations to messages: numbers, boots, and what faults do to them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.clock import MINUTE
from simulators.faults.knowing import Sight, gaps
from simulators.faults.scenario import Fault
from simulators.faults.transmit import Number, boots, transmit
from simulators.wire import Message
from simulators.world.happened import Observation

SEEN = [Observation(minute * MINUTE, "reading", f'"import_wh":{minute}') for minute in range(60)]


def _send(*faults: Fault, restarts: list[int] | None = None) -> list[Message]:
    return transmit("m", SEEN, list(faults), restarts or [], Number())


def _fault(kind: str, begin: int, end: int, **more: object) -> Fault:
    return Fault(kind, "m", begin * MINUTE, end * MINUTE, more)


def test_numbers_grow_by_one_and_start_anew_with_a_boot() -> None:
    messages = _send(restarts=[30 * MINUTE])
    assert [(m.boot, m.seq) for m in messages] == [(1, n) for n in range(30)] + [(2, n) for n in range(30)]


def test_a_device_starts_with_every_session_and_after_every_crash() -> None:
    crash = Fault("crash", "m", 5, 40)
    assert boots([1, 100, 200], [crash]) == [40, 100, 200]


def test_a_lost_message_keeps_its_number() -> None:
    messages = _send(_fault("lost", 10, 20))
    assert [m.seq for m in messages if m.send is None] == list(range(10, 20))
    assert [m.seq for m in messages] == list(range(60))


@pytest.mark.parametrize(("kind", "more"), [("crash", {}), ("silent-channel", {"channel": "reading"})])
def test_what_is_never_made_takes_no_number(kind: str, more: dict[str, object]) -> None:
    messages = _send(_fault(kind, 10, 20, **more))
    assert [m.seq for m in messages] == list(range(50))
    assert len(_send(_fault("silent-channel", 10, 20, channel="event"))) == 60


def test_an_offline_device_sends_its_buffer_at_once() -> None:
    messages = _send(_fault("offline", 10, 20))
    assert {m.send for m in messages[10:20]} == {20 * MINUTE}
    assert all(m.send == m.time for m in messages[:10] + messages[20:])


@given(st.integers(0, 50), st.integers(1, 60))
def test_shuffled_messages_come_within_the_window(begin: int, lasts: int) -> None:
    end = begin + lasts
    messages = _send(_fault("shuffled", begin, end))
    assert Counter(m.seq for m in messages) == Counter(range(60))
    assert all(m.send is not None and m.time <= m.send < max(end * MINUTE, m.time + 1) for m in messages)


def test_duplicates_are_the_same_message() -> None:
    messages = _send(_fault("duplicates", 0, 60))
    assert Counter((m.boot, m.seq, m.body) for m in messages).most_common(1)[0][1] == 2
    assert len(messages) == 120


def test_a_wrong_clock_changes_what_is_shown_only() -> None:
    messages = _send(_fault("clock", 10, 20, days=366))
    assert [m.shown - m.time for m in (messages[9], messages[15], messages[20])] == [0, 366 * 86_400_000_000, 0]
    assert _send(_fault("clock", 0, 1, minutes=10))[0].shown == 10 * MINUTE


def test_between_good_signs_is_what_cannot_be_known() -> None:
    signs = [(0, ""), (1, ""), (2, "lost"), (3, "clock off"), (4, ""), (5, "")]
    sight, spans = gaps("energy", "m", None, signs, "gap")
    assert [(s.start, s.end, s.why, s.shown_from) for s in spans] == [(1, 4, "clock off", 1)]
    assert sight == Sight(5)


def test_a_subject_with_a_limit_is_known_until_then() -> None:
    sight, spans = gaps("parking", "p", Sight(0), [(10, ""), (25, "")], "gap", limit=12)
    assert [(s.start, s.end, s.shown_from) for s in spans] == [(10, 25, 22)]
    assert sight == Sight(25)
    assert gaps("parking", "p", None, [(5, "lost")], "gap", limit=12) == (None, [])
