"""Energy as known at K: series with something recorded later are derived again, from a day before the first of it on.

Before that day nothing depends on it (`processors.energy.tables.bounds`), so there the live rows stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import numpy as np

from compound.known import CONDITIONS, Asked
from compound.timeutil import micros, moment
from processors.energy import EnergyDomain
from processors.energy.decode import INTERVALS
from processors.energy.registered import zone_of
from processors.energy.tables import FUTURE, PAST, bounds, bounds_of_intervals
from processors.known.world import Reader, Schemas
from processors.runtime.domain import Tx

# What is asked of; at first all series of which anything was known. `since`: the earliest that is not known yet, or that the
# registry made stale; `cut`: from when on rows are derived again, the beginning of a local day.
_ALL: Final = """
CREATE TABLE {again}.scope AS SELECT s.id AS series, s.subject, s.what, s.zone, NULL::timestamptz AS since,
    'infinity'::timestamptz AS cut, 'infinity'::date AS day
FROM energy.series s WHERE EXISTS (SELECT FROM energy.point p WHERE p.series = s.id AND p.recorded <= {known_at})
"""
_SINCE: Final = """
UPDATE {again}.scope c SET since = f.since FROM (
    SELECT c.series, min(min(f.since)) OVER (PARTITION BY c.subject) AS since FROM {again}.scope c JOIN (
        SELECT p.series, min(p.time) AS since FROM {again}.scope c JOIN energy.point p ON p.series = c.series
        WHERE p.recorded > {known_at} GROUP BY 1
        UNION ALL SELECT c.series, s.since FROM unnest({devices}::text[], {times}::timestamptz[]) AS s(subject, since)
        JOIN {again}.scope c USING (subject)) f USING (series) GROUP BY c.series, c.subject) f
WHERE f.series = c.series
"""
_CHANGED: Final = "SELECT series, subject, what, zone, since FROM {again}.scope WHERE since IS NOT NULL ORDER BY 1"
_CUT: Final = """
UPDATE {again}.scope c SET cut = k.cut, day = (k.cut AT TIME ZONE coalesce(c.zone, 'UTC'))::date
FROM (SELECT c.series, CASE WHEN k.low <= '0001-01-02 00:00+00' THEN '-infinity'
                       ELSE date_trunc('day', k.low, coalesce(c.zone, 'UTC')) END AS cut
      FROM unnest({series}::int[], {low}::timestamptz[]) AS k(series, low) JOIN {again}.scope c USING (series)) k
WHERE k.series = c.series
"""
_COUNT: Final = """
SELECT count(*) FROM {again}.scope c JOIN energy.point p ON p.series = c.series AND p.time >= c.cut
"""
_SUBJECT: Final = "SELECT $1::text AS subject"
_PLANT: Final = (
    "SELECT c.subject FROM solar.registers($1) r JOIN energy.place k ON k.point = r.point"
    " JOIN energy.seat t ON t.place = k.id JOIN {again}.scope c ON c.series = t.series"
)
_GROUP: Final = (
    "SELECT c.subject FROM (SELECT DISTINCT coalesce(medium, 'electricity') AS medium FROM registry.point) m,"
    " unnest($2::text[]) AS g(kind), energy.formula(g.kind, $1, m.medium, NULL) f JOIN {again}.scope c ON c.series = f.series"
)
NUMBERED: Final = ("place", "serial", "sky")
_NUMBERS: Final = (
    "INSERT INTO {again}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM energy.{table}",
    "SELECT setval(pg_get_serial_sequence('{again}.{table}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {again}.{table}))",
)
_SERIES: Final = (
    "INSERT INTO {again}.series (id, subject, what, zone, longest) OVERRIDING SYSTEM VALUE"
    " SELECT s.* FROM energy.series s JOIN {again}.scope c ON c.series = s.id WHERE c.since IS NOT NULL"
)
OWNED: Final[Mapping[str, tuple[str, str]]] = {
    "mark": ("time", "cut"),
    "segment": ("end", "cut"),
    "quarter": ("start", "cut"),
    "day": ("day", "day"),
}
"""Tables of a series, and by which of their columns a row lies before the cut."""
_AFTER: Final = (
    "INSERT INTO {again}.{table} SELECT t.* FROM {again}.scope c JOIN energy.{table} t ON t.series = c.series"
    ' AND t."{at}" >= c.{cut} WHERE c.since IS NOT NULL'
)
_POINTS: Final = _AFTER + " AND t.recorded <= {known_at}"
_ROWS: Final = (
    'SELECT t.* FROM energy.{table} t JOIN {again}.scope c ON c.series = t.series WHERE t."{at}" < c.{cut}'
    " UNION ALL SELECT * FROM {again}.{table}"
)
_WHOLE: Final = (
    "SELECT t.* FROM energy.{table} t JOIN {again}.scope c ON c.series = t.{key} WHERE c.since IS NULL"
    " UNION ALL SELECT * FROM {again}.{table}"
)
_KNOWN: Final = (
    "SELECT t.* FROM energy.point t JOIN {again}.scope c ON c.series = t.series WHERE t.recorded <= {known_at}"
)


def count(schemas: Schemas, tx: Tx, asked: Asked, stale: Mapping[str, datetime]) -> int:
    """Find what is to be derived again, and how many readings that takes."""
    _prepare(schemas)
    _narrow(schemas, asked)
    schemas.run(_SINCE, "energy", devices=list(stale), times=list(stale.values()))
    _cut(schemas, tx)
    row = schemas.run(_COUNT, "energy").fetchone()
    return int(row[0]) if row else 0


def derive(schemas: Schemas, tx: Tx, asked: Asked, code: EnergyDomain) -> None:
    """Derive again, with the domain's own code."""
    schemas.run(_SERIES, "energy")
    schemas.run(_of(_POINTS, "point", "time", "cut"), "energy")
    for table, (at, cut) in OWNED.items():
        schemas.run(_of(_AFTER, table, at, cut), "energy")
    rows = schemas.run("SELECT DISTINCT subject, since FROM {again}.scope WHERE since IS NOT NULL ORDER BY 1", "energy")
    devices = [(device, micros(since)) for device, since in rows.fetchall()]
    with schemas.acting("energy"):
        code.rederive(tx, devices)


