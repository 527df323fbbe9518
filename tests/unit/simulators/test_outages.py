"""Crashes and dead channels while live: what was made before goes out, however late, and all that falls silent comes back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest

from compound.mqtt import Broker
from simulators import run
from simulators.clock import SECOND
from simulators.faults.scenario import Fault
from simulators.gateways import Gateways
from simulators.outages import Outages
from simulators.run import Options, Runner
from simulators.simulation import Session
from simulators.truth.store import Truth
from simulators.wire import Device, Message

START, END = 1_000 * SECOND, 1_150 * SECOND
CRASH = Fault("crash", "m-light", START, END)
CHANNEL = Fault("silent-channel", "g-n1", START, END, {"channel": "reading"})


class Recorder:
    """Gateways and truth that write down what they are told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.silences: list[tuple[str, str, str, bool]] = []
        self.statuses = 0

    def publish(self, device: Device, topic: str, payload: str, stop: threading.Event | None = None) -> None:
        """A message goes out."""
        self.said.append(f"{device.id} speaks")

    def flush(self) -> None:
        """Everything is acknowledged."""

    def kill(self, device: str) -> None:
        """The device dies."""
        self.said.append(f"{device} dies")

    def revive(self, device: str, boot: int) -> None:
        """The device is there again."""
        self.said.append(f"{device} starts, boot {boot}")

    def silence(self, device: str, rule: str, channel: str, start: int, end: int | None) -> None:
        """A silence, and whether it is over."""
        self.silences.append((device, rule, channel, end is not None))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def outages(recorder: Recorder) -> Outages:
    return Outages(cast(Gateways, recorder), recorder, lambda device: 2)


def _message(time: int) -> Message:
    return Message(time, "m-light", "reading", time, time, 1, 7, '"import_wh":1')


def test_a_late_tick_sends_what_was_made_before_the_crash_and_after_it(
    recorder: Recorder, outages: Outages, tmp_path: Path
) -> None:
    truth = Truth(tmp_path / "truth.db")
    runner = Runner(Options(tmp_path, Broker("nowhere", 1883)))
    out = run._Out(runner, truth, cast(Gateways, recorder), outages, Session(0), 1)
    outages.plan([CRASH])
    out.live([_message(START - SECOND)], START + 2 * SECOND)
    out.live([], END - SECOND)
    out.live([_message(END)], END + 2 * SECOND)
    truth.close()
    assert recorder.said == ["m-light speaks", "m-light dies", "m-light starts, boot 2", "m-light speaks"]


def test_silences_are_noted_when_they_begin_and_when_they_end(recorder: Recorder, outages: Outages) -> None:
    outages.plan([CRASH, CHANNEL])
    for until in (START - 1, START, START + SECOND, END, END + SECOND):
        outages.mend(until)
        outages.strike(until)
    crash, channel = ("m-light", "offline", ""), ("g-n1", "channel-silent", "reading")
    assert set(recorder.silences[:2]) == {(*crash, False), (*channel, False)}
    assert set(recorder.silences[2:]) == {(*crash, True), (*channel, True)}


def test_where_crashes_overlap_a_device_dies_once_and_is_back_after_the_last(
    recorder: Recorder, outages: Outages
) -> None:
    """As after a restart: the fault of the session before goes on while that of this one begins."""
    outages.plan([CRASH, Fault("crash", "m-light", START + 60 * SECOND, END + 60 * SECOND)])
    for until in range(START, END + 90 * SECOND, SECOND):
        outages.mend(until)
        outages.strike(until)
        if until < END + 60 * SECOND:
            assert recorder.said == ["m-light dies"]
    assert recorder.said == ["m-light dies", "m-light starts, boot 2"]
    assert recorder.silences == [("m-light", "offline", "", False), ("m-light", "offline", "", True)]


def test_a_plan_made_anew_keeps_what_is_silent_and_leaves_what_is_over(recorder: Recorder, outages: Outages) -> None:
    outages.plan([CRASH])
    outages.strike(START)
    outages.plan([CHANNEL])  # the day took so long to make anew that the crash ended meanwhile
    outages.mend(END + SECOND)
    outages.strike(END + SECOND)
    assert recorder.said == ["m-light dies", "m-light starts, boot 2"]
    assert recorder.silences[-1] == ("m-light", "offline", "", True)


def test_an_outage_that_a_tick_slept_through_is_none(recorder: Recorder, outages: Outages) -> None:
    outages.plan([CRASH])
    for until in (START - SECOND, END):
        outages.mend(until)
        outages.strike(until)
    assert (recorder.said, recorder.silences) == ([], [])
