"""What the energy processor writes, in rows a second, as a share of a raw binary COPY of the same rows into the same tables.

    python -m benchmarks.share [--readings 500000] [--meters 1000] [--json] [--quick]

The live projection takes in the book as the processors do, by batches of 5,000 and of 20,000 records; what then stands in its
four large tables is taken out, the tables are emptied, and it is copied in again, in the order in which it lay there: each
table at once, and in as many transactions as the processor made. Rows are those that stand there in the end: that the
processor adds to most quarter hours twice and to days many times counts for nothing. It has met each meter before it is timed;
`steps` are its wall time a reading.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from benchmarks.energy import timed
from benchmarks.frame import options, own_postgres, show
from benchmarks.log import Figures, Meter
from benchmarks.rebuild import Live, fill, live
from benchmarks.tell import progress, say
from compound.events import REGISTRY
from compound.log.open import open_log
from compound.settings import Settings
from compound.store.db import Connection, connect, sql_text
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from processors.energy.bulk import Column, Layout
from processors.energy.tables import POINT, SEGMENT
from processors.energy.totals import DAY_ROWS, QUARTER_ROWS

TABLES: Final = (POINT, SEGMENT, QUARTER_ROWS, DAY_ROWS)
BATCHES: Final = (5000, 20_000)
_FILLED: Final = "filled"

Rows = list[list[Column]]
"""For each of TABLES its columns."""


def measure(postgres: EmbeddedPostgres, meters: int, readings: int) -> dict[str, Any]:
    """All figures of one run."""
    readings = readings // meters * meters
    url = postgres.make(_FILLED)
    migrate(url)
    log = open_log("", url, Settings().log_partitions)
    with progress(f"{readings:,} readings into the book", readings) as done:
        fill(log, meters, readings, done)
    live(Settings(database_url=url), log, REGISTRY, meters + 2)
    log.close()
    cases = [_case(postgres, size, readings, meters) for size in BATCHES]
    return {"readings": readings, "meters": meters, "cases": cases}


def _case(postgres: EmbeddedPostgres, size: int, readings: int, meters: int) -> dict[str, Any]:
    """One size of batch, on a copy of the filled database."""
    name = f"batch_{size}"
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {_FILLED}".encode())
    settings = Settings(database_url=postgres.url_of(name), processors_batch=size)
    log = open_log("", settings.database_url, settings.log_partitions)
    steps: Figures = {}
    assert postgres.process is not None
    meter = Meter(postgres.process.pid)
    projection = Live(settings, log, "energy")
    with progress(f"the processor, {size:,} a batch", readings) as done:
        projection.take(2 * meters, size, done)
        before = _written(settings)
        with timed(steps):
            meter.start()
            taken = projection.take(readings, size, done)
            used = meter.stop(taken)
    written = _written(settings) - before
    projection.close()
    log.close()
    with connect(settings.database_url, "benchmark", "energy") as conn:
        conn.execute("SET synchronous_commit = off")
        rows = [layout.read(conn, _in_order(layout)) for layout in TABLES]
        found = sum(len(columns[0]) for columns in rows)
        figures: dict[str, Any] = {"batch": size, "rows": found, **used}
        figures["processor"] = written / taken * used["per_s"]
        for how, parts in (("at once", 1), ("in as many transactions", max(readings // size, 1))):
            figures[how] = found / _copy(conn, rows, parts)
            figures[f"share, {how}"] = figures["processor"] / figures[how]
    figures["steps"] = {name: spent / taken * 1e6 for name, spent in steps.items()}
    say(f"{size:,} a batch: {figures['processor']:,.0f} rows/s, {figures['share, at once']:.0%} of COPY")
    return figures


def _written(settings: Settings) -> int:
    """Rows of all TABLES."""
    with connect(settings.database_url, "benchmark", "energy") as conn:
        counts = [conn.execute(sql_text(f"SELECT count(*) FROM {layout.table}")).fetchone() for layout in TABLES]
    return sum(count for (count,) in filter(None, counts))


def _in_order(layout: Layout) -> str:
    columns = ",".join(f'"{name}"' for name in layout.columns)
    return f"SELECT {columns} FROM {layout.table} ORDER BY ctid"


def _copy(conn: Connection, rows: Rows, parts: int) -> float:
    """Seconds to copy the rows into the emptied tables, in so many transactions; encoding them is not in it."""
    conn.execute("TRUNCATE point, segment, quarter, day")
    conn.commit()
    coded = [[_coded(layout, columns, part, parts) for layout, columns in zip(TABLES, rows, strict=True)]
             for part in range(parts)]  # fmt: skip
    began = time.perf_counter()
    for each in coded:
        for layout, data in zip(TABLES, each, strict=True):
            names = ",".join(f'"{name}"' for name in layout.columns)
            with conn.cursor().copy(f"COPY {layout.table} ({names}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
                copy.write(data)
        conn.commit()
    return time.perf_counter() - began


def _coded(layout: Layout, columns: Sequence[Column], part: int, parts: int) -> bytes:
    """A part of a table's rows as a binary COPY stream."""
    count = len(columns[0])
    return layout.encode([column[count * part // parts : count * (part + 1) // parts] for column in columns])


def main() -> None:
    parser = options(__doc__, "40,000 readings")
    parser.add_argument("--readings", type=int, default=500_000)
    parser.add_argument("--meters", type=int, default=1000)
    asked = parser.parse_args()
    with own_postgres() as postgres:
        show(measure(postgres, asked.meters, 40_000 if asked.quick else asked.readings), asked)


if __name__ == "__main__":
    main()