def _prepare(schemas: Schemas) -> None:
    """Say what stands for the live tables; the functions made of them find the scope."""
    schemas.run(_ALL, "energy")
    for table in NUMBERED:
        for statement in _NUMBERS:
            schemas.run(_of(statement, table), "energy")
        schemas.table("energy", table, f"SELECT * FROM {{again}}.{table}")
    for table, (at, cut) in OWNED.items():
        schemas.table("energy", table, _of(_ROWS, table, at, cut))
    for table, key in (("series", "id"), ("seat", "series")):
        schemas.table("energy", table, _of(_WHOLE, table).replace("{key}", key))
    schemas.table("energy", "point", _KNOWN)
    schemas.table("energy", "register", "SELECT * FROM energy.register")
    schemas.finish("energy")
    schemas.keep("term", "make_terms")
    schemas.keep("placed", "make_placed")


def _narrow(schemas: Schemas, asked: Asked) -> None:
    """Only meters that a figure of what is asked is made of are looked at; others are as if they were not there."""
    if asked.id is None:
        return
    again = schemas.again("energy")
    meters: set[str] = set()
    for query, parameters in _wanted(asked, asked.id):
        rows = Reader(schemas).rows(query.replace("{again}", again), parameters)
        meters |= {row["subject"] for row in rows}
    schemas.run("DELETE FROM {again}.scope WHERE subject <> ALL({meters}::text[])", "energy", meters=list(meters))


def _wanted(asked: Asked, id_: str) -> list[tuple[str, list[object]]]:
    """Queries of the meters that are needed."""
    if asked.domain == CONDITIONS:  # of a meter its own, of a department those of its quotas
        return [(_SUBJECT, [id_]), (_GROUP, [id_, ["department"]])]
    if asked.kind == "meter":
        return [(_SUBJECT, [id_])]
    if asked.kind == "plant":
        return [(_PLANT, [id_])]
    return [(_GROUP, [id_, ["point", "children"] if asked.kind == "balance" else [asked.kind]])]


def _cut(schemas: Schemas, tx: Tx) -> None:
    """Where each changed series is cut: so far before the first change that nothing there depends on it."""
    changed = schemas.run(_CHANGED, "energy").fetchall()
    lows: dict[int, datetime] = {}
    schemas.conn.execute("SET LOCAL search_path = energy")
    for of_intervals, find in ((False, bounds), (True, bounds_of_intervals)):
        own = [row for row in changed if (row[2] in INTERVALS) == of_intervals]
        if own:
            series = np.array([row[0] for row in own], np.int64)
            first = np.array([_first(tx, *row[1:]) for row in own], np.int64)
            found = find(schemas.conn, series, first, np.full(len(own), FUTURE))
            ends = np.minimum(found.low, found.since)
            lows |= {number: moment(low) for number, low in zip(found.series.tolist(), ends.tolist(), strict=True)}
    schemas.conn.execute("SET LOCAL search_path = pg_catalog")
    schemas.run(_CUT, "energy", series=list(lows), low=list(lows.values()))


def _first(tx: Tx, subject: str, what: str, zone: str | None, since: datetime) -> int:
    """From when on a series differs: from its first reading on where its days were cut by another zone than now."""
    return micros(since) if zone in (None, zone_of(tx.registry, subject)) else PAST


def _of(statement: str, table: str, at: str = "", cut: str = "") -> str:
    return statement.replace("{table}", table).replace("{at}", at).replace("{cut}", cut)
