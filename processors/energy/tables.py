"""The tables of the schema energy, read and written in whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from compound.store.db import Connection, sql_text
from compound.timeutil import parse
from processors.energy.bulk import Column, Layout
from processors.energy.decode import Batch
from processors.energy.exact import Bools, Ints, totals
from processors.energy.segments import Segments
from processors.energy.verdicts import REACH, Verdict

PAST: Final = parse("0001-01-01T00:00:00Z")
"""Before every point."""
FUTURE: Final = parse("9999-12-31T23:59:59Z") + 1_000_000
"""After every point: 10000-01-01."""

POINT: Final = Layout(
    "point",
    {
        "series": "int4", "serial": "int4", "time": "timestamptz", "value": "int8", "length": "int4",
        "generation": "int2", "partition": "int2", "offset": "int8", "recorded": "timestamptz",
    },
)  # fmt: skip
SEGMENT: Final = Layout(
    "segment",
    {
        "series": "int4", "start": "timestamptz", "end": "timestamptz", "first": "int8", "last": "int8",
        "mark": "int2", "split": "bool", "sky": "int4",
    },
)  # fmt: skip
MARK: Final = Layout(
    "mark", {"series": "int4", "time": "timestamptz", "value": "int8", "length": "int4", "verdict": "int2"}
)
_WINDOW: Final = Layout("window", {"series": "int4", "first": "timestamptz", "last": "timestamptz"})
_BOUNDS: Final = Layout(
    "bounds",
    {"series": "int4", "low": "timestamptz", "high": "timestamptz", "since": "timestamptz", "until": "timestamptz"},
)


class Bounds(NamedTuple):
    """For each series the stretch [low, high) to derive again, and the points in [since, until] needed for it."""

    series: Ints
    low: Ints
    high: Ints
    since: Ints
    until: Ints


class Marks(NamedTuple):
    """Points that don't count."""

    series: Ints
    time: Ints
    value: Ints
    length: Ints
    verdict: Ints


def insert_points(conn: Connection, batch: Batch, fresh: Bools) -> Ints:
    """Write readings, of which the `fresh` ones are known to be new; the indices of those that were new.

    A reading that is there already keeps its first recorded time.
    """
    POINT.write(conn, batch.take(fresh))
    rest = np.flatnonzero(~fresh)
    if not len(rest):
        return rest
    staged = POINT.stage(conn, batch.take(rest))
    columns = ",".join(f'"{column}"' for column in POINT.columns)
    key = Layout("key", {name: POINT.columns[name] for name in ("series", "time", "value", "length", "serial")})
    found = key.read(
        conn,
        f"INSERT INTO point ({columns}) SELECT {columns} FROM {staged} ON CONFLICT DO NOTHING"
        f" RETURNING {','.join(key.columns)}",
    )
    new = set(zip(*(column.tolist() for column in found), strict=True))
    keys = zip(
        *(column[rest].tolist() for column in (batch.series, batch.time, batch.value, batch.length, batch.serial)),
        strict=True,
    )
    return rest[np.array([each in new for each in keys], np.bool_)]


def bounds(conn: Connection, series: Ints, first: Ints, last: Ints) -> Bounds:
    """How far the verdicts around the changed times [first, last] of each register reach.

    `low` and `high` are accepted points (ends of segments) so far away that no verdict there or beyond depends on the
    change; around them come the points that the verdicts between depend on.
    """
    staged = _WINDOW.stage(conn, (series, first, last))
    held = (
        "NOT EXISTS (SELECT FROM mark m WHERE m.series = p.series AND m.time = p.time AND m.value = p.value"
        f" AND m.length = p.length AND m.verdict = {Verdict.WAITING:d})"
    )

    def nth(side: str, of: str, order: str, far: str, skip: int) -> str:
        return (
            f"LATERAL (SELECT coalesce((SELECT time FROM (SELECT DISTINCT p.time FROM point p WHERE p.series = w.series"
            f" AND p.time {side} {of} AND {held} ORDER BY p.time {order} LIMIT 1 OFFSET {skip}) AS t), {far}) AS time)"
        )

    past, future = "timestamptz '0001-01-01 00:00+00'", "timestamptz '10000-01-01 00:00+00'"
    found = _BOUNDS.read(
        conn,
        f"SELECT w.series, low.time, high.time, since.time, until.time FROM {staged} w"
        f" CROSS JOIN {nth('<', 'w.first', 'DESC', past, REACH)} AS before"
        f" CROSS JOIN {nth('>', 'w.last', 'ASC', future, REACH)} AS after"
        ' CROSS JOIN LATERAL (SELECT coalesce((SELECT s."end" FROM segment s WHERE s.series = w.series AND s.start < before.time'
        f' AND s."end" <= before.time ORDER BY s.start DESC LIMIT 1), {past}) AS time) AS low'
        " CROSS JOIN LATERAL (SELECT coalesce((SELECT s.start FROM segment s WHERE s.series = w.series AND s.start >= after.time"
        f" ORDER BY s.start LIMIT 1), {future}) AS time) AS high"
        f" CROSS JOIN {nth('<', 'low.time', 'DESC', past, REACH - 1)} AS since"
        f" CROSS JOIN {nth('>', 'high.time', 'ASC', future, REACH - 1)} AS until"
        " ORDER BY w.series",
    )
    return Bounds(*found)


