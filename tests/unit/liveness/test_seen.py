"""What a batch says of its devices: signs of life, wills, replays, numbers."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from compound.events import Event, Received
from processors.liveness.seen import Seen, gather, multirange, wills


def status(recorded: int, state: str, boot: int = 1, **more: Any) -> Received:
    data = msgspec.json.encode({"boot": boot, "state": state, **more})
    event = Event("i", "compound/v1/s/meter/m", "device.status.v1", recorded - 1, "m", data)
    return Received(event, "meter", 1, 0, 0, recorded)


def reading(recorded: int, seq: int, boot: int = 1, **more: Any) -> Received:
    data = msgspec.json.encode({"boot": boot, "seq": seq, "import_wh": 1, **more})
    event = Event("i", "compound/v1/s/meter/m", "meter.reading.v1", recorded - 1, "m", data)
    return Received(event, "meter", 1, 0, 0, recorded)


def one(*events: Received, boot: int = 0) -> Seen:
    return gather(events, {"m": boot})["m"]


def test_a_message_is_a_sign_of_life() -> None:
    seen = one(reading(10, 1), reading(20, 2))
    assert (seen.first, seen.last, seen.newest, seen.status, seen.since) == (10, 20, 19, "online", 10)
    assert seen.channels == {"reading": 20}
    assert (seen.site, seen.kind, seen.messages) == ("s", "meter", 2)


def test_a_will_is_none_and_declares_the_device_gone() -> None:
    seen = one(reading(10, 1), status(20, "offline", will=True))
    assert (seen.last, seen.status, seen.since, seen.flipped) == (10, "offline", 20, True)


def test_a_will_older_than_the_newest_boot_is_void() -> None:
    assert one(reading(10, 1, boot=2), status(20, "offline", boot=1, will=True)).status == "online"
    assert one(status(20, "offline", boot=1, will=True), boot=2).status is None
    assert one(status(20, "offline", boot=2, will=True), boot=2).status == "offline"


def test_a_retained_replay_is_no_sign_of_life_but_its_boot_counts() -> None:
    seen = one(status(20, "online", boot=3, time="2026-01-01T00:00:00Z", retained=True))
    assert (seen.last, seen.status, seen.boot, seen.channels) == (None, None, 3, {})


def test_only_devices_with_a_will_need_their_boot() -> None:
    assert wills([reading(10, 1), status(11, "online")]) == set()
    assert wills([status(11, "offline", will=True)]) == {"m"}


@given(st.lists(st.integers(0, 30)))
def test_numbers_become_ranges(numbers: list[int]) -> None:
    text = multirange(numbers)
    pieces = [piece.strip("[") for piece in text.strip("{}").rstrip(")").split("),") if piece]
    found = {n for piece in pieces for n in range(*map(int, piece.split(",")))}
    assert found == set(numbers)
    assert len(pieces) == sum(n - 1 not in found for n in found)


def test_the_last_number_of_int8_has_no_range() -> None:
    assert multirange([2**63 - 1]) == "{}"
