"""`compound up` as a new user meets it: starts, heals, refuses a second one, ends cleanly, goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.running import Running, children, command, wait_for


@pytest.mark.timeout(1200)
def test_up_starts_heals_ends_and_goes_on(tmp_path: Path) -> None:
    """One compound through its life; `verify` finds no difference at each stop."""
    up = Running(tmp_path / "data", "--history", "1", "--api-port", "0", "--mqtt-port", "0")
    up.start()
    try:
        up.settle()
        up.run("verify")
        status = up.json("status")
        assert status, "status says something"
        up.run("watch", "--once")
        up.run("audit")
        _second_up_touches_nothing(up)
        _a_crash_is_restarted_and_said(up)
        up.settle()
        up.run("verify")
        started = children(up.pid)
    finally:
        assert up.stop() == 0
    assert [pid for pid in started if _alive(pid)] == [], "Ctrl-C ends every process it started"
    assert not (up.data / "up.json").exists()
    done = command("status", "--data", str(up.data))
    assert done.returncode == 2
    assert "No `compound up` runs" in done.stderr
    with up:
        up.settle()
        up.run("verify")


def _second_up_touches_nothing(up: Running) -> None:
    before = {path: path.stat().st_mtime_ns for path in up.data.glob("*.json") if path.name != "simulate.json"}
    done = command("up", "--data", str(up.data))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "already runs" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before


def _a_crash_is_restarted_and_said(up: Running) -> None:
    for role in ("ingest", "processors --only energy"):
        gone = up.kill(role)
        wait_for(lambda: gone not in children(up.pid), 60)  # noqa: B023
        wait_for(lambda: any(c.startswith(role) for c in up.roles()), 90)  # noqa: B023
    assert "ended by signal 9" in up.said
    assert "is started again" in up.said


@pytest.mark.timeout(1200)
def test_up_killed_leaves_no_process_and_loses_nothing(tmp_path: Path) -> None:
    """SIGKILL of `up` itself: its children die with it; the next start goes on and the truth still holds."""
    up = Running(tmp_path / "data", "--history", "1", "--api-port", "0", "--mqtt-port", "0")
    up.start()
    started = children(up.pid)
    os.kill(up.pid, signal.SIGKILL)
    assert up.stop() == -signal.SIGKILL
    wait_for(lambda: not [pid for pid in started if _alive(pid)], 60)
    with up:
        up.settle()
        up.run("audit")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
