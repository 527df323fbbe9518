"""While a fault goes on, only what was settled before it is compared; what it holds back may be there or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.verify import devices
from ops.verify.compare import differences
from ops.verify.difference import text
from ops.verify.truth import TruthReader
from simulators.clock import DAY, HOUR, MINUTE, SECOND
from simulators.faults.scenario import UNSETTLED
from simulators.truth.store import Truth
from tests.unit.verify.platform import Platform, calm, case

DEVICE = "m-b1-f3"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The truth of two calm days."""
    calm(tmp_path / "truth.db")
    return tmp_path / "truth.db"


def _hold_back(path: Path, start: int, end: int) -> None:
    """The device's messages of [start, end) are not out yet."""
    truth = Truth(path)
    truth.conn.execute(
        "DELETE FROM message WHERE time >= ? AND time < ? AND device = ?", (start, end, truth.number[DEVICE])
    )
    truth.close()


def _break(path: Path, kind: str, start: int, end: int) -> None:
    truth = Truth(path)
    truth.conn.execute("INSERT INTO unsettled VALUES (?, ?, ?, ?)", (DEVICE, kind, start, end))
    truth.close()


@pytest.fixture
def cursor(path: Path) -> int:
    """Up to where all messages of the truth were sent."""
    reader = TruthReader(path)
    found = reader.cursor
    reader.close()
    return found


@pytest.mark.parametrize("kind", sorted(UNSETTLED))
def test_nothing_since_the_start_of_an_open_fault_is_compared(path: Path, cursor: int, kind: str) -> None:
    start = cursor - 3 * HOUR
    _break(path, kind, start, cursor + HOUR)
    _break(path, kind, cursor - DAY, cursor - DAY + HOUR)  # over
    _break(path, kind, cursor + HOUR, cursor + 2 * HOUR)  # yet to come
    reader = TruthReader(path)
    assert (reader.cutoff, reader.cursor) == (start - 1, cursor)
    reader.close()


def test_what_is_made_at_the_very_end_is_yet_to_come(path: Path, cursor: int) -> None:
    """A run that ends at midnight has sent all before it, and not the readings of that moment."""
    reader = TruthReader(path)
    assert reader.cutoff == cursor - 1
    reader.close()


def test_a_fault_that_just_ended_is_settled_by_the_next_reading(path: Path, cursor: int) -> None:
    _break(path, "spike", cursor - HOUR, cursor - 5 * MINUTE)
    reader = TruthReader(path)
    assert reader.cutoff == cursor - HOUR - 1
    reader.close()


