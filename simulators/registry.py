"""The registry file of a run: the demo compound, what its scenario changes in it, and the replacements on record."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from simulators import clock
from simulators.demo import places
from simulators.demo.registry import compound, dump
from simulators.devices.registers import Swap
from simulators.faults import scenario as scenarios
from simulators.faults.scenario import Fault
from simulators.simulation import Simulation


def write_registry(path: Path, truth: Path, scenario: str, seed: int, history_days: int) -> Path:
    """Write the run's registry file to `path` unless it is there from an earlier start; returns the path."""
    if not path.exists() or not truth.exists():
        origin = _origin(truth) or clock.local_day(clock.now(), places.ZONE) - timedelta(days=history_days)
        path.write_text(dump(registry(scenario, seed, origin)), encoding="utf-8")
    return path


def registry(scenario: str, seed: int, origin: date) -> dict[str, Any]:
    """The registry of `scenario` whose history begins on `origin`."""
    plan = scenarios.load(scenario)
    result = compound()
    for section, items in plan.registry.items():
        for key, changed in items.items():
            result[section][key] = {**result[section][key], **changed}
    for fault, swap in Simulation(seed, plan, origin, []).swaps():
        if fault.more.get("recorded", True):
            _record(result, fault, swap)
    return result


def _record(result: dict[str, Any], fault: Fault, swap: Swap) -> None:
    """A replacement's record, and the device's new serial from then on."""
    removed, installed = (clock.text(time, places.ZONE) for time in (swap.removed_at, swap.installed_at))
    record = {
        "from": removed,
        "device": swap.device,
        "register": swap.register,
        "removed_at": removed,
        "final": swap.final,
        "installed_at": installed,
        "start": swap.start,
    }
    if swap.serial is not None:
        record["serial"] = swap.serial
        versions = result["device"][swap.device]
        if isinstance(versions, dict):
            result["device"][swap.device] = [
                {"from": result["from"], **versions},
                {"from": installed, **versions, "serial": swap.serial},
            ]
    result.setdefault("replacement", {})[f"r-{swap.device}-{swap.register.replace('_', '-')}"] = record
    assert fault.kind == "replacement"


def _origin(truth: Path) -> date | None:
    """The first day of the simulation that `truth` holds."""
    if not truth.exists():
        return None
    conn = sqlite3.connect(truth)
    try:
        row = conn.execute("SELECT value FROM meta WHERE key = 'origin'").fetchone()
    except sqlite3.OperationalError:
        return None
    finally:
        conn.close()
    return None if row is None else date.fromisoformat(row[0])
