"""The exact path: stretches of series derived again from the tables, and what that changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compound.store.db import Connection
from compound.timeutil import QUARTER, SECOND
from processors.energy import tables
from processors.energy.catalogue import Catalogue
from processors.energy.derive import derive, derive_intervals
from processors.energy.exact import Codes, Ints
from processors.energy.registers import Readings, Register
from processors.energy.segments import Mark, Segments, concatenate
from processors.energy.tables import FUTURE, Around, Bounds, Marks
from processors.energy.tails import Tail, Tails
from processors.energy.verdicts import REACH, Verdict


class Changed(NamedTuple):
    """Segments that no longer hold, and those that do instead."""

    removed: Segments
    added: Segments


class _Own(NamedTuple):
    """The points of one series among those read."""

    time: Ints
    value: Ints
    length: Ints
    serial: Ints


def derive_again(conn: Connection, catalogue: Catalogue, tails: Tails, windows: Bounds) -> Changed:
    """Derive the stretches again: what changes of their segments. Writes the verdicts, and notes the ends of series."""
    held = tables.read_around(conn, windows)
    starts = np.searchsorted(held.series, windows.series, "left")
    stops = np.searchsorted(held.series, windows.series, "right")
    segments, marks = [], []
    for n, series in enumerate(windows.series.tolist()):
        own = _Own(*(column[starts[n] : stops[n]] for column in held[1:5]))
        register = catalogue.register(series)
        verdicts, found = _derive(register, series, own, int(windows.since[n]), int(windows.until[n]))
        low, high = windows.low[n], windows.high[n]
        segments.append(found.take((found.start >= low) & (found.start < high)))
        marked = np.flatnonzero((verdicts != Verdict.ACCEPTED) & (own.time >= low) & (own.time < high))
        marks.append(
            (np.full(len(marked), series), own.time[marked], own.value[marked], own.length[marked], verdicts[marked])
        )
        if windows.until[n] == FUTURE and len(own.time):
            tails.set(series, _tail(register, own, verdicts, found))
    new = concatenate(segments)
    removed, added = tables.difference(held.segments, new)
    _write_marks(conn, held, marks)
    return Changed(tables.typed(removed), tables.typed(added))


def _write_marks(conn: Connection, held: Around, marks: list[tuple[Ints, Ints, Ints, Ints, Codes]]) -> None:
    new = tuple(np.concatenate(column) for column in zip(*marks, strict=True))
    removed, added = tables.difference(held.marks, new)
    tables.write_marks(conn, Marks(*removed), Marks(*added))


def _derive(register: Register, series: int, own: _Own, since: int, until: int) -> tuple[Codes, Segments]:
    if own.length.any():
        return derive_intervals(register, series, own.time, own.length * SECOND, own.value)
    return derive(register, series, Readings(own.time, own.value, own.serial), since, until)


def _tail(register: Register, own: _Own, verdicts: Codes, segments: Segments) -> Tail:
    """The end of a series whose points from `REACH` before the newest on are all in `own`."""
    end = int((own.time + own.length * SECOND).max())
    last = int(own.time[-1])
    number = int(register.span_at(own.time[-1:])[0])
    if number < 0:
        return Tail(end, 0, 0, 0, end, clean=False)
    span = register.spans[number]
    recent = slice(-REACH - 1, None)
    breaks = (segments.mark == Mark.BREAK) & (segments.end > own.time[recent][0])
    settled = bool(own.length.any()) or bool((verdicts[recent] == Verdict.ACCEPTED).all() and not breaks.any())
    # The quarter hour in which a span begins may belong to the place of the span before.
    clean = settled and span.closing is None and last // QUARTER * QUARTER >= span.since
    return Tail(end, int(own.value[-1]), int(own.serial[-1]), int(register.meter[number]), span.until, clean)
