"""The tables of a state timeline: bulk reads and writes of points, checkpoints and segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from compound.registry.timeline import FOREVER
from compound.store.db import Connection
from compound.timeutil import moment
from processors.runtime.point import Key, Point, Segment

_POINT_ROWS: Final = (
    "unnest(%s::text[], %s::text[], %s::timestamptz[], %s::int8[], %s::int8[], %s::text[], %s::timestamptz[],"
    " %s::int4[], %s::int4[], %s::int8[])"
)
_SEGMENT_ROWS: Final = (
    "unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::text[],"
    ' %s::timestamptz[], %s::timestamptz[]) AS r(subject, what, kind, start, key, "end", data, at, tell_at)'
)
_US: Final = "(extract(epoch FROM {}) * 1000000)::bigint"
_BEGINNING: Final = -62_135_596_800_000_000
"""Year 1, before every point."""
_FAR: Final = 253_370_764_800_000_000
"""Year 9999: stands for 'not closed yet' in `at`."""


class Checkpoint(NamedTuple):
    """The fold's state after all points up to `time` (µs)."""

    time: int
    state: bytes


Name = tuple["Key", str, int, str]
"""A segment's primary key: (subject, what), kind, start, key."""


@dataclass(slots=True)
class Changes:
    """The difference of one batch to the stored timelines: what to write, and what contributions to take back or add."""

    removed: dict[Name, Segment] = field(default_factory=dict)
    added: dict[Name, Segment] = field(default_factory=dict)
    at: dict[Name, int | None] = field(default_factory=dict)
    checkpoints: list[tuple[Key, Checkpoint]] = field(default_factory=list)
    cuts: dict[Key, int] = field(default_factory=dict)

    def cut(self, key: Key, time: int) -> None:
        """Checkpoints of `key` after `time` no longer hold."""
        self.cuts[key] = time

    def compare(
        self, key: Key, stored: Iterable[tuple[int | None, Segment]], now: Iterable[tuple[int | None, Segment]]
    ) -> None:
        """Note what differs between the stored segments that may change and those that hold now.

        Each comes with the time of the point that closed it, so that a later refold knows it; None while it may change.
        """
        old = {(key, segment.kind, segment.start, segment.key): (at, segment) for at, segment in stored}
        new = {(key, segment.kind, segment.start, segment.key): (at, segment) for at, segment in now}
        for name, (_, segment) in old.items():
            if name not in new:
                self.removed[name] = segment
        for name, (at, segment) in new.items():
            before = old.get(name)
            if before == (at, segment):
                continue
            self.at[name] = at
            if before is None:
                self.added[name] = segment
            elif before[1] != segment:
                self.removed[name], self.added[name] = before[1], segment


