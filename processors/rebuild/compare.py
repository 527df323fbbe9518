"""The live projection and the built one, table by table, at equal positions.

The live side is one snapshot; the build runs to exactly its positions, and both are hashed by subject. Numbers that stand
for something are compared by what they stand for. Which columns and tables are no facts the catalogue says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from psycopg import IsolationLevel

from compound.registry.timeline import version_of
from compound.settings import Settings
from compound.store.db import Connection, connect, sql_text
from compound.store.schemas import next_of
from processors.rebuild.build import Build, Positions, Progress, RebuildError, positions_of
from processors.rebuild.catalogue import PROJECTIONS
from processors.rebuild.schema import key

SUBJECTS: Final = 20
"""So many subjects of a table are looked at row by row."""
EXAMPLES: Final = 3
"""So many differing rows of a subject are told, unless more are asked for."""
PATIENCE_S: Final = 120.0
"""So long is waited until nothing of the domain is stale."""

_COLUMNS: Final = """
SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
Row = dict[str, Any]


class Example(NamedTuple):
    """A row by its key, and what differs in it; None where one side has no such row."""

    key: Row
    live: Row | None
    built: Row | None


class Difference(NamedTuple):
    """A subject whose rows differ in a table. `examples` are some of them."""

    table: str
    subject: str
    live: int
    built: int
    examples: list[Example]


class Compared(NamedTuple):
    """A domain's comparison. `rows`: of the live side, by table; `differences` in order of (table, subject)."""

    domain: str
    rows: dict[str, int]
    differences: list[Difference]


class _Table(NamedTuple):
    """A comparable query: the columns `subject`, then those of `names`; `key` are of these the primary key."""

    query: str
    names: list[str]
    key: list[str]


def compare(
    settings: Settings,
    build: Build,
    progress: Progress = lambda count: None,
    told: Callable[[str], None] = print,
    examples: int = EXAMPLES,
) -> Compared:
    """Compare `build` with the live projection at its positions of now; `told` hears of each table begun. Of each subject that
    differs in a table up to `examples` rows are shown.

    Raises RebuildError when the registry or stale stretches leave no moment to compare at.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with connect(settings.database_url, f"rebuild/{build.domain}/compare") as live:
            live.isolation_level = IsolationLevel.REPEATABLE_READ
            live.read_only = True
            targets, version, settled = _moment(live, build.domain)
            if not settled:
                time.sleep(1)
                continue
            build.run_to(targets, progress)
            # A change of the registry that came since the snapshot is in what was built, not in the snapshot.
            if build.version == version:
                return _compare(live, build, told, examples)
    raise RebuildError(
        f"The registry's changes leave {build.domain} no moment to compare at; are its processors running?"
    )


def _moment(live: Connection, domain: str) -> tuple[Positions, int, bool]:
    """The snapshot: positions, the registry's version, and whether nothing is stale."""
    stale = live.execute("SELECT FROM registry.stale WHERE domain = %s LIMIT 1", (domain,)).fetchone()
    return positions_of(live, domain), version_of(live), stale is None


def _compare(live: Connection, build: Build, told: Callable[[str], None], examples: int) -> Compared:
    rows: dict[str, int] = {}
    differences: list[Difference] = []
    for name in PROJECTIONS[build.domain].facts:
        told(f"{build.domain}.{name}")
        sides = [
            (live, _table(live, build.domain, build.domain, name)),
            (build.connection, _table(build.connection, build.domain, next_of(build.domain), name)),
        ]
        here, there = (_digests(conn, table) for conn, table in sides)
        rows[name] = sum(count for count, _ in here.values())
        other = sorted(subject for subject in here.keys() | there.keys() if here.get(subject) != there.get(subject))
        for number, subject in enumerate(other):
            some = _examples(sides, subject, examples) if number < SUBJECTS else []
            counts = here.get(subject, (0, 0))[0], there.get(subject, (0, 0))[0]
            differences.append(Difference(name, subject, *counts, some))
        build.connection.rollback()
    return Compared(build.domain, rows, differences)


def _table(conn: Connection, domain: str, schema: str, name: str) -> _Table:
    """The query of a fact table's rows by what they say."""
    projection = PROJECTIONS[domain]
    facts = projection.facts[name]
    columns = [row[0] for row in conn.execute(_COLUMNS, (f"{schema}.{name}",))]
    said: dict[str, list[tuple[str, str]]] = {}
    joins = []
    for column in columns:
        if column in facts.left_out:
            continue
        said[column] = [(column, f't."{column}"')]
        if column in projection.numbers:
            table, means = projection.numbers[column]
            said[column] = [(f"{column}.{each}", f'"of {column}"."{each}"') for each in means]
            joins.append(f'LEFT JOIN {schema}.{table} AS "of {column}" ON "of {column}".id = t."{column}"')
    keys = [column for column in key(conn, schema, name) if column in said]
    selected = [pair for pairs in said.values() for pair in pairs]
    fields = ", ".join(f'{value} AS "{label}"' for label, value in selected)
    subject = said[facts.subject][0][1]
    query = (
        f"SELECT coalesce({subject}::text, '') AS \"the subject\", {fields} FROM {schema}.{name} t {' '.join(joins)}"
        f" WHERE {facts.only}"
    )
    return _Table(query, [label for label, _ in selected], [label for key in keys for label, _ in said[key]])


def _digests(conn: Connection, table: _Table) -> dict[str, tuple[int, int]]:
    """By subject, how many rows and the sum of their hashes."""
    fields = ", ".join(f'"{name}"' for name in table.names)
    found = conn.execute(
        sql_text(
            f'SELECT "the subject", count(*), sum(hashtextextended(ROW({fields})::text, 0)) FROM ({table.query}) AS r GROUP BY 1'
        )
    )
    return {subject: (int(count), int(digest)) for subject, count, digest in found}


def _examples(sides: list[tuple[Connection, _Table]], subject: str, most: int) -> list[Example]:
    """Up to so many rows of a subject that differ."""
    here, there = (_rows(conn, table, subject) for conn, table in sides)
    other_than = [each for each in {**here, **there} if here.get(each) != there.get(each)]
    found = []
    for each in other_than[:most]:
        mine, other = here.get(each), there.get(each)
        both = mine is not None and other is not None
        differing = [name for name in mine or other or {} if not both or (mine or {})[name] != (other or {})[name]]
        named = dict(zip(sides[0][1].key, each, strict=True))
        found.append(Example(named, _only(mine, differing), _only(other, differing)))
    return found


def _rows(conn: Connection, table: _Table, subject: str) -> Mapping[tuple[Any, ...], Row]:
    """The rows of a subject by their keys, values as text."""
    fields = ", ".join(f'"{name}"::text' for name in table.names)
    found = conn.execute(
        sql_text(f'SELECT {fields} FROM ({table.query}) AS r WHERE "the subject" = %s ORDER BY 1, 2'), (subject,)
    )
    rows = (dict(zip(table.names, row, strict=True)) for row in found)
    return {tuple(row[name] for name in table.key): row for row in rows}


def _only(row: Row | None, names: list[str]) -> Row | None:
    return None if row is None else {name: row[name] for name in names}
