"""Every query of the committed dashboards over a year of 1,000 meters, as Grafana asks it.

    python -m benchmarks.dashboards [--url URL] [--days 365] [--runs 7] [--only compound-energy] [--json]

Each runs as the role of dashboards for the last day, month and year, with variables as a dashboard opens (all buildings, all
departments); the time is from asking to the last row. Without --url an embedded PostgreSQL is filled first (10 minutes, 12 GB).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psycopg

from benchmarks import year
from compound.store.db import sql_text
from compound.store.migrate import migrate
from compound.store.reader import ROLE, prepare
from ops.embedded.postgres import EmbeddedPostgres
from tests.support.boards import PANELS, chosen
from tests.support.grafana import Range, expand

VIEWS: Final = {"year": timedelta(days=365), "month": timedelta(days=30), "day": timedelta(days=1)}
SETTINGS: Final = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
PASSWORD: Final = "benchmark"


class Timed(NamedTuple):
    """A query of a panel for a view, milliseconds."""

    panel: str
    query: int
    view: str
    rows: int
    p50: float
    p95: float
    cpu: float
    """The least CPU of the server's process: what else the machine does is not in it."""

    @property
    def line(self) -> str:
        times = f"{self.p95:9.1f} {self.p50:9.1f} {self.cpu:9.1f} ms"
        return f"{times} {self.view:5} {self.rows:6} rows  {self.panel} ({self.query})"


def measure(url: str, runs: int, only: str | None) -> Iterator[Timed]:
    """Times of all queries; each is run once before, so that what it needs is in memory."""
    prepare(url, PASSWORD)
    address = urlsplit(url)
    as_reader = address._replace(netloc=f"{ROLE}:{PASSWORD}@{address.netloc.split('@')[1]}").geturl()
    with psycopg.connect(url) as owner:
        (until,) = owner.execute('SELECT max("end") FROM liveness.receiving').fetchone() or (None,)
        assert until is not None
    with psycopg.connect(as_reader, autocommit=True) as conn:
        conn.execute("SET statement_timeout = 0")  # how long, not whether within the role's limit
        for view, length in VIEWS.items():
            when = Range(until - length, until)
            for panel in PANELS:
                if only not in (None, panel.board):
                    continue
                variables = chosen(conn, panel.board, when)
                for number, (text, _) in enumerate(panel.queries, 1):
                    rows, times, cpu = _times(conn, expand(text, when, variables), runs)
                    p95 = sorted(times)[-1 - len(times) // 20]
                    yield Timed(panel.key, number, view, rows, statistics.median(times), p95, cpu)


def count() -> int:
    """How many queries `measure` asks."""
    return len(VIEWS) * sum(len(panel.queries) for panel in PANELS)


def _times(conn: psycopg.Connection[Any], query: str, runs: int) -> tuple[int, list[float], float]:
    """Rows, milliseconds of each run, and the least CPU of one; a query that takes seconds is run less often."""
    times: list[float] = []
    used: list[float] = []
    rows = 0
    for number in range(runs + 1):  # the first, which reads from the disk, is left out
        before, began = _cpu(conn), time.perf_counter()
        rows = len(conn.execute(sql_text(query)).fetchall())
        if number:
            times.append((time.perf_counter() - began) * 1e3)
            used.append(_cpu(conn) - before)
        if sum(times) > 20_000:
            break
    return rows, times, min(used)


def _cpu(conn: psycopg.Connection[Any]) -> float:
    """Milliseconds that the server's process of a connection ran; it is on this machine."""
    return int(Path(f"/proc/{conn.info.backend_pid}/schedstat").read_text().split()[0]) / 1e6


def filled(folder: Path, days: int) -> tuple[EmbeddedPostgres, str]:
    """An embedded PostgreSQL with a year in it."""
    postgres = EmbeddedPostgres(folder / "postgres", settings=SETTINGS)
    url = postgres.start()
    migrate(url)
    year.fill(url, days, lambda text: print(text, file=sys.stderr))
    return postgres, url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a database that is filled already")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=7, help="at least 2")
    parser.add_argument("--only", help="uid of one dashboard")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres, url = (None, options.url) if options.url else filled(Path(folder), options.days)
        found = []
        for each in measure(url, options.runs, options.only):
            print(each.line, file=sys.stderr, flush=True)
            found.append(each)
        if postgres is not None:
            postgres.stop()
    if options.json:
        print(json.dumps([each._asdict() for each in found], indent=2))
        return
    for each in sorted(found, key=lambda each: -each.cpu)[:40]:
        print(each.line)


if __name__ == "__main__":
    main()