class Tables:
    """SQL over the tables `{prefix}point`, `{prefix}segment`, `{prefix}checkpoint` of the schema in the search path."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _sql(self, text: str) -> str:
        return text.replace("{p}", self._prefix)

    def lock(self, conn: Connection, subjects: Sequence[str]) -> None:
        """Take the rows of subjects that several workers write, in key order; read neighbours only after that."""
        conn.execute(
            self._sql("INSERT INTO {p}lock SELECT unnest(%s::text[]) ORDER BY 1 ON CONFLICT DO NOTHING"),
            (list(subjects),),
        )
        conn.execute(
            self._sql("SELECT 1 FROM {p}lock WHERE subject = ANY(%s) ORDER BY subject FOR UPDATE"),
            (list(subjects),),
        )

    def insert(self, conn: Connection, points: Sequence[Point]) -> list[Point]:
        """Insert points; those that were not there before. A row keeps the earliest recordedtime of its copies.

        In order of their key: neighbours lie in one page, and in one batch of TimescaleDB's columnstore.
        """
        if not points:
            return []
        unique: dict[tuple[object, ...], Point] = {}
        for point in points:
            known = unique.get(point[:6])
            if known is None or point.recorded < known.recorded:
                unique[point[:6]] = point
        rows = [
            (p[0], p[1], moment(p[2]), p[3], p[4], p[5], moment(p[6]), p[7], p[8], p[9])
            for p in sorted(unique.values())
        ]
        found = conn.execute(
            self._sql(
                f"INSERT INTO {{p}}point AS held SELECT * FROM {_POINT_ROWS} ON CONFLICT (subject, what, time, boot, seq, value)"
                " DO UPDATE SET recorded = excluded.recorded, generation = excluded.generation,"
                ' partition = excluded.partition, "offset" = excluded."offset" WHERE excluded.recorded < held.recorded'
                f" RETURNING xmax = 0, subject, what, {_US.format('time')}, boot, seq, value"
            ),
            _columns(rows),
        ).fetchall()
        return [unique[row[1:]] for row in found if row[0]]

    def delete(self, conn: Connection, points: Sequence[Point]) -> list[Point]:
        """Delete derived points; those that were there."""
        if points:
            conn.cursor().executemany(
                self._sql(
                    "DELETE FROM {p}point WHERE subject = %s AND what = %s AND time = %s AND boot = %s AND seq = %s"
                    " AND value = %s"
                ),
                [(p.subject, p.what, moment(p.time), p.boot, p.seq, p.value) for p in points],
            )
        return list(points)

    def keys(self, conn: Connection, subjects: Sequence[tuple[str, int]]) -> dict[Key, int]:
        """(subject, what) -> since, of all timelines of the given (subject, since) that have points."""
        since: dict[str, int] = {}
        for subject, time in subjects:
            since[subject] = min(time, since.get(subject, FOREVER))
        rows = conn.execute(
            self._sql("SELECT DISTINCT subject, what FROM {p}point WHERE subject = ANY(%s)"), (list(since),)
        ).fetchall()
        return {(subject, what): since[subject] for subject, what in rows}

    def checkpoints(self, conn: Connection, late: Mapping[Key, int]) -> dict[Key, Checkpoint]:
        """The last checkpoint before each time; an empty state at the beginning where there is none."""
        rows = conn.execute(
            self._sql(
                f"SELECT k.subject, k.what, {_US.format('c.time')}, c.state"
                " FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS k(subject, what, before),"
                " LATERAL (SELECT time, state FROM {p}checkpoint c WHERE c.subject = k.subject AND c.what = k.what"
                " AND c.time < k.before ORDER BY time DESC LIMIT 1) c"
            ),
            ([key[0] for key in late], [key[1] for key in late], [moment(time) for time in late.values()]),
        ).fetchall()
        found = {(row[0], row[1]): Checkpoint(row[2], row[3]) for row in rows}
        return {key: found.get(key, Checkpoint(_BEGINNING, b"")) for key in late}

    def points(self, conn: Connection, start: Mapping[Key, Checkpoint]) -> dict[Key, list[Point]]:
        """All points after the checkpoints, unordered."""
        rows = conn.execute(
            self._sql(
                f"SELECT p.subject, p.what, {_US.format('p.time')}, boot, seq, value, {_US.format('recorded')}, generation,"
                ' partition, "offset" FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS k(subject, what, after)'
                " JOIN {p}point p ON p.subject = k.subject AND p.what = k.what AND p.time > k.after"
            ),
            _bounds(start),
        )
        found: dict[Key, list[Point]] = {}
        for row in rows:
            found.setdefault((row[0], row[1]), []).append(Point(*row))
        return found

    def segments(
        self, conn: Connection, start: Mapping[Key, Checkpoint]
    ) -> dict[Key, list[tuple[int | None, Segment]]]:
        """The stored segments that were closed by a point after the checkpoint, or still stand open."""
        rows = conn.execute(
            self._sql(
                f"SELECT s.subject, s.what, kind, {_US.format('start')}, {_US.format(chr(34) + 'end' + chr(34))}, data, key,"
                f" {_US.format('tell_at')}, {_US.format('at')}"
                " FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS k(subject, what, after)"
                " JOIN {p}segment s ON s.subject = k.subject AND s.what = k.what AND s.at > k.after"
            ),
            _bounds(start),
        )
        found: dict[Key, list[tuple[int | None, Segment]]] = {}
        for row in rows:
            at = None if row[8] == _FAR else row[8]
            found.setdefault((row[0], row[1]), []).append((at, Segment(*row[2:8])))
        return found

    def write(self, conn: Connection, changes: Changes) -> None:
        """Write the difference: checkpoints cut and made, segments deleted and upserted, conditions noted as due."""
        self._write_checkpoints(conn, changes)
        gone = [name for name in changes.removed if name not in changes.added]
        if gone:
            conn.cursor().executemany(
                self._sql(
                    "DELETE FROM {p}segment WHERE subject = %s AND what = %s AND kind = %s AND start = %s AND key = %s"
                ),
                [(key[0], key[1], kind, moment(start), extra) for key, kind, start, extra in gone],
            )
        self._write_segments(conn, changes)
        self._write_due(conn, changes)

    def _write_checkpoints(self, conn: Connection, changes: Changes) -> None:
        if changes.cuts:
            cuts = {key: Checkpoint(time, b"") for key, time in changes.cuts.items()}
            conn.execute(
                self._sql(
                    "DELETE FROM {p}checkpoint c"
                    " USING unnest(%s::text[], %s::text[], %s::timestamptz[]) AS k(subject, what, after)"
                    " WHERE c.subject = k.subject AND c.what = k.what AND c.time > k.after"
                ),
                _bounds(cuts),
            )
        if changes.checkpoints:
            conn.cursor().executemany(
                self._sql("INSERT INTO {p}checkpoint VALUES (%s, %s, %s, %s)"),
                [(key[0], key[1], moment(made.time), made.state) for key, made in changes.checkpoints],
            )

    def _write_segments(self, conn: Connection, changes: Changes) -> None:
        known = {**changes.added}
        moved = [name for name in changes.at if name not in known]
        rows = [_row(name, segment, changes.at[name]) for name, segment in known.items()]
        if rows:
            conn.execute(
                self._sql(
                    'INSERT INTO {p}segment SELECT subject, what, kind, start, key, "end", data::jsonb, at, tell_at'
                    f" FROM {_SEGMENT_ROWS} ON CONFLICT (subject, what, kind, start, key)"
                    ' DO UPDATE SET "end" = excluded."end", data = excluded.data, at = excluded.at, tell_at = excluded.tell_at'
                ),
                _columns(rows),
            )
        if moved:
            conn.cursor().executemany(
                self._sql(
                    "UPDATE {p}segment SET at = %s WHERE subject = %s AND what = %s AND kind = %s AND start = %s AND key = %s"
                ),
                [(_at(changes.at[n]), n[0][0], n[0][1], n[1], moment(n[2]), n[3]) for n in moved],
            )

    def _write_due(self, conn: Connection, changes: Changes) -> None:
        due = {
            name: s.tell_at for name, s in (*changes.removed.items(), *changes.added.items()) if s.tell_at is not None
        }
        note_due(conn, due)


def note_due(conn: Connection, due: Mapping[Name, int]) -> None:
    """Conditions that changed are looked at (again) from their time on."""
    if due:
        conn.cursor().executemany(
            "INSERT INTO due (subject, what, kind, start, key, at) VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (subject, what, kind, start, key) DO UPDATE SET at = excluded.at",
            [(key[0], key[1], kind, moment(start), extra, moment(at)) for (key, kind, start, extra), at in due.items()],
        )


def _row(name: Name, segment: Segment, at: int | None) -> tuple[object, ...]:
    (subject, what), kind, start, key = name
    end = None if segment.end is None else moment(segment.end)
    tell_at = None if segment.tell_at is None else moment(segment.tell_at)
    return subject, what, kind, moment(start), key, end, msgspec.json.encode(segment.data).decode(), _at(at), tell_at


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _at(time: int | None) -> object:
    return moment(_FAR if time is None else time)


def _bounds(start: Mapping[Key, Checkpoint]) -> tuple[list[str], list[str], list[object]]:
    return [key[0] for key in start], [key[1] for key in start], [moment(made.time) for made in start.values()]
