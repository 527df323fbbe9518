"""Time that passes: conditions become history. One mechanism tells the conditions of all domains.

A condition is a fact (a segment with `tell_at`). When it becomes due, and only when the log was read to its end, it is
told: raised while it holds, cleared when it ended, withdrawn when later data shows that it never was. One that was over
before it could be known is recorded, never sent. What was told stands in `told`, in the same transaction as the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple

import msgspec

from compound.events import HISTORY, Event, history_id
from compound.store.db import Connection
from compound.timeutil import SECOND, micros, moment, parse, text
from processors.runtime.domain import Tx
from processors.runtime.point import Segment

STEADY: Final = timedelta(seconds=5)
"""Change of a device's lateness up to which its clock is merely slow."""
MOST: Final = 2000
"""Conditions looked at in one transaction."""

Priority = Literal["high", "medium", "low"]
Category = Literal["security", "maintenance", "energy", "notification"]
Name = tuple[str, str, str, int, str]
"""A condition: subject, what, kind, start (µs), key."""


class Rule(NamedTuple):
    """How conditions of a kind are told."""

    category: Category
    priority: Priority


class Due(NamedTuple):
    """A condition to look at, with what is known of its device (None: the subject is no device of one partition)."""

    name: Name
    newest: int | None
    recorded: int | None
    late: int | None
    state: str | None
    times: int
    notified: bool
    """Whether the raising went out; what follows it then does too."""


Lookup = Callable[[Connection, Sequence[Name]], Mapping[Name, Segment]]
"""Finds conditions as they stand; those that vanished are missing."""


class Teller:
    """Tells the due conditions of one domain."""

    def __init__(self, rules: Mapping[str, Rule], quiet_s: float, late_s: float, lookup: Lookup | None = None) -> None:
        self.rules = rules
        self._quiet = int(quiet_s * SECOND)
        self.late = int(late_s * SECOND)
        self._lookup = lookup or segments

    def tick(self, tx: Tx) -> bool:
        """Look at what is due at `tx.now`; whether anything was written."""
        due = self._due(tx)
        standing = self._lookup(tx.conn, [each.name for each in due])
        done: list[Name] = []
        for each in due:
            again = self._tell(tx, each, standing.get(each.name))
            if again is None:
                done.append(each.name)
            elif again > tx.now:
                _look_again(tx.conn, each.name, again)
        _forget(tx.conn, done)
        return bool(done)

    def _due(self, tx: Tx) -> list[Due]:
        slots = sorted(tx.slots or ())
        rows = tx.conn.execute(
            "SELECT d.subject, d.what, d.kind, d.start, d.key, s.newest, s.recorded, s.late_recorded, t.state, coalesce(t.times, 0),"
            " coalesce(t.notify, false)"
            " FROM due d LEFT JOIN subject s USING (subject) LEFT JOIN told t USING (subject, what, kind, start, key)"
            " WHERE d.at <= %s AND CASE WHEN s.subject IS NULL THEN %s"
            " ELSE %s OR (s.topic, s.partition) IN (SELECT * FROM unnest(%s::text[], %s::int[])) END"
            " ORDER BY d.at LIMIT %s FOR UPDATE OF d SKIP LOCKED",
            (moment(tx.now), tx.whole, tx.slots is None, [s.topic for s in slots], [s.partition for s in slots], MOST),
        ).fetchall()
        return [
            Due((r[0], r[1], r[2], micros(r[3]), r[4]), _time(r[5]), _time(r[6]), _time(r[7]), r[8], int(r[9]), r[10])
            for r in rows
        ]

    def _tell(self, tx: Tx, due: Due, segment: Segment | None) -> int | None:
        """Tell one condition; the time to look at it again (now or before: at the next tick), None when all is told."""
        told = due.state == "raised"
        if segment is None:
            if due.state not in (None, "withdrawn"):
                self._say(tx, due, None, "withdrawn")
            return None
        over = segment.end is not None and segment.end <= tx.now
        if over:
            if told:
                self._say(tx, due, segment, "cleared")
            elif due.state in (None, "withdrawn"):
                self._say(tx, due, segment, "recorded")
            return None
        if not told:
            if _unknown(segment, tx.now):
                return None
            if not self._passed(tx, due, segment):
                return tx.now
            self._say(tx, due, segment, "raised")
        return segment.end

    def _passed(self, tx: Tx, due: Due, segment: Segment) -> bool:
        """Whether the deadline has passed (DOMAIN, Alarms): a point at or after it is in, or the clock is past it and all is quiet.

        While a device delivers a late burst, what still looks open may end with its next message: wait for quiet.
        """
        if due.recorded is None or due.newest is None or segment.tell_at is None:
            return True
        if tx.now - due.recorded >= self._quiet:
            return True
        bursting = due.late is not None and tx.now - due.late < self._quiet
        return due.newest >= segment.tell_at and not bursting

    def _say(self, tx: Tx, due: Due, segment: Segment | None, state: str) -> None:
        """Append history for the change and note it as told."""
        subject, what, kind, start, key = due.name
        alert = history_id("alert", tx.domain, *due.name)
        data = self._data(tx, due, segment, alert)
        times = due.times + 1
        steps = ("raised", "cleared") if state == "recorded" else (state,)
        notify = self._pages(tx, due) if state == "raised" else due.notified and state != "recorded"
        for step in steps:
            event_type = f"alert.{step}.v1"
            body = {**data, "notify": notify}
            source = f"compound/processors/{tx.domain}"
            event = Event(
                history_id(alert, step, times), source, event_type, tx.now, subject, msgspec.json.encode(body)
            )
            tx.tell(HISTORY, event, alert)
        tx.changed.add(("alert", alert))
        tx.conn.execute(
            "INSERT INTO told (subject, what, kind, start, key, state, times, notify) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (subject, what, kind, start, key)"
            " DO UPDATE SET state = excluded.state, times = excluded.times, notify = excluded.notify",
            (subject, what, kind, moment(start), key, state, times, notify),
        )

    def _pages(self, tx: Tx, due: Due) -> bool:
        """Whether a raising goes out: nothing of a device in maintenance pages anyone (DOMAIN)."""
        placement = tx.registry.placement(due.name[0], tx.now)
        return not (placement is not None and placement.device.maintenance)

    def _data(self, tx: Tx, due: Due, segment: Segment | None, alert: str) -> dict[str, Any]:
        subject, what, kind, start, key = due.name
        rule = self.rules[kind]
        placement = tx.registry.placement(subject, start)
        return {
            "alert": alert,
            "domain": tx.domain,
            "rule": kind,
            "subject": subject,
            "what": what,
            "key": key,
            "site": placement.point.site if placement else None,
            "point": placement.point_id if placement else None,
            "start": text(start),
            "end": None if segment is None or segment.end is None else text(segment.end),
            "priority": rule.priority,
            "category": rule.category,
            "detail": {} if segment is None else segment.data,
        }


