"""A processors' process that kills itself by SIGKILL at a chosen point: `python -m tests.support.dying_worker DOMAIN POINT N`.

POINT: `before` (inside the N-th transaction, effects written, not committed) or `after` (N-th commit done, before the next poll).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

from compound.events import Received
from compound.log.open import open_log
from compound.log.port import Stored
from compound.settings import load
from processors.main import create
from processors.runtime.domain import Tx
from processors.runtime.worker import Worker


def die() -> None:
    """No finally, no rollback, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(domain: str, point: str, count: int) -> None:
    """Run the worker of `domain`; it dies as the module says."""
    settings = load()
    log = open_log(settings.log_url, settings.database_url, settings.log_partitions)
    worker = Worker(create(domain, settings), log, settings)
    take, apply = worker.take, worker.domain.apply
    done = 0

    def counted_take(batch: Sequence[Stored]) -> None:
        nonlocal done
        take(batch)
        done += 1
        if point == "after" and done == count:
            die()

    def counted_apply(tx: Tx, events: Sequence[Received]) -> None:
        apply(tx, events)
        if point == "before" and done + 1 == count:
            die()

    worker.take = counted_take  # type: ignore[method-assign]
    worker.domain.apply = counted_apply  # type: ignore[method-assign]
    worker.run(threading.Event())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
