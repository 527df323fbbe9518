"""Backup and restore of the database, on PostgreSQL's own programs, and the proof that what came back is what was kept.

A backup is a folder: `database/` (pg_dump's directory format), `heads.json` (the chain's heads), and `manifest.json`: the
server's version, the migrations, and each table's rows and digest, all of one snapshot. Keys of personal data are not in
it: who holds both can undo an erasure (docs/operations.md).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import psycopg

from compound.log.audit import audit
from compound.log.heads import heads_of, read_heads, write_heads
from compound.store import transfer
from compound.store.db import Connection, connect
from compound.store.migrate import migrate
from compound.store.transfer import Content, Table
from ops.pgtools import program, run

_MANIFEST: Final = "manifest.json"
_HEADS: Final = "heads.json"
_DATABASE: Final = "database"

Tell = Callable[[str, int, int], None]
"""(what is done, steps done, steps in all; 0 where nobody knows)."""


class BackupError(Exception):
    """The backup can't be made or is not what it should be; the text is one sentence."""


class Manifest(msgspec.Struct):
    """What a backup is of. `tables`: schema.table -> (rows, digest as decimal text)."""

    made: str
    server: int
    timescaledb: str | None
    migrations: list[str]
    tables: dict[str, tuple[int, str]]


def backup(url: str, folder: Path, jobs: int, tell: Tell = lambda what, done, total: None) -> Manifest:
    """Write a backup of the database at `url` into `folder`, which must not exist; roles may go on meanwhile.

    Raises BackupError, ServiceError, psycopg.OperationalError; then the folder isn't there.
    """
    if folder.exists():
        raise BackupError(f"{folder} is there already: a backup goes into a folder of its own.")
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    with connect(url, "backup") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        with conn.transaction():
            snapshot = _text(conn, "SELECT pg_export_snapshot()")
            size = int(_text(conn, "SELECT pg_database_size(current_database())::text"))
            pg_dump = program("pg_dump", _major(conn))
            how = ["--format=directory", f"--jobs={jobs}", "--compress=gzip:1", "--no-password"]
            where = [f"--snapshot={snapshot}", f"--file={draft / _DATABASE}"]
            run([pg_dump, *how, *where], url, lambda: tell("writing the database", _size(draft), size))
            tell("counting what was written", 0, 0)
            manifest = _describe(conn)
            write_heads(draft / _HEADS, heads_of(conn), manifest.made)
    (draft / _MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    draft.rename(folder)
    return manifest


def restore(folder: Path, url: str, jobs: int, tell: Tell = lambda what, done, total: None) -> Manifest:
    """Bring a backup back into the empty database at `url`, and prove it: every table's rows and digest, every link of the chain.

    Raises BackupError, ServiceError, psycopg.OperationalError.
    """
    manifest = _manifest(folder)
    with connect(url, "restore", autocommit=True) as conn:
        if not transfer.is_empty(conn):
            raise BackupError("The database holds a compound already: restore into an empty one.")
        if (major := _major(conn)) < manifest.server // 10000:
            raise BackupError(f"The backup is of PostgreSQL {manifest.server // 10000}, this server is {major}.")
        _extension(conn, manifest, before=True)
        how = ["--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
        if manifest.timescaledb is None:  # with it, several jobs would restore its catalogue wrongly
            how.append(f"--jobs={jobs}")
        run([program("pg_restore", major), *how, folder / _DATABASE], url, lambda: tell("reading the database", 0, 0))
        _extension(conn, manifest, before=False)
        conn.execute("ANALYZE")
        tell("comparing with what was written", 0, 0)
        _compare(manifest, transfer.contents(conn))
    migrate(url)
    report = audit(
        url, lambda done, total: tell("following the book's chain", done, total), read_heads(folder / _HEADS)
    )
    if report.findings:
        raise BackupError(f"The book is not as it was written: {report.findings[0]}.")
    return manifest


def _describe(conn: Connection) -> Manifest:
    contents = transfer.contents(conn)
    migrations = conn.execute("SELECT migration_id FROM public._yoyo_migration ORDER BY 1").fetchall()
    return Manifest(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        server=conn.info.server_version,
        timescaledb=_timescale(conn),
        migrations=[row[0] for row in migrations],
        tables={str(table): (found.rows, str(found.digest)) for table, found in contents.items()},
    )


def _compare(manifest: Manifest, found: Mapping[Table, Content]) -> None:
    here = {str(table): (content.rows, str(content.digest)) for table, content in found.items()}
    for table, (rows, digest) in manifest.tables.items():
        if here.get(table) != (rows, digest):
            raise BackupError(
                f"{table} is not what was kept: {here.get(table, (0, ''))[0]:,} rows of {rows:,}, or others."
            )


def _extension(conn: Connection, manifest: Manifest, *, before: bool) -> None:
    """TimescaleDB wants to know when it is restored. Raises BackupError where its version is not here."""
    if manifest.timescaledb is None:
        return
    if before:
        try:
            conn.execute(f"CREATE EXTENSION IF NOT EXISTS timescaledb VERSION '{manifest.timescaledb}'".encode())
        except psycopg.Error as error:
            raise BackupError(
                f"The backup needs TimescaleDB {manifest.timescaledb}: {str(error).splitlines()[0]}."
            ) from None
        conn.execute("SELECT timescaledb_pre_restore()")
    else:
        conn.execute("SELECT timescaledb_post_restore()")


def _manifest(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        raise BackupError(f"{folder} is no backup: it has no {_MANIFEST} that can be read.") from None


def _timescale(conn: Connection) -> str | None:
    row = conn.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    return str(row[0]) if row else None


def _major(conn: Connection) -> int:
    return conn.info.server_version // 10000


def _text(conn: Connection, query: str) -> str:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def _size(folder: Path) -> int:
    """Bytes in the folder, as far as they stand still."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