class Devices(Platform):
    """Answers the gaps and conditions that a test gives."""

    def __init__(
        self,
        gaps: list[tuple[int, int]],
        told: list[dict[str, Any]] | None = None,
        quarantined: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        self._gaps, self._told, self._quarantined = gaps, told or [], quarantined or []

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Only what belongs to DEVICE."""
        if path == f"/v1/devices/{DEVICE}/gaps":
            yield from ({"boot": 1, "first": first, "last": last} for first, last in self._gaps)
        elif path == "/v1/conditions":
            yield from (item for item in self._told if item["rule"] == params["rule"])
        elif path == "/v1/quarantine":
            yield from self._quarantined


def _found(path: Path, platform: Platform) -> set[tuple[str, str]]:
    reader = TruthReader(path)
    found = differences(case(reader, platform, reader.cutoff), lambda *_: None, devices.CHECKS)
    result = {(difference.check, difference.truth) for difference in found}
    reader.close()
    return result


def test_numbers_held_back_may_be_missing_or_not_but_no_others(path: Path, cursor: int) -> None:
    _hold_back(path, cursor - 3 * HOUR, cursor - HOUR)
    reader = TruthReader(path)
    sent = {
        row[0] for row in reader.rows("SELECT seq FROM message JOIN device ON number = device WHERE id = ?", DEVICE)
    }
    reader.close()
    first, *_, last = sorted(set(range(max(sent))) - sent)
    assert _found(path, Devices([(first, last)])) == set()
    assert _found(path, Devices([(first, first + 1)])) == set(), "some came meanwhile"
    assert _found(path, Devices([])) == set()
    assert _found(path, Devices([(first - 1, last + 1)])) == {("missing numbers", "none")}


def test_only_a_device_that_spoke_is_wrongly_told_to_be_silent(path: Path, cursor: int) -> None:
    start = cursor - 6 * HOUR
    told = {"rule": "silent", "subject": DEVICE, "what": "", "start": text(start), "end": text(start + 4 * HOUR)}
    assert _found(path, Devices([], [told])) == {("silent", "none")}
    _hold_back(path, start, start + 4 * HOUR)
    assert _found(path, Devices([], [told])) == set()
    assert _found(path, Devices([], [{**told, "rule": "offline"}])) == {("offline", "none")}


@pytest.mark.parametrize(
    ("ago", "cleared", "wrong"), [(30, None, False), (120, None, True), (120, 90, False), (120, 30, True)]
)
def test_a_silence_that_just_ended_need_not_be_cleared_yet(
    path: Path, cursor: int, ago: int, cleared: int | None, wrong: bool
) -> None:
    """It ended `ago` seconds before the end of all, and is told to have ended `cleared` seconds before it."""
    end = cursor - ago * SECOND
    truth = Truth(path)
    truth.silence(DEVICE, "silent", "", end - HOUR, end)
    truth.close()
    shown = None if cleared is None else text(cursor - cleared * SECOND)
    told = {"rule": "silent", "subject": DEVICE, "what": "", "start": text(end - HOUR), "end": shown}
    assert _found(path, Devices([], [told])) == ({("silent", f"to {text(end)}")} if wrong else set())
    assert _found(path, Devices([])) == {("silent", f"told, to {text(end)}")}


def test_a_silence_of_a_channel_lasts_until_it_speaks(path: Path, cursor: int) -> None:
    """It could have spoken in between, but there was nothing to say: one silence, told once."""
    _hold_back(path, cursor - 5 * HOUR, cursor - HOUR)
    truth = Truth(path)
    [(back,)] = truth.conn.execute(
        "SELECT min(sent) FROM message WHERE device = ? AND time >= ?", (truth.number[DEVICE], cursor - HOUR)
    )
    for hours in (5, 3):
        truth.silence(DEVICE, "channel-silent", "reading", cursor - hours * HOUR, cursor - (hours - 1) * HOUR)
    truth.close()
    start = text(cursor - 5 * HOUR)
    told = {"rule": "channel-silent", "subject": DEVICE, "what": "reading", "start": start, "end": text(back)}
    assert _found(path, Devices([], [told])) == set()
    assert _found(path, Devices([], [{**told, "end": None}])) == {("channel-silent", f"to {text(back)}")}
    assert _found(path, Devices([])) == {("channel-silent", f"told, to {text(back)}")}


@pytest.mark.parametrize(
    ("recorded", "wrong"),
    [([-2, -1], set()), ([-2, 1], set()), ([-2, 1, 2], set()), ([-2], {"2"}), ([-3, -2, -1], {"2"}), ([], {"2"})],
)
def test_a_message_recorded_since_the_cursor_may_have_been_sent_before_it_or_after(
    path: Path, cursor: int, recorded: list[int], wrong: set[str]
) -> None:
    """Two messages of the future were sent before the cursor, a third after it; entries recorded so many seconds after it."""
    _hold_back(path, cursor - HOUR, cursor + HOUR)
    truth = Truth(path)
    for seq, sent in enumerate((cursor - 5 * SECOND, cursor - SECOND, cursor + SECOND)):
        row = (truth.number[DEVICE], 9, seq, "reading", sent, sent + DAY, sent)
        truth.conn.execute(
            "INSERT INTO message (device, boot, seq, channel, time, shown, sent) VALUES (?, ?, ?, ?, ?, ?, ?)", row
        )
    truth.close()
    entries = [
        {"device": DEVICE, "reason": "time in the future", "recorded": text(cursor + s * SECOND), "count": 1}
        for s in recorded
    ]
    found = {truth for check, truth in _found(path, Devices([], [], entries)) if check == "quarantine"}
    assert found == {f"{number} time in the future" for number in wrong}
