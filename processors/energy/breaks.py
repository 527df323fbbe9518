"""Breaks as conditions: told as alerts until a record explains them.

A break is told from the reading after it on, and stays: what is missing is a replacement record, or the right rated
power, and either makes the break vanish (DOMAIN, Suspects).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from compound.store.db import Connection
from compound.timeutil import micros, moment, text
from processors.energy.catalogue import Catalogue
from processors.energy.segments import Mark, Segments
from processors.runtime.point import Segment
from processors.runtime.tables import note_due
from processors.runtime.telling import Name, Rule

RULES: Final = {"break": Rule("energy", "medium")}
_REASON: Final = "replacement record missing, or rated power wrong"


def note(conn: Connection, catalogue: Catalogue, *changed: Segments) -> None:
    """Breaks that came or went are looked at when the log is read to its end."""
    due = {}
    for segments in changed:
        for n in np.flatnonzero(segments.mark == Mark.BREAK):
            end = int(segments.end[n])
            due[catalogue.subject(int(segments.series[n])), "break", end, ""] = end
    note_due(conn, due)


def watched(conn: Connection) -> set[str]:
    """The meters of which something is to be told: of them it matters when their data arrives."""
    return {subject for (subject,) in conn.execute("SELECT DISTINCT subject FROM due")}


def standing(conn: Connection, names: Sequence[Name]) -> Mapping[Name, Segment]:
    """The named breaks that still are."""
    found: dict[Name, Segment] = {}
    if not names:
        return found
    rows = conn.execute(
        'SELECT r.subject, r.what, s.start, s."end" FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS n(subject, what, "end")'
        ' JOIN series r USING (subject, what) JOIN segment s ON s.series = r.id AND s."end" = n."end" AND s.mark = 3',
        ([name[0] for name in names], [name[1] for name in names], [moment(name[3]) for name in names]),
    )
    for subject, what, start, end in rows:
        at = micros(end)
        detail = {"since": text(micros(start)), "until": text(at), "reason": _REASON}
        found[subject, what, "break", at, ""] = Segment("break", at, None, detail, tell_at=at)
    return found
