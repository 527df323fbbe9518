"""Queries over a year of 1, 10 and 35 million readings: the API's by HTTP, and the dashboards' as Grafana asks them.

    python -m benchmarks.scale [--meters 30,300,1000] [--days 365] [--runs 20] [--panels 3] [--json] [--quick]

For each number of meters a database of its own is filled (`benchmarks/year`, with the readings themselves), and a process `compound
api` asked over one kept connection: p50 and p95 are milliseconds from asking to the whole answer. Panels of dashboards are
asked as in `benchmarks.dashboards`. `--panels 0` leaves them out. A building has 48 meters and is equally large at 300 and at 1,000; at 30
there is one small one. A site and a list of all grow with the meters.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from benchmarks import dashboards, year
from benchmarks.frame import options, own_postgres, show
from benchmarks.tell import progress, say
from compound.store.migrate import migrate
from ops.embedded.process import free_port, spawn, stop, wait_until

SCRIPTS: Final = ("registry", "energy", "points", "places", "platform")
SETTINGS: Final = {
    **dashboards.SETTINGS,
    "fsync": "off",  # only filling writes, and is not what is measured
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "maintenance_work_mem": "1GB",
}
GOAL_MS: Final = 50.0

DAY, WEEK, MONTH, YEAR = (timedelta(days=days) for days in (1, 7, 30, 365))
ASKED: Final[tuple[tuple[str, timedelta | None], ...]] = (
    ("/v1/energy/meter/m-b1-1-1?by=quarter", DAY),
    ("/v1/energy/meter/m-b1-1-1?by=day", MONTH),
    ("/v1/energy/building/b1?by=quarter", DAY),
    ("/v1/energy/building/b1?by=day", MONTH),
    ("/v1/energy/building/b1?by=month", YEAR),
    ("/v1/energy/department/d07?by=day", MONTH),
    ("/v1/energy/site/demo?by=day", MONTH),
    ("/v1/energy/site/demo?by=month", YEAR),
    ("/v1/energy/balance/p-main?by=day", WEEK),
    ("/v1/meters/m-b1-1-1/points?limit=1000", WEEK),
    ("/v1/meters/m-b1-1-1/segments?limit=1000", DAY),
    ("/v1/meters/m-b1-1-1/counters", None),
    ("/v1/quotas?year={year}", None),
    ("/v1/quotas/d07?year={year}", None),
    ("/v1/devices?limit=100", None),
    ("/v1/devices/m-b1-1-1", None),
    ("/v1/registry/device?limit=100", None),
    ("/v1/solar/pv-roof?by=day", MONTH),
    ("/v1/parking/P1/now", None),
    ("/v1/parking/P1/history?step=1h", DAY),
    ("/v1/parking/P1/turnover", MONTH),
    ("/v1/access/zones", None),
    ("/v1/access/passages?limit=100", DAY),
    ("/v1/parcels/p-lk-1/cells", None),
    ("/v1/alerts?limit=100", None),
    ("/v1/conditions?limit=100", WEEK),
    ("/v1/lag", None),
    ("/v1/status", None),
)
"""Routes and how long the asked range is; it ends where the data does."""


def measure(meters: int, days: int, runs: int, panels: int) -> dict[str, Any]:
    """All figures of one number of meters, on a server of its own."""
    with own_postgres(SETTINGS) as postgres:
        url = postgres.url
        migrate(url)
        began = time.monotonic()
        year.fill(url, days, lambda text: say(f"{meters:,} meters, {text}"), meters, SCRIPTS)
        filled = time.monotonic() - began
        with psycopg.connect(url) as conn:
            readings, until = conn.execute("SELECT count(*), max(time) FROM energy.point").fetchone() or (0, None)
        found: dict[str, Any] = {"meters": meters, "days": days, "readings": readings, "filled_s": filled}
        with _api(url, postgres.folder.parent) as client:
            found["api"] = list(_asked(client, until, runs))
        found["panels"] = list(_panels(url, panels)) if panels else []
        return found


@contextmanager
def _api(url: str, folder: Path) -> Iterator[httpx.Client]:
    """A client of a process `compound api` on this database."""
    port, log = free_port(), folder / "api.log"
    env = {**os.environ, "COMPOUND_DATABASE_URL": url, "COMPOUND_API_PORT": str(port)}
    process = spawn([sys.executable, "-m", "ops.cli", "api"], log=log, env=env)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=120) as client:
        try:
            wait_until(lambda: _live(client), process, name="the API", log=log, timeout_s=60)
            yield client
        finally:
            stop(process)


def _live(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def _asked(client: httpx.Client, until: datetime, runs: int) -> Iterator[dict[str, Any]]:
    with progress("the API", len(ASKED)) as done:
        for path, length in ASKED:
            query = {"from": (until - length).isoformat(), "to": until.isoformat()} if length else {}
            url = httpx.URL(path.format(year=until.year)).copy_merge_params(query)
            _, *asked = [
                _ask(client, url) for _ in range(runs + 1)
            ]  # the first, which reads from the disk, is left out
            times = [milliseconds for milliseconds, _ in asked]
            name = f"{path.split('?')[0]}, {_words(path, length)}".removesuffix(", ")
            yield {"asked": name, "bytes": asked[0][1], "p50": statistics.median(times), "p95": _p95(times)}
            done(1)


def _ask(client: httpx.Client, url: httpx.URL) -> tuple[float, int]:
    """Milliseconds to the whole answer, and its bytes."""
    began = time.perf_counter()
    answer = client.get(url)
    answer.raise_for_status()
    return (time.perf_counter() - began) * 1e3, len(answer.content)


def _words(path: str, length: timedelta | None) -> str:
    by = httpx.URL(path).params.get("by")
    words = [f"by {by}"] if by else []
    return ", ".join([*words, *([f"{length.days} days"] if length else [])])


def _panels(url: str, runs: int) -> Iterator[dict[str, Any]]:
    with progress("panels", dashboards.count()) as done:
        for each in dashboards.measure(url, runs, None):
            yield each._asdict()
            done(1)


def _p95(times: list[float]) -> float:
    return sorted(times)[-1 - len(times) // 20]


def main() -> None:
    parser = options(__doc__, "30 and 60 meters, 5 days")
    parser.add_argument("--meters", default="30,300,1000")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=20, help="of each request")
    parser.add_argument("--panels", type=int, default=3, help="runs of each panel's query, 0: none")
    asked = parser.parse_args()
    if asked.quick:
        asked.meters, asked.days, asked.runs, asked.panels = "30,60", 5, 3, 1
    counts = [int(meters) for meters in asked.meters.split(",")]
    show([measure(meters, asked.days, asked.runs, asked.panels) for meters in counts], asked)


if __name__ == "__main__":
    main()
