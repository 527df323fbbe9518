"""Ingest in a process of its own, over a real log that can end the process at the worst moment, or be away.

    python -m tests.support.ingest_process [--die-after RECORDS] [--away]

Settings come from the environment, as for the role itself; only the log is wrapped here, nothing in ingest knows.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from compound.log.open import open_log
from compound.log.port import Address, Log, LogUnavailable, Record
from compound.log_setup import configure
from compound.settings import load
from ingest.main import bridge
from ops.cli_roles import stop_on_signals


class DeadlyLog:
    """Appends, and after so many records the process is killed: the log holds them, and no PUBACK went out."""

    def __init__(self, log: Log, die_after: int, *, away: bool) -> None:
        self._log = log
        self._left = die_after
        self._away = away

    def append(self, records: Sequence[Record]) -> list[Address]:
        if self._away:
            raise LogUnavailable("taken away by the test")
        addresses = self._log.append(records)
        self._left -= len(records)
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return addresses


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--die-after", type=int, default=sys.maxsize)
    parser.add_argument("--away", action="store_true")
    options = parser.parse_args()
    settings = load()
    configure(settings.log_level)
    stop = stop_on_signals()
    log = open_log(settings.log_url, settings.database_url, settings.log_partitions)
    bridge(settings, DeadlyLog(log, options.die_after, away=options.away), stop)  # type: ignore[arg-type]
    log.close()


if __name__ == "__main__":
    main()
