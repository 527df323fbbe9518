"""An archiver's process that kills itself by SIGKILL at a chosen point: `python -m tests.support.dying_archiver POINT N`.

POINT: `writing` (half of the rows of the N-th batch sent to the database), `before` (all of them, not committed) or `after`
(committed, and nothing noted of it).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence

import compound.archive.archiver
from compound.archive.main import run
from compound.log.writing import BookWriter, End, Row
from compound.settings import load
from compound.store import db


def die() -> None:
    """No finally, no rollback, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingWriter(BookWriter):
    """Dies within or after a write."""

    point = ""
    left = 0

    def write(self, conn: db.Connection, rows: Iterable[Row], ends: Sequence[End]) -> None:
        type(self).left -= 1
        if self.left == 0 and self.point != "after":
            rows = self._last(list(rows))
        super().write(conn, rows, ends)
        if self.left == 0:
            die()

    def _last(self, rows: Sequence[Row]) -> Iterator[Row]:
        yield from rows[: len(rows) // 2 if self.point == "writing" else len(rows)]
        die()


def main(point: str, count: int) -> None:
    """Run the archiver that the settings describe; it dies as the module says."""
    DyingWriter.point, DyingWriter.left = point, count
    vars(compound.archive.archiver).update(BookWriter=DyingWriter, BATCH=200)
    run(load(), threading.Event())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
