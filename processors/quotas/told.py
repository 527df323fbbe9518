"""Levels become conditions that are told (DOMAIN, Levels): once a (subject, period, level), again after a budget edit.

What was told decides what is told next, so these rows are not facts; the facts are in `level`.
"""

from __future__ import annotations

from typing import Final

from psycopg.types.json import Jsonb

from compound.timeutil import moment, text
from processors.quotas.figures import LEVELS, Curve, figures, still
from processors.quotas.registered import Period, Planned
from processors.runtime.domain import Tx
from processors.runtime.tables import note_due

KINDS: Final = {level: f"quota-{level}" for level in LEVELS}


def tell(tx: Tx, planned: Planned, period: Period, curve: Curve, reached: dict[str, int], until: int) -> None:
    """Open the condition of the highest level newly reached, end those that cleared. `reached`: level -> when, µs.

    `until` is the end of the last quarter hour known: where a level that no longer holds has cleared.
    """
    department, what, edit = planned.quota.department, f"{planned.id} {period.kind}", str(planned.edit)
    rows = tx.conn.execute(
        "SELECT kind, key, state FROM told WHERE subject = %s AND what = %s AND start = %s",
        (department, what, moment(period.start)),
    ).fetchall()
    for kind, key, state in rows:
        if state == "raised" and key != edit:
            _end(tx, department, what, kind, period, key, tx.now)
        elif state == "raised" and not still(curve, kind.removeprefix("quota-")):
            _end(tx, department, what, kind, period, key, until)
    said = {kind for kind, key, _ in rows if key == edit}
    new = [level for level in LEVELS if level in reached and KINDS[level] not in said]
    if not new:
        return
    higher = LEVELS[LEVELS.index(new[-1]) + 1 :]
    if not any(KINDS[level] in said for level in higher):
        _open(tx, planned, period, new.pop(), curve, reached, until)
    for level in new:
        tx.conn.execute(
            "INSERT INTO told (subject, what, kind, start, key, state, times) VALUES (%s, %s, %s, %s, %s, 'passed', 0)",
            (department, what, KINDS[level], moment(period.start), edit),
        )


def _open(
    tx: Tx, planned: Planned, period: Period, level: str, curve: Curve, reached: dict[str, int], until: int
) -> None:
    """One that cleared before it could be told is over already: it is recorded, not sent."""
    department, what, kind = planned.quota.department, f"{planned.id} {period.kind}", KINDS[level]
    found = figures(curve)
    detail = {
        "quota": planned.id,
        "department": department,
        "medium": planned.quota.medium,
        "period": period.kind,
        "level": level,
        "at": text(reached[level]),
        "budget": found.budget,
        "actual": found.actual,
        "used": found.used,
        "forecast": found.forecast,
    }
    end = period.end if still(curve, level) else until
    tx.conn.execute(
        'INSERT INTO condition (subject, what, kind, start, key, "end", data, tell_at)'
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (subject, what, kind, start, key)"
        ' DO UPDATE SET "end" = excluded."end", data = excluded.data, tell_at = excluded.tell_at',
        (
            department,
            what,
            kind,
            moment(period.start),
            str(planned.edit),
            moment(end),
            Jsonb(detail),
            moment(reached[level]),
        ),
    )
    note_due(tx.conn, {((department, what), kind, period.start, str(planned.edit)): tx.now})


def _end(tx: Tx, department: str, what: str, kind: str, period: Period, key: str, at: int) -> None:
    tx.conn.execute(
        'UPDATE condition SET "end" = %s WHERE subject = %s AND what = %s AND kind = %s AND start = %s AND key = %s',
        (moment(at), department, what, kind, moment(period.start), key),
    )
    note_due(tx.conn, {((department, what), kind, period.start, key): tx.now})


def end_removed(tx: Tx, quotas: list[str]) -> None:
    """End what was told of quotas that are no more."""
    rows = tx.conn.execute(
        'UPDATE condition SET "end" = %s WHERE split_part(what, \' \', 1) <> ALL(%s) AND "end" > %s'
        " RETURNING subject, what, kind, (extract(epoch FROM start) * 1000000)::bigint, key",
        (moment(tx.now), quotas, moment(tx.now)),
    ).fetchall()
    note_due(tx.conn, {((row[0], row[1]), row[2], row[3], row[4]): tx.now for row in rows})
