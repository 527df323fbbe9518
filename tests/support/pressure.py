"""What a process takes while it waits."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

LOOK_S: Final = 4.0
MOST_CPU: Final = 0.35
"""Share of a processor that a role may take while it waits."""
MOST_RSS: Final = 600 * 2**20


def cpu_s(pid: int) -> float:
    """Processor time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid: int) -> int:
    """Resident memory of a process, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def idles(*pids: int) -> bool:
    """Whether processes that wait really wait, each of them."""
    before, began = [cpu_s(pid) for pid in pids], time.monotonic()
    time.sleep(LOOK_S)
    most = MOST_CPU * (time.monotonic() - began)
    return all(cpu_s(pid) - then < most for pid, then in zip(pids, before, strict=True))
