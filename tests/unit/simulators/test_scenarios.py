"""Scenario files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from simulators import clock
from simulators.faults import scenario
from simulators.wire import devices


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_names_devices_that_are_there(name: str) -> None:
    plan = scenario.load(name)
    assert plan.about
    for fault in [*plan.faults(date(2026, 10, 28), "Asia/Shanghai"), *plan.live(0)]:
        assert fault.device in devices()
        assert fault.kind in scenario.KINDS
        assert fault.start <= fault.end


def test_all_faults_has_every_kind_of_fault() -> None:
    assert {entry["kind"] for entry in scenario.load("all-faults").entries} == scenario.KINDS


def test_a_fault_comes_on_its_day_and_lasts() -> None:
    (fault, *_) = scenario.load("stuck").faults(date(2026, 10, 1), "Asia/Shanghai")
    assert fault.end - fault.start == scenario.duration("6h")
    assert fault.start == clock.at(date(2026, 10, 16), "08:00", "Asia/Shanghai")


def test_a_scenario_of_ones_own_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"about": "My own.", "include": ["stuck"]}))
    monkeypatch.chdir(tmp_path)
    mine = scenario.load("mine.yaml")
    assert mine.entries == scenario.load("stuck").entries
    monkeypatch.chdir("/")
    assert scenario.load(mine.name) == mine, "its name leads to it from everywhere"
    with pytest.raises(ValueError, match=r"no scenario 'mine\.yaml'; there are .*, or name a \.yaml file"):
        scenario.load("mine.yaml")


def test_what_is_wrong_with_a_scenario_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no scenario 'nothing'; there are all-faults"):
        scenario.load("nothing")
    monkeypatch.setattr(scenario, "FOLDER", tmp_path)
    (tmp_path / "odd.yaml").write_text(yaml.safe_dump({"faults": [{"kind": "earthquake", "device": "m-main"}]}))
    with pytest.raises(ValueError, match="no such fault: earthquake"):
        scenario.load("odd")
    with pytest.raises(ValueError, match="no duration: '5 minutes'"):
        scenario.duration("5 minutes")