def segments(conn: Connection, names: Sequence[Name]) -> Mapping[Name, Segment]:
    """The named conditions as they stand in `segment`."""
    return segments_of("segment")(conn, names)


def segments_of(*tables: str) -> Lookup:
    """A lookup over segment tables (a domain with a second stage has two)."""

    def find(conn: Connection, names: Sequence[Name]) -> dict[Name, Segment]:
        found: dict[Name, Segment] = {}
        if not names:
            return found
        columns = [list(column) for column in zip(*names, strict=True)]
        columns[3] = [moment(start) for start in columns[3]]
        for table in tables:
            rows = conn.execute(
                'SELECT s.subject, s.what, s.kind, s.start, s.key, s."end", s.data, s.tell_at'
                " FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])"
                f" AS n(subject, what, kind, start, key) JOIN {table} s USING (subject, what, kind, start, key)",
                columns,
            )
            for subject, what, kind, start, key, end, data, tell_at in rows:
                segment = Segment(kind, micros(start), _time(end), data, key, _time(tell_at))
                if segment.tell_at is not None:
                    found[subject, what, kind, segment.start, key] = segment
        return found

    return find


def note_arrivals(tx: Tx, arrivals: Mapping[str, tuple[str, int, int, int, int | None]]) -> None:
    """Note of each subject (topic, partition, newest time, newest recorded, newest recorded of a late point), all µs.

    A device that is steadily as late as before has a slow clock; only one whose lateness changes delivers a late burst.
    """
    if not arrivals:
        return
    rows = [
        (subject, topic, partition, moment(newest), moment(recorded), None if late is None else moment(late))
        for subject, (topic, partition, newest, recorded, late) in sorted(arrivals.items())
    ]
    tx.conn.execute(
        "INSERT INTO subject AS held SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[],"
        " %s::timestamptz[]) ON CONFLICT (subject) DO UPDATE SET newest = greatest(held.newest, excluded.newest),"
        " recorded = greatest(held.recorded, excluded.recorded), late_recorded = CASE"
        " WHEN (excluded.recorded - excluded.newest) - (held.recorded - held.newest) BETWEEN %s AND %s THEN held.late_recorded"
        " ELSE greatest(held.late_recorded, excluded.late_recorded) END",
        [*([*column] for column in zip(*rows, strict=True)), -STEADY, STEADY],
    )


def _unknown(segment: Segment, now: int) -> bool:
    """Whether it is not known any more that the condition holds (`known_until`, as of a spot without signs); a sign says it anew."""
    known_until = segment.data.get("known_until")
    return segment.end is None and known_until is not None and parse(known_until) <= now


def _time(value: Any) -> int | None:
    return None if value is None else micros(value)


def _look_again(conn: Connection, name: Name, at: int) -> None:
    subject, what, kind, start, key = name
    conn.execute(
        "UPDATE due SET at = %s WHERE subject = %s AND what = %s AND kind = %s AND start = %s AND key = %s",
        (moment(at), subject, what, kind, moment(start), key),
    )


def _forget(conn: Connection, names: Sequence[Name]) -> None:
    if names:
        conn.cursor().executemany(
            "DELETE FROM due WHERE subject = %s AND what = %s AND kind = %s AND start = %s AND key = %s",
            [(subject, what, kind, moment(start), key) for subject, what, kind, start, key in names],
        )
