"""The simulators' truth, as the checks read it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.truth.store import FORM, form

QUARTER = 900_000_000
Ints = npt.NDArray[np.int64]


class NoTruth(Exception):
    """There is no truth to compare with; the text is one sentence."""


class Span(NamedTuple):
    """What can't be known (see simulators.faults.knowing)."""

    domain: str
    subject: str
    start: int
    end: int
    why: str
    kind: str
    shown_from: int

    def touches(self, start: int, end: int | None) -> bool:
        """Whether it overlaps [start, end), or ends where that begins: how it began is not known then either."""
        return self.start < (end if end is not None else 2**62) and start <= self.end


class TruthReader:
    """Read-only. Raises NoTruth when the folder has none."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise NoTruth(f"{path} is not there: nothing was simulated in this data folder, so there is no truth.")
        self._conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            self.meta = self._begun(path)
        except NoTruth:
            self.close()
            raise

    def _begun(self, path: Path) -> dict[str, str]:
        """What the truth is of. Raises NoTruth."""
        if form(self._conn) != FORM:
            raise NoTruth(f"{path} was written by another version of the simulators: it can't be compared any more.")
        meta = dict(self._conn.execute("SELECT key, value FROM meta"))
        if "origin" not in meta:
            raise NoTruth(f"{path} holds no simulation yet.")
        return meta

    def close(self) -> None:
        """Release the file."""
        self._conn.close()

    @property
    def origin(self) -> date:
        """The first simulated day."""
        return date.fromisoformat(self.meta["origin"])

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._conn.execute(sql, values).fetchall()

    @cached_property
    def cursor(self) -> int:
        """Every message that was to go out before this instant was acknowledged by the broker."""
        found = self.rows("SELECT max(cursor) FROM session")[0][0]
        return int(found or 0)

    @cached_property
    def cutoff(self) -> int:
        """Every message *made* up to here, included, was acknowledged, and what it means is settled: no open fault began earlier.

        Raises NoTruth where that leaves nothing.
        """
        open_since = self.rows(
            'SELECT min(start) FROM unsettled WHERE start < ? AND "end" + ? > ?', self.cursor, QUARTER, self.cursor
        )[0][0]
        found = (self.cursor if open_since is None else int(open_since)) - 1
        if found <= self.start:
            raise NoTruth(
                "The simulators have sent too little to compare; ask again when a quarter of an hour is sent."
            )
        return found

    def sent(self) -> int:
        """Objects that the broker acknowledged, repeated ones as often as they were sent, and status messages."""
        objects = self.rows("SELECT coalesce(sum(copies), 0) FROM message WHERE sent IS NOT NULL")[0][0]
        return int(objects + self.rows("SELECT coalesce(sum(statuses), 0) FROM session")[0][0])

    @cached_property
    def spans(self) -> dict[tuple[str, str], list[Span]]:
        """(domain, subject) -> what can't be known of it."""
        found: dict[tuple[str, str], list[Span]] = defaultdict(list)
        for row in self.rows("SELECT * FROM span ORDER BY domain, subject, start"):
            found[row[0], row[1]].append(Span(*row))
        return found

    @cached_property
    def start(self) -> int:
        """The first quarter-hour end of all counters."""
        first = self.rows("SELECT min(time) FROM count")[0][0]
        if first is None:
            raise NoTruth("The simulators have not got through their first day; ask again when they have.")
        return int(first)

    @cached_property
    def end(self) -> int:
        """The last quarter-hour end of all counters: the day of the cutoff is written ahead."""
        return int(self.rows("SELECT max(time) FROM count")[0][0])

    @cached_property
    def counters(self) -> dict[tuple[str, str], Ints]:
        """(device, register) -> what can be counted on (Wh or l) at `start` and every quarter hour after it."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for device, register, metered in self.rows("SELECT device, register, metered FROM count ORDER BY 1, 2, time"):
            found[device, register].append(metered)
        return {key: np.array(values, np.int64) for key, values in found.items()}
