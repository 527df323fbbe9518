"""Conditions that an evaluator keeps: what it sees begins them, and ends them when it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from psycopg.types.json import Jsonb

from compound.timeutil import micros, moment, text
from processors.runtime.domain import Tx
from processors.runtime.tables import note_due

Of = tuple[str, str]
"""Subject and what of it."""
_OPEN: Final = 'SELECT subject, what, start FROM condition WHERE kind = %s AND "end" IS NULL'


class Sign(NamedTuple):
    """What speaks for a condition since `since` (µs). One that is not `enough` to begin it keeps it up, once begun."""

    since: int
    detail: dict[str, Any]
    enough: bool = True


def standing(tx: Tx, rule: str) -> dict[Of, int]:
    """The conditions of `rule` that hold, and since when, µs."""
    return {(subject, what): micros(start) for subject, what, start in tx.conn.execute(_OPEN, (rule,))}


def settle(tx: Tx, rule: str, signs: Mapping[Of, Sign], changed: str) -> None:
    """Begin the conditions of `rule` that `signs` speak for, and end those that nothing speaks for any more.

    `changed`: what the live stream calls a change of them.
    """
    open_now = standing(tx, rule)
    for of, sign in signs.items():
        if sign.enough and of not in open_now:
            _begin(tx, rule, of, sign, changed)
    for of, since in open_now.items():
        if of not in signs:
            _end(tx, rule, of, since, changed)


def _begin(tx: Tx, rule: str, of: Of, sign: Sign, changed: str) -> None:
    tx.conn.execute(
        "INSERT INTO condition (subject, what, kind, start, key, data, tell_at) VALUES (%s, %s, %s, %s, '', %s, %s)"
        ' ON CONFLICT (subject, what, kind, start, key) DO UPDATE SET "end" = NULL, data = excluded.data',
        (*of, rule, moment(sign.since), Jsonb({**sign.detail, "since": text(sign.since)}), moment(tx.now)),
    )
    _note(tx, rule, of, sign.since, changed)


def _end(tx: Tx, rule: str, of: Of, since: int, changed: str) -> None:
    tx.conn.execute(
        'UPDATE condition SET "end" = %s WHERE subject = %s AND what = %s AND kind = %s AND start = %s',
        (moment(tx.now), *of, rule, moment(since)),
    )
    _note(tx, rule, of, since, changed)


def _note(tx: Tx, rule: str, of: Of, since: int, changed: str) -> None:
    note_due(tx.conn, {(of, rule, since, ""): tx.now})
    tx.changed.add((changed, of[0] if changed == "device" else of[1]))
