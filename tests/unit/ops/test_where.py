"""Where a command finds the compound: the folder of `up`, else settings, else one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops.up.folder import DataFolder, NotRunning, Running
from ops.where import find


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("COMPOUND_")]:
        monkeypatch.delenv(name)


def test_without_up_the_settings_say_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "password").write_text("secret\n")
    monkeypatch.setenv("COMPOUND_API_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("COMPOUND_DATABASE_URL", "postgresql://compound@db/compound")
    monkeypatch.setenv("COMPOUND_DATABASE_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("COMPOUND_LOG_URL", "kafka://kafka:9092")
    monkeypatch.setenv("COMPOUND_MQTT_URL", "mqtt://simulators@broker")
    monkeypatch.setenv("COMPOUND_MQTT_PASSWORD_FILE", str(tmp_path / "password"))
    where = find(tmp_path)
    assert where.api_url == "http://127.0.0.1:8080"
    assert where.database_url == "postgresql://compound:secret@db/compound"
    assert where.log_url == "kafka://kafka:9092"
    assert where.broker[:4] == ("broker", 1883, "simulators", "secret")


@pytest.mark.parametrize(
    ("part", "setting"),
    [("api_url", "COMPOUND_API_URL"), ("database_url", "COMPOUND_DATABASE_URL"), ("broker", "COMPOUND_MQTT_URL")],
)
def test_with_neither_the_setting_is_named(tmp_path: Path, part: str, setting: str):
    where = find(tmp_path)
    with pytest.raises(NotRunning, match=rf"No `compound up` runs on {tmp_path}; .*{setting} says where"):
        getattr(where, part)


def test_a_running_up_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("COMPOUND_API_URL", "http://elsewhere:1")
    monkeypatch.setenv("COMPOUND_LOG_URL", "kafka://elsewhere:1")
    DataFolder(tmp_path).announce(
        Running(os.getpid(), "http://127.0.0.1:2", "mqtt://127.0.0.1:3", "postgresql://h", "")
    )
    where = find(tmp_path)
    assert (where.api_url, where.broker.port, where.database_url, where.log_url) == (
        "http://127.0.0.1:2",
        3,
        "postgresql://h",
        "",
    )
