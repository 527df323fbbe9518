"""Energy as known at K: series with something recorded later are derived again from the readings known by then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from psycopg import sql

from compound.store.db import sql_text
from processors.energy import EnergyDomain
from processors.energy.tables import PAST
from processors.known.world import Reader, Schemas
from processors.runtime.domain import Tx

# What is asked of; at first all series of which anything was known.
_ALL: Final = """
CREATE TABLE {again}.scope AS SELECT s.id AS series, s.subject, false AS changed FROM energy.series s
WHERE EXISTS (SELECT FROM energy.point p WHERE p.series = s.id AND p.recorded <= {known_at})
"""
_CHANGED: Final = """
UPDATE {again}.scope c SET changed = true WHERE subject = ANY({devices}::text[])
    OR EXISTS (SELECT FROM energy.point p WHERE p.series = c.series AND p.recorded > {known_at})
"""
_METERS: Final[Mapping[str, str]] = {
    "meter": "SELECT $1::text AS subject",
    "plant": "SELECT c.subject FROM solar.registers($1) r JOIN energy.place k ON k.point = r.point"
    " JOIN energy.seat t ON t.place = k.id JOIN {again}.scope c ON c.series = t.series",
}
_GROUP: Final = (
    "SELECT c.subject FROM (SELECT DISTINCT coalesce(medium, 'electricity') AS medium FROM registry.point) m,"
    " unnest($2::text[]) AS g(kind), energy.formula(g.kind, $1, m.medium, NULL) f JOIN {again}.scope c ON c.series = f.series"
)
_FILL: Final = (
    "INSERT INTO {again}.series (id, subject, what, zone, longest) OVERRIDING SYSTEM VALUE"
    " SELECT s.* FROM energy.series s JOIN {again}.scope c ON c.series = s.id WHERE c.changed",
    "INSERT INTO {again}.point SELECT p.* FROM {again}.scope c JOIN energy.point p ON p.series = c.series"
    " WHERE c.changed AND p.recorded <= {known_at}",
)
_NUMBERS: Final = (
    "INSERT INTO {again}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM energy.{table}",
    "SELECT setval(pg_get_serial_sequence('{again}.{table}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {again}.{table}))",
)
_OWN: Final = (
    "SELECT t.* FROM energy.{table} t JOIN {{again}}.scope c ON c.series = t.{key} WHERE NOT c.changed"
    " UNION ALL SELECT * FROM {{again}}.{table}"
)
NUMBERED: Final = ("place", "serial", "sky")
OWNED: Final[Mapping[str, str]] = {
    "series": "id",
    **dict.fromkeys(("seat", "point", "mark", "segment", "quarter", "day"), "series"),
}


def prepare(schemas: Schemas) -> None:
    """Say what stands for the live tables; the functions made of them find the scope."""
    _run(schemas, _ALL)
    for table in NUMBERED:
        for statement in _NUMBERS:
            _run(schemas, statement, table=table)
        schemas.table("energy", table, f"SELECT * FROM {{again}}.{table}")
    for table, key in OWNED.items():
        schemas.table("energy", table, _OWN.format(table=table, key=key))
    schemas.table("energy", "register", "SELECT * FROM energy.register")
    schemas.finish("energy")
    schemas.keep("term", "make_terms")
    schemas.keep("placed", "make_placed")


def narrow(schemas: Schemas, kind: str | None, id_: str | None) -> None:
    """Only meters that a figure of `id_` is made of are looked at; others are as if they were not there."""
    if kind is None:
        return
    query, parameters = _METERS.get(kind, _GROUP), [id_, ["point", "children"] if kind == "balance" else [kind]]
    again = schemas.again("energy")
    rows = Reader(schemas).rows(query.format(again=again), parameters if query is _GROUP else parameters[:1])
    meters = {row["subject"] for row in rows}
    schemas.conn.execute(sql_text(f"DELETE FROM {again}.scope WHERE subject <> ALL(%s)"), (list(meters),))


def count(schemas: Schemas, stale: Mapping[str, datetime]) -> int:
    """Find what is to be derived again, and how many readings that takes."""
    _run(schemas, _CHANGED, devices=list(stale))
    row = schemas.conn.execute(
        sql_text(
            f"SELECT count(*) FROM {schemas.again('energy')}.scope c JOIN energy.point p ON p.series = c.series WHERE c.changed"
        )
    ).fetchone()
    return int(row[0]) if row else 0


def derive(schemas: Schemas, code: EnergyDomain, tx: Tx) -> None:
    """Derive again, with the domain's own code."""
    for statement in _FILL:
        _run(schemas, statement)
    tx.conn.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(schemas.again("energy"))))
    meters = tx.conn.execute("SELECT DISTINCT subject FROM scope WHERE changed ORDER BY 1").fetchall()
    code.rederive(tx, [(meter, PAST) for (meter,) in meters])
    tx.conn.execute("SET LOCAL search_path = pg_catalog")


def _run(schemas: Schemas, statement: str, table: str = "", devices: list[str] | None = None) -> None:
    text = statement.format(
        again=schemas.again("energy"),
        table=table,
        known_at=sql.Literal(schemas.known_at).as_string(schemas.conn),
        devices=sql.Literal(devices or []).as_string(schemas.conn),
    )
    schemas.conn.execute(sql_text(text))