def bounds_of_intervals(conn: Connection, series: Ints, first: Ints, last: Ints) -> Bounds:
    """The same for interval data, whose verdicts depend on the intervals that overlap: none is longer than `longest`."""
    rows = conn.execute("SELECT id, longest FROM series WHERE id = ANY(%s)", (series.tolist(),)).fetchall()
    known = {number: seconds * 1_000_000 for number, seconds in rows}
    longest = np.array([known[number] for number in series.tolist()], np.int64)
    low, high = np.maximum(first - longest, PAST), np.minimum(last, FUTURE)
    return Bounds(series, low, high, np.maximum(low - longest, PAST), np.minimum(high + longest, FUTURE))


def note_lengths(conn: Connection, batch: Batch) -> None:
    """Note the longest interval of each series."""
    own = batch.length > 0
    if own.any():
        rows = [
            (int(seconds), int(series)) for series, seconds in zip(batch.series[own], batch.length[own], strict=True)
        ]
        longest = {series: seconds for seconds, series in sorted(rows)}
        conn.execute(
            "UPDATE series SET longest = r.seconds FROM unnest(%s::int[], %s::int[]) AS r(id, seconds)"
            " WHERE series.id = r.id AND series.longest < r.seconds",
            (list(longest), list(longest.values())),
        )


class Around(NamedTuple):
    """What the tables hold around the stretches of `Bounds`."""

    series: Ints
    time: Ints
    value: Ints
    length: Ints
    serial: Ints
    segments: Segments
    """Of the stretches [low, high) alone."""
    marks: Marks


_SEEN: Final = Layout(
    "seen", {"series": "int4", "time": "timestamptz", "value": "int8", "length": "int4", "serial": "int4"}
)


def read_around(conn: Connection, windows: Bounds) -> Around:
    """Points distinct in (series, time, value, length), of equal ones the last serial; segments and marks."""
    staged = _BOUNDS.stage(conn, windows)
    points = _SEEN.read(
        conn,
        "SELECT DISTINCT ON (p.series, p.time, p.value, p.length) p.series, p.time, p.value, p.length, p.serial"
        f" FROM {staged} w JOIN point p ON p.series = w.series AND p.time BETWEEN w.since AND w.until"
        " LEFT JOIN serial ON serial.id = p.serial"
        ' ORDER BY p.series, p.time, p.value, p.length, serial.serial COLLATE "C" DESC NULLS LAST',
    )
    series, time, value, length, serial = points
    return Around(
        series,
        time,
        value,
        length,
        serial,
        typed(SEGMENT.read(conn, _inside(SEGMENT, staged, "start"))),
        Marks(*MARK.read(conn, _inside(MARK, staged, "time"))),
    )


def _inside(layout: Layout, staged: str, at: str) -> str:
    columns = ",".join(f't."{column}"' for column in layout.columns)
    return (
        f"SELECT {columns} FROM {staged} w JOIN {layout.table} t ON t.series = w.series"
        f" AND t.{at} >= w.low AND t.{at} < w.high"
    )


def typed(columns: Sequence[Ints]) -> Segments:
    """Segments of columns as they were read."""
    segments = Segments._make(columns)
    return segments._replace(mark=segments.mark.astype(np.int8), split=segments.split != 0)


def difference(old: tuple[Column, ...], new: tuple[Column, ...]) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """Rows that are only in `old`, and those only in `new`."""
    columns = tuple(np.concatenate(pair).astype(np.int64) for pair in zip(old, new, strict=True))
    side = np.concatenate([np.full(len(old[0]), -1), np.ones(len(new[0]), np.int64)])
    rows, (sides,) = totals(columns, (side,))
    return tuple(row[sides < 0] for row in rows), tuple(row[sides > 0] for row in rows)


def write_segments(conn: Connection, removed: Segments, added: Segments) -> None:
    """Delete and insert segments."""
    if len(removed.start):
        staged = SEGMENT.stage(conn, removed)
        conn.execute(
            sql_text(f"DELETE FROM segment t USING {staged} s WHERE t.series = s.series AND t.start = s.start")
        )
    SEGMENT.write(conn, added)


def write_marks(conn: Connection, removed: Marks, added: Marks) -> None:
    """Delete marks and set others."""
    if len(removed.time):
        staged = MARK.stage(conn, removed)
        conn.execute(
            sql_text(
                f"DELETE FROM mark t USING {staged} s WHERE t.series = s.series AND t.time = s.time"
                " AND t.value = s.value AND t.length = s.length"
            )
        )
    if len(added.time):
        staged = MARK.stage(conn, added)
        columns = ",".join(MARK.columns)
        conn.execute(
            sql_text(
                f"INSERT INTO mark ({columns}) SELECT {columns} FROM {staged} ON CONFLICT (series, time, value, length)"
                " DO UPDATE SET verdict = excluded.verdict"
            )
        )
