"""Bytes on disk an event: the book, and what the energy domain keeps of it; and what compression would make of them.

    python -m benchmarks.disk [--readings 1000000] [--meters 1000] [--json] [--quick]

`rows` are the table's own pages, `indexes` its indexes', both after a checkpoint; a reading is one event of about 75 bytes of
JSON. PostgreSQL compresses values from 2 kB on only (TOAST), so nothing of these tables: `toast` says what lies there.
TimescaleDB's columnstore is Community's, which is not here. In its place: `zstd` is what `zstd -3` makes of the tables' own files
in pieces of 128 KiB, rows and indexes together, as a compressing file system would (Btrfs, ZFS); it says nothing of the
columnstore. `lz4` is the same by `lz4 -1`. Both programs are the system's; what is not there is left out.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.frame import options, own_postgres, show
from benchmarks.rebuild import fill, live
from benchmarks.tell import progress, say
from compound.events import REGISTRY
from compound.log.open import open_log
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres

TABLES: Final = ("book.event", "energy.point", "energy.segment", "energy.quarter", "energy.day")
PROGRAMS: Final = {"zstd": ("zstd", "-3", "-k"), "lz4": ("lz4", "-1", "-k", "-m")}
PIECE: Final = 128 * 1024
"""What a file system compresses at once: Btrfs always, ZFS by default."""

_PARTS: Final = """
SELECT c.oid::regclass::text, pg_relation_size(c.oid), pg_indexes_size(c.oid),
       coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0),
       pg_relation_filepath(c.oid), ARRAY(SELECT pg_relation_filepath(indexrelid) FROM pg_index WHERE indrelid = c.oid)
FROM pg_class c WHERE c.relkind = 'r'
    AND (c.oid = %(table)s::regclass OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %(table)s::regclass))
"""


def measure(postgres: EmbeddedPostgres, meters: int, readings: int) -> dict[str, Any]:
    """All figures of one run."""
    settings = Settings(database_url=postgres.url)
    log = open_log("", postgres.url, settings.log_partitions)
    with progress(f"{readings:,} readings into the book", readings) as done:
        fill(log, meters, readings, done)
    live(settings, log, REGISTRY, meters + 2)
    with progress("the energy processor", readings) as done:
        live(settings, log, "energy", readings, done)
    log.close()
    programs = {name: command for name, command in PROGRAMS.items() if shutil.which(command[0])}
    with connect(postgres.url, "benchmark", autocommit=True) as conn:
        conn.execute("VACUUM (ANALYZE)")
        conn.execute("CHECKPOINT")
        tables = {table: _table(conn, postgres.folder, table, readings, programs) for table in TABLES}
        (json_bytes,) = conn.execute("SELECT avg(length(value)) FROM book.event WHERE topic = 'meter'").fetchone() or (
            0,
        )
    return {"readings": readings, "meters": meters, "json": float(json_bytes), "tables": tables}


def _table(
    conn: Connection, data: Path, table: str, events: int, programs: dict[str, tuple[str, ...]]
) -> dict[str, float]:
    """Bytes an event of a table with its partitions."""
    found = dict.fromkeys(("rows", "indexes", "toast"), 0)
    files: list[Path] = []
    for _, rows, indexes, toast, path, others in conn.execute(_PARTS, {"table": table}).fetchall():
        for name, size in zip(found, (rows, indexes, toast), strict=True):
            found[name] += size
        files += [data / each for each in (path, *others)]
    files = [each for file in files for each in (file, *sorted(file.parent.glob(f"{file.name}.*")))]  # each 1 GB a file
    packed = {name: _packed(files, command) for name, command in programs.items()}
    figures = {name: size / events for name, size in {**found, **packed}.items()}
    say(f"{table}: " + ", ".join(f"{name} {size:.1f}" for name, size in figures.items()) + " bytes an event")
    return figures


def _packed(files: Iterable[Path], command: tuple[str, ...]) -> int:
    """Bytes of the files when each piece is compressed alone; a piece that would grow stays as it is."""
    return sum(_packed_file(file, command) for file in files)


def _packed_file(file: Path, command: tuple[str, ...]) -> int:
    with tempfile.TemporaryDirectory() as folder, file.open("rb") as data:
        pieces: list[Path] = []
        while piece := data.read(PIECE):
            pieces.append(Path(folder) / f"{len(pieces):05}")
            pieces[-1].write_bytes(piece)
        if not pieces:
            return 0
        subprocess.run([*command, "-q", *pieces], check=True)
        return sum(min(each.stat().st_size, _made(each).stat().st_size) for each in pieces)


def _made(piece: Path) -> Path:
    """What the program made of it, beside it."""
    return next(piece.parent.glob(f"{piece.name}.*"))


def main() -> None:
    parser = options(__doc__, "40,000 readings")
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--meters", type=int, default=1000)
    asked = parser.parse_args()
    with own_postgres() as postgres:
        migrate(postgres.url)
        show(measure(postgres, asked.meters, 40_000 if asked.quick else asked.readings), asked)


if __name__ == "__main__":
    main()
