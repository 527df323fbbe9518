"""Scenarios: YAML files that list faults by day of the history and time of day, or by seconds after going live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from simulators import clock

FOLDER: Final = Path(__file__).parent.parent / "scenarios"

TRANSPORT: Final = frozenset({"offline", "lost", "duplicates", "shuffled", "clock", "silent-channel", "crash"})
"""Faults between a device's observation and ingest."""
REGISTERS: Final = frozenset({"rollover", "replacement", "stuck", "spike"})
"""Faults of a meter's or an inverter's counter."""
INCIDENTS: Final = frozenset({"forced", "held", "tailgating", "passback", "denied", "left-open", "cell-fault"})
"""What people do."""
INVERTER: Final = frozenset({"inverter-fault"})
UNSETTLED: Final = frozenset({"offline", "shuffled", "spike", "replacement"})
"""While one of these lasts, messages are held back, or only what follows will say what those since its start meant."""
KINDS: Final = TRANSPORT | REGISTERS | INCIDENTS | INVERTER

_UNITS: Final = {"s": clock.SECOND, "m": clock.MINUTE, "h": clock.HOUR, "d": clock.DAY}


def duration(text: str) -> int:
    """Microseconds of `90s`, `40m`, `10h` or `2d`. Raises ValueError on anything else."""
    found = re.fullmatch(r"(-?\d+)([smhd])", text)
    if not found:
        raise ValueError(f"no duration: {text!r} (say 90s, 40m, 10h or 2d)")
    return int(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True)
class Fault:
    """A fault of one device over [start, end); `more` has what its kind needs besides."""

    kind: str
    device: str
    start: int
    end: int
    more: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def channel(self) -> str:
        """The channel that says nothing, of a dead one."""
        return str(self.more.get("channel", "reading")) if self.kind == "silent-channel" else ""


@dataclass(frozen=True)
class Scenario:
    """A named list of faults, not yet placed in time."""

    name: str
    entries: tuple[dict[str, Any], ...]
    about: str = ""
    registry: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Section -> id -> fields of the registry that the scenario changes."""

    def faults(self, origin: date, zone: str) -> list[Fault]:
        """The faults of the history whose first day is `origin`."""
        return [
            fault
            for entry in self.entries
            if "live" not in entry
            for fault in _placed(entry, _start(entry, origin, zone))
        ]

    def live(self, since: int) -> list[Fault]:
        """The faults that follow going live at `since`."""
        return [
            fault
            for entry in self.entries
            if "live" in entry
            for fault in _placed(entry, since + duration(entry["live"]))
        ]

    def live_lasts(self) -> int:
        """Until how long after going live (µs) its last live fault is over."""
        return max((fault.end for fault in self.live(0)), default=0)


def _start(entry: dict[str, Any], origin: date, zone: str) -> int:
    return clock.at(origin + timedelta(days=int(entry["day"])), str(entry["at"]), zone)


def _placed(entry: dict[str, Any], start: int) -> Iterator[Fault]:
    end = start + duration(entry.get("lasts", "0s"))
    devices = entry["devices"] if "devices" in entry else [entry["device"]]
    more = {key: value for key, value in entry.items() if key not in _PLACE}
    for device in devices:
        yield Fault(entry["kind"], device, start, end, more)


_PLACE: Final = frozenset({"kind", "device", "devices", "day", "at", "live", "lasts"})


def names() -> list[str]:
    """The scenarios there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str) -> Scenario:
    """The scenario `name`, or of the file `name` if it ends in .yaml, with those it includes.

    Raises ValueError for an unknown one or a kind of fault it does not know.
    """
    path = Path(name).absolute() if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise ValueError(f"no scenario {name!r}; there are {', '.join(names())}, or name a .yaml file")
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries = list(read.get("faults", []))
    registry: dict[str, dict[str, dict[str, Any]]] = read.get("registry", {})
    for other in read.get("include", []):
        included = load(other)
        entries += included.entries
        for section, items in included.registry.items():
            registry.setdefault(section, {}).update(items)
    unknown = {entry["kind"] for entry in entries} - KINDS
    if unknown:
        raise ValueError(f"scenario {name}: no such fault: {', '.join(sorted(unknown))}")
    return Scenario(str(path) if name.endswith(".yaml") else name, tuple(entries), str(read.get("about", "")), registry)
