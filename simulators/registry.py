"""The registry file of a run: the demo compound, what its scenario changes in it, and the replacements on record."""

from __future__ import annotations

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
from simulators.truth.store import Truth


def write_registry(path: Path, truth: Path, scenario: str, seed: int, history_days: int) -> Path:
    """Write the run's registry file to `path` unless it is there from an earlier start; returns the path.

    The truth begins here, so that both have the same first day. Raises TruthError where it is another simulation's.
    """
    if not truth.exists():
        path.unlink(missing_ok=True)
    if not path.exists():
        begun = Truth(truth)
        try:
            first = clock.local_day(clock.now(), places.ZONE) - timedelta(days=history_days)
            origin = begun.begin(scenarios.load(scenario).name, seed, first)
        finally:
            begun.close()
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
