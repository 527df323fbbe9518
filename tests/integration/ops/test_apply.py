"""`compound apply`: the difference is shown; --dry-run changes nothing; what holds already is not appended again."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from compound.log.open import open_log
from compound.registry.file import FileError
from compound.settings import Settings
from ops.cli_registry import apply_file
from processors.runtime.registry import create
from processors.runtime.worker import Worker

FILE = """
from: 2026-01-01
site: {demo: {latitude: 36.65, longitude: 117.0}}
point: {p1: {type: meter, site: demo, medium: electricity}}
device: {m1: {kind: meter, site: demo, point: p1, rated_w: 1000}}
"""


@pytest.fixture
def projecting(database: str) -> Iterator[str]:
    """A database whose registry is projected."""
    settings = Settings(database_url=database, processors_poll_s=0.05)
    log, stop = open_log("", database, 1), threading.Event()
    thread = threading.Thread(target=Worker(create(settings), log, settings).run, args=(stop,))
    thread.start()
    yield database
    stop.set()
    thread.join(30)
    log.close()


def appended(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM book.event WHERE topic = 'registry'").fetchone()
    return int(row[0]) if row else 0


def apply(url: str, file: Path, dry_run: bool = False) -> tuple[int, str]:
    out = io.StringIO()
    count = apply_file(file, url, "", dry_run, Console(file=out, width=200))
    return count, out.getvalue()


def test_a_file_is_applied_once(projecting: str, tmp_path: Path) -> None:
    file = tmp_path / "compound.yaml"
    file.write_text(FILE)
    count, shown = apply(projecting, file, dry_run=True)
    assert (count, appended(projecting)) == (3, 0)
    assert all(item in shown for item in ("demo", "p1", "m1", "new"))
    assert apply(projecting, file)[0] == 3
    assert appended(projecting) == 3
    assert apply(projecting, file) == (0, "All 3 items of the file hold already.\n")
    file.write_text(FILE.replace("1000", "2000"))
    count, shown = apply(projecting, file)
    assert (count, appended(projecting)) == (1, 4)
    assert "rated_w: 1000 → 2000" in shown


def test_a_wrong_file_appends_nothing_of_it(projecting: str, tmp_path: Path) -> None:
    file = tmp_path / "compound.yaml"
    file.write_text(FILE.replace(", rated_w: 1000", ""))
    with pytest.raises(FileError, match=r"device m1.*rated_w"):
        apply(projecting, file)
    assert appended(projecting) == 0
