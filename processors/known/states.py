"""Timelines of states as known at K: those with something recorded later are folded again from the checkpoint before it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg import Cursor
from psycopg.rows import TupleRow

from compound.known import Asked
from compound.timeutil import micros, parse
from processors.access.domain import AccessDomain
from processors.known.world import Schemas
from processors.runtime.domain import Tx
from processors.runtime.states import StateDomain

PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "parking": ("",),
    "parcels": ("",),
    "solar": ("", "weather_"),
    "access": ("",),
}
"""The timelines of devices in each domain."""
SAME: Final[Mapping[str, tuple[str, ...]]] = {"solar": ("clear_sky", "sky")}
"""Tables that say the same at any K."""
BEGINNING: Final = parse("0001-01-01T00:00:00Z")
"""Before every point."""

# Where a timeline is folded again from: `since` is the earliest that is not known yet, or that the registry made stale.
_CUTS: Final = """
CREATE TABLE {again}.{p}cut AS
SELECT k.subject, k.what, k.since,
       coalesce((SELECT max(c.time) FROM {live}.{p}checkpoint c WHERE c.subject = k.subject AND c.what = k.what
                 AND c.time < k.since), '-infinity') AS after
FROM (
    SELECT subject, what, min(min(since)) OVER (PARTITION BY subject) AS since FROM (
        SELECT subject, what, min(time) AS since FROM {live}.{p}point WHERE recorded > {known_at} GROUP BY 1, 2
        UNION ALL
        SELECT p.subject, p.what, s.since FROM unnest({devices}::text[], {since}::timestamptz[]) AS s(subject, since)
        JOIN (SELECT DISTINCT subject, what FROM {live}.{p}point WHERE subject = ANY({devices}::text[])) p USING (subject)
    ) AS all_of GROUP BY 1, 2
) AS k
"""
_POINTS: Final = """
INSERT INTO {again}.{p}point SELECT p.* FROM {again}.{p}cut c JOIN {live}.{p}point p
    ON p.subject = c.subject AND p.what = c.what AND p.time > c.after AND p.recorded <= {known_at}
"""
_CHECKPOINTS: Final = """
INSERT INTO {again}.{p}checkpoint SELECT k.* FROM {again}.{p}cut c JOIN {live}.{p}checkpoint k
    ON k.subject = c.subject AND k.what = c.what AND k.time = c.after
"""
_COUNT: Final = """
SELECT count(*) FROM {again}.{p}cut c JOIN {live}.{p}point p ON p.subject = c.subject AND p.what = c.what AND p.time > c.after
"""
_SINCE: Final = "SELECT subject, min(since) FROM {again}.{p}cut GROUP BY 1"
_SEGMENTS: Final = (
    "SELECT s.* FROM {live}.{p}segment s WHERE NOT EXISTS (SELECT FROM {again}.{p}cut c"
    " WHERE c.subject = s.subject AND c.what = s.what AND s.at > c.after) UNION ALL SELECT * FROM {again}.{p}segment"
)
_KNOWN: Final = "SELECT * FROM {live}.{p}point WHERE recorded <= {known_at}"
_PERSONS: Final = (
    "SELECT s.* FROM access.person_segment s WHERE NOT EXISTS (SELECT FROM {again}.token t WHERE t.subject = s.subject)"
    " UNION ALL SELECT * FROM {again}.person_segment"
)
# Persons whose ways changed doors had a part in, by all that is known now; their points but those of these doors.
_TOKENS: Final = """
CREATE TABLE {again}.token AS
SELECT DISTINCT s.data->>'token' AS subject FROM {again}.cut c JOIN access.segment s
    ON s.subject = c.subject AND s.what = c.what AND s.at > c.after AND s.kind = 'passage' WHERE s.data->>'token' IS NOT NULL
UNION
SELECT (regexp_match(p.value, 'tok:[a-z]+:[0-9]{{4}}-[0-9]{{2}}:[0-9a-f]{{32}}'))[1] FROM {again}.cut c JOIN access.point p
    ON p.subject = c.subject AND p.what = c.what AND p.time > c.after AND p.value LIKE '%tok:%'
"""
_WAYS: Final = """
INSERT INTO {again}.person_point SELECT p.* FROM {again}.token t JOIN access.person_point p USING (subject)
WHERE NOT EXISTS (
    SELECT FROM {again}.cut c JOIN access.segment s ON s.subject = c.subject AND s.what = c.what AND s.at > c.after
    WHERE s.kind = 'passage' AND s.subject = p.value::jsonb->>3 AND s.key = p.value::jsonb->>8 AND s.start = p.time)
"""


def count(schemas: Schemas, tx: Tx, asked: Asked, stale: Mapping[str, datetime]) -> int:
    """Find what is to be folded again, and how many points that takes."""
    found = 0
    for prefix in PREFIXES[tx.domain]:
        _run(schemas, tx.domain, prefix, _CUTS, devices=list(stale), since=list(stale.values()))
        row = _run(schemas, tx.domain, prefix, _COUNT).fetchone()
        found += int(row[0]) if row else 0
    return found


def derive(schemas: Schemas, tx: Tx, asked: Asked, code: StateDomain[Any]) -> None:
    """Fold again, with the domain's own code, and say what stands for the live tables."""
    domain = tx.domain
    devices: dict[str, datetime] = {}
    for prefix in PREFIXES[domain]:
        for statement in (_POINTS, _CHECKPOINTS):
            _run(schemas, domain, prefix, statement)
        devices |= dict(_run(schemas, domain, prefix, _SINCE).fetchall())
        for table, query in (("segment", _SEGMENTS), ("point", _KNOWN)):
            schemas.table(domain, f"{prefix}{table}", _of(query, domain, prefix))
    if isinstance(code, AccessDomain):
        for statement in (_TOKENS, _WAYS):
            _run(schemas, domain, "", statement)
        schemas.table(domain, "person_segment", _PERSONS)
    for table in SAME.get(domain, ()):
        schemas.table(domain, table, f"SELECT * FROM {domain}.{table}")
    with schemas.acting(domain):
        code.rederive(tx, sorted((device, micros(since)) for device, since in devices.items()))
        if isinstance(code, AccessDomain):
            tokens = tx.conn.execute("SELECT subject FROM token").fetchall()
            code.persons.rederive(tx, [(token, BEGINNING) for (token,) in tokens])
    schemas.finish(domain)


def _run(schemas: Schemas, domain: str, prefix: str, statement: str, **more: object) -> Cursor[TupleRow]:
    return schemas.run(_of(statement, domain, prefix), domain, **more)


def _of(statement: str, domain: str, prefix: str) -> str:
    """A statement of one timeline: `{live}` is its schema, `{p}` the prefix of its tables."""
    return statement.replace("{live}", domain).replace("{p}", prefix)
