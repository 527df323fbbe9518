"""What was built takes the place of the live tables, in one transaction.

The live positions are locked, the build runs to exactly these, and the tables change schemas: live ones to `<domain>_old`,
built ones to `<domain>`. The position table is another one then, by which a worker that still holds the old one finds out
(processors.runtime.worker). What was told or sent stays where it is; conditions are looked at once more, so that what the
new facts say otherwise is raised, cleared or withdrawn, and nothing is told twice.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg
from psycopg import sql

from compound.registry.timeline import version_of
from compound.settings import Settings
from compound.store import edition, reader
from compound.store.db import Connection, Lock, connect
from compound.store.schemas import next_of, old_of
from processors.rebuild import schema
from processors.rebuild.build import Build, RebuildError, positions_of
from processors.rebuild.catalogue import PROJECTIONS

TRIES: Final = 20
"""Who reads the tables in another order than we lock them may get in our way: then once more."""
LOCK_S: Final = 10
"""So long a lock is waited for: readers that come meanwhile wait behind us."""

_VIEWS: Final = """
SELECT DISTINCT v.oid, n.nspname, v.relname, pg_get_viewdef(v.oid)
FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace n ON n.oid = v.relnamespace
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY(%s::regclass[]) ORDER BY v.oid
"""
_NO_NUMBERS: Final = """
SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attname = ANY(%s) AND attidentity = '' ORDER BY attnum
"""
_RECONCILE: Final = """
INSERT INTO {live}.due AS d (subject, what, kind, start, key, at)
SELECT subject, what, kind, start, key, min(at) FROM (
    SELECT n.* FROM {next}.due n LEFT JOIN {live}.told t USING (subject, what, kind, start, key)
    WHERE t.state IS NULL OR t.state = 'withdrawn'
    UNION ALL SELECT subject, what, kind, start, key, now() FROM {live}.told WHERE state <> 'withdrawn'
) AS looked GROUP BY subject, what, kind, start, key
ON CONFLICT (subject, what, kind, start, key) DO UPDATE SET at = least(d.at, excluded.at)
"""


def swap(settings: Settings, build: Build) -> None:
    """Swap `build` in; it is of no more use afterwards. Raises RebuildError, psycopg.OperationalError."""
    if build.assumed:
        raise RebuildError(f"{build.domain} was built with changes that do not hold; apply them instead.")
    for number in range(TRIES):
        try:
            with connect(settings.database_url, f"rebuild/{build.domain}/swap") as conn:
                _swap(conn, build)
            with connect(settings.database_url, f"rebuild/{build.domain}/adapt", autocommit=True) as conn:
                edition.adapt(conn, settings.columnstore_days)  # of the new tables, what the old ones were
            return
        except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
            time.sleep(0.1 * (number + 1))
    raise RebuildError(f"The tables of {build.domain} are in use all the time; try again when fewer queries run.")


def drop_old(conn: Connection, domain: str) -> bool:
    """Drop what a swap took out of use; whether there was anything."""
    return schema.drop(conn, old_of(domain))


def _swap(conn: Connection, build: Build) -> None:
    domain = build.domain
    live, made, old = domain, next_of(domain), old_of(domain)
    if conn.execute("SELECT FROM pg_namespace WHERE nspname = %s", (old,)).fetchone() is not None:
        raise RebuildError(
            f"The tables of {domain} that an earlier swap took out of use are still there; drop them first."
        )
    conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCK_S}s")))
    # Names are looked up nowhere: definitions of views come with full names.
    conn.execute("SET LOCAL search_path = pg_catalog")
    conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(live, "position")))
    _meet(conn, build)
    projection = PROJECTIONS[domain]
    moved = ["position", *projection.facts, *projection.beside]
    tables = sql.SQL(", ").join(sql.Identifier(live, name) for name in sorted({*moved, *projection.kept}))
    conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(tables))
    _carry_over(conn, domain)
    conn.execute(sql.SQL(_RECONCILE).format(live=sql.Identifier(live), next=sql.Identifier(made)))
    views = conn.execute(_VIEWS, ([f"{live}.{name}" for name in moved],)).fetchall()
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(old)))
    for name in moved:
        for source, target in ((live, old), (made, live)):
            conn.execute(
                sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(sql.Identifier(source, name), sql.Identifier(target))
            )
    for _, place, name, definition in views:
        conn.execute(
            sql.SQL("CREATE OR REPLACE VIEW {} AS {}").format(sql.Identifier(place, name), sql.SQL(definition))
        )
    schema.clean(conn, domain)
    conn.execute("DELETE FROM registry.stale WHERE domain = %s", (live,))
    reader.grant(conn)


def _meet(conn: Connection, build: Build) -> None:
    """Have the build come to where the live projection is, by the registry that holds, which can't change from now on."""
    targets = positions_of(conn, build.domain)
    while True:
        build.run_to(targets)
        # Our lock must not be held while the build asks for its own: a change of the registry that waits between would
        # have both wait for each other, and nobody would see it.
        conn.execute("SAVEPOINT met")
        conn.execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (int(Lock.REGISTRY),))
        if version_of(conn) == build.version:
            return
        conn.execute("ROLLBACK TO SAVEPOINT met")


def _carry_over(conn: Connection, domain: str) -> None:
    """Columns that are no facts, in rows that are: as the live rows have them."""
    for name, facts in PROJECTIONS[domain].facts.items():
        rows = conn.execute(_NO_NUMBERS, (f"{domain}.{name}", list(facts.left_out))).fetchall()
        if not rows:
            continue
        key = schema.key(conn, domain, name)
        columns = [sql.Identifier(column) for (column,) in rows]
        conn.execute(
            sql.SQL("UPDATE {} AS n SET {} FROM {} AS l WHERE {}").format(
                sql.Identifier(next_of(domain), name),
                sql.SQL(", ").join(sql.SQL("{0} = l.{0}").format(column) for column in columns),
                sql.Identifier(domain, name),
                sql.SQL(" AND ").join(sql.SQL("n.{0} = l.{0}").format(sql.Identifier(column)) for column in key),
            )
        )
