"""A run: history, then the end or live; started again it goes on, and what is sent again is the same."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from compound.mqtt import Broker
from simulators import run
from simulators.connection import Stopped
from simulators.faults.scenario import Fault
from simulators.pace import speed
from simulators.run import Options, Runner
from simulators.truth.store import TruthError, alone


class Recorder:
    """Gateways that write down what they are given."""

    published: list[tuple[str, str]] = []  # noqa: RUF012 - cleared by the fixture

    def __init__(self, broker: Broker, name: str, alone: list[str]) -> None:
        self.alone = alone
        self.statuses = 0

    def open(self, boots: dict[str, int]) -> None:
        """Nothing to connect."""

    def online(self, boots: dict[str, int], at: int) -> None:
        """Count the status messages."""
        self.statuses += len(boots)

    def publish(self, device: object, topic: str, payload: str, stop: threading.Event | None = None) -> None:
        """Keep it."""
        self.published.append((topic, payload))

    def flush(self) -> None:
        """Everything is acknowledged."""

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    Recorder.published.clear()
    monkeypatch.setattr(run, "Gateways", Recorder)
    return Recorder.published


def _options(folder: Path, **more: Any) -> Options:
    return Options(folder, Broker("nowhere", 1883), history_days=1, live=False, **more)


def _objects(published: list[tuple[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for topic, payload in published:
        read = msgspec.json.decode(payload)
        elements = read if isinstance(read, list) else read.get("meters", [read])
        for element in elements:
            device = element.get("addr") or topic.split("/")[-2]
            found[f"{device}/{element['boot']}/{element['seq']}"] += 1
    return found


def test_history_is_sent_once_and_written_down(tmp_path: Path, sent: list[tuple[str, str]]) -> None:
    progress = Runner(_options(tmp_path)).run()
    objects = _objects(sent)
    assert set(objects.values()) == {1}
    assert progress.objects == len(objects)
    assert progress.live
    truth = sqlite3.connect(tmp_path / "truth.db")
    assert truth.execute("SELECT count(*) FROM message WHERE sent IS NOT NULL").fetchone() == (len(objects),)
    truth.close()


def test_a_second_run_sends_only_what_came_since(tmp_path: Path, sent: list[tuple[str, str]]) -> None:
    Runner(_options(tmp_path)).run()
    first = _objects(sent)
    sent.clear()
    Runner(_options(tmp_path)).run()
    second = _objects(sent)
    assert not first.keys() & second.keys()
    assert len(second) < 2000


def test_what_was_not_written_down_is_sent_again_the_same(tmp_path: Path, sent: list[tuple[str, str]]) -> None:
    Runner(_options(tmp_path)).run()
    first = {payload for _, payload in sent}
    truth = sqlite3.connect(tmp_path / "truth.db")  # as after SIGKILL before the first day was written down
    truth.execute("UPDATE session SET cursor = (SELECT min(time) FROM count)")
    truth.commit()
    truth.close()
    sent.clear()
    Runner(_options(tmp_path)).run()
    again = {payload for _, payload in sent}
    assert len(first & again) > 0.9 * len(first)
    assert set(_objects(sent).values()) == {1}


def test_a_stop_ends_the_run_between_two_days(tmp_path: Path, sent: list[tuple[str, str]]) -> None:
    stop = threading.Event()
    stop.set()
    Runner(_options(tmp_path), stop=stop).run()
    assert not sent


def test_the_run_pauses_while_the_platform_is_behind(
    tmp_path: Path, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def backlog(objects: int) -> int:
        asked.append(objects)
        return 10**9 if len(asked) == 1 else 0

    monkeypatch.setattr(run, "_ASK", 2_000)
    Runner(_options(tmp_path), backlog=backlog).run()
    assert len(asked) >= 2
    assert asked[0] == asked[1]


def test_speeds() -> None:
    assert [speed(text) for text in ("max", "realtime", "60")] == [None, 1.0, 60.0]
    for text in ("0", "-1", "fast"):
        with pytest.raises(ValueError, match=r"float|speed"):
            speed(text)


def test_faults_can_be_kept_in_sets() -> None:
    assert len({Fault("lost", "m", 0, 1, {"a": 1}), Fault("lost", "m", 0, 1, {"a": 1})}) == 1


def test_two_runs_on_one_folder_are_refused(tmp_path: Path, sent: list[tuple[str, str]]) -> None:
    with alone(tmp_path / "simulate.lock"), pytest.raises(TruthError, match="already run"):
        Runner(_options(tmp_path)).run()
    assert not sent


def test_a_stop_in_the_middle_writes_down_only_what_went_out(
    tmp_path: Path, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(self: Recorder, device: object, topic: str, payload: str, stop: threading.Event | None = None) -> None:
        if len(sent) == 20:
            raise Stopped("no room")
        sent.append((topic, payload))

    monkeypatch.setattr(Recorder, "publish", publish)
    Runner(_options(tmp_path)).run()
    truth = sqlite3.connect(tmp_path / "truth.db")
    assert truth.execute("SELECT count(*) FROM message WHERE sent IS NOT NULL").fetchone() == (0,)
    truth.close()
