"""Backup and restore: what comes back is what was kept, and anything else is said."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from compound.log.audit import audit
from compound.log.heads import read_heads
from compound.log.port import Record
from compound.log.postgres import PostgresLog
from compound.store import transfer
from compound.store.db import connect
from ops.backup import BackupError, backup, restore
from ops.embedded.process import ServiceError
from ops.pgtools import program


def append(url: str, count: int) -> None:
    log = PostgresLog(url)
    log.ensure_topics({"meter": 2})
    log.append([Record("meter", b"k%d" % n, (("ce_id", b"%d" % n),), b"{}") for n in range(count)])
    log.close()


@pytest.fixture
def kept(database: str, tmp_path: Path) -> Path:
    """A backup of a database with a book and rows; what came after it isn't in it."""
    append(database, 100)
    with connect(database, "fill") as conn:
        conn.execute("INSERT INTO liveness.seq VALUES ('m1', 1, '{[1,5),[7,9)}')")
        conn.execute("INSERT INTO alerts.alert (id, phase, category, notify) VALUES ('a', 'cleared', 'security', true)")
    folder = tmp_path / "backup"
    backup(database, folder, 2)
    append(database, 10)
    return folder


@pytest.fixture
def blank(empty_database: str) -> str:
    """The URL of a database without anything."""
    return empty_database


def test_what_comes_back_is_what_was_kept(kept: Path, blank: str, database: str):
    told: list[str] = []
    made = restore(kept, blank, 2, lambda what, done, total: told.append(what))
    assert made.tables["book.event"][0] == 100
    assert made.tables["liveness.seq"][0] == 1
    assert "following the book's chain" in told
    append(blank, 5)
    report = audit(blank, noted=read_heads(kept / "heads.json"))
    assert (report.findings, report.rows) == ([], 105)
    with connect(blank, "t") as conn:
        assert conn.execute("SELECT state FROM alerts.alert").fetchall() == [("unacknowledged",)]


def test_p9_a_backup_that_was_changed_is_refused(kept: Path, blank: str):
    manifest = kept / "manifest.json"
    manifest.write_text(manifest.read_text().replace("liveness.seq", "liveness.lost", 1))
    with pytest.raises(BackupError, match=r"liveness\.lost is not what was kept"):
        restore(kept, blank, 2)


def test_a_book_that_was_computed_anew_is_refused(kept: Path, blank: str):
    heads = kept / "heads.json"
    lines = heads.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if '"hash"' in line and set(line.split('"')[3]) != {"0"})
    digest = lines[at].split('"')[3]
    lines[at] = lines[at].replace(digest, "ab" * 32)
    heads.write_text("\n".join(lines))
    with pytest.raises(BackupError, match="not as it was written: rewritten"):
        restore(kept, blank, 2)


def test_nothing_is_restored_over_a_compound(kept: Path, database: str):
    with connect(database, "t") as conn:
        before = transfer.contents(conn)
    with pytest.raises(BackupError, match="holds a compound already"):
        restore(kept, database, 2)
    with connect(database, "t") as conn:
        assert transfer.contents(conn) == before


def test_a_folder_that_is_there_is_not_written_into(kept: Path, database: str):
    with pytest.raises(BackupError, match="is there already"):
        backup(database, kept, 2)


def test_what_is_no_backup_is_said(tmp_path: Path, blank: str):
    with pytest.raises(BackupError, match="is no backup"):
        restore(tmp_path, blank, 2)


def test_a_backup_that_fails_leaves_no_folder(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ops.backup.program", lambda name, major: Path("/bin/false"))
    with pytest.raises(ServiceError, match="false failed"):
        backup(database, tmp_path / "backup", 2)
    assert not (tmp_path / "backup").exists()


def test_a_program_that_is_missing_is_named():
    with pytest.raises(ServiceError, match="postgresql-client-99"):
        program("pg_dump", 99)


def test_the_password_is_in_no_argument(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script = tmp_path / "pg_dump"
    script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/args\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setattr("ops.backup.program", lambda name, major: script)
    with pytest.raises(ServiceError):
        backup(database, tmp_path / "backup", 2)
    password = psycopg.conninfo.conninfo_to_dict(database)["password"]
    assert str(password) not in (tmp_path / "args").read_text()
