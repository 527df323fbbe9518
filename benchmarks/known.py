"""What a question costs as known at K, as a ratio to the same question of now.

    python -m benchmarks.known [--meters 200] [--days 60] [--runs 5] [--quick] [--json]

Quarter hours of so many meters stand in the log and the tables. Then something comes after K, and each question is asked of
the API, now and as known at K; milliseconds are medians, from asking to the JSON. The cases: `nothing` came after K; `few`: two
meters sent late readings of the day before the last; `many`: every meter sent a late one of that day; `deep`: every
meter sent one of the first day, so that all is derived again. `points` are the readings derived again for the site's figure.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any, Final

import httpx

from api.app import create_app
from benchmarks.frame import options, own_postgres, show
from benchmarks.rebuild import SITE, START, live
from compound.events import REGISTRY, Event, to_record
from compound.known import Asked, World
from compound.log.open import open_log
from compound.log.port import Log, Record
from compound.registry.file import to_event
from compound.registry.projection import Change
from compound.settings import Settings
from compound.store.db import connect
from compound.store.migrate import migrate
from compound.timeutil import DAY, QUARTER, SECOND, text
from processors.known import recall_from

DEPARTMENTS: Final = 10
DOMAINS: Final = ("energy", "liveness")


def register(log: Log, meters: int) -> int:
    """A site of departments with a quota each, and their meters; how many items."""
    changes: list[tuple[str, str, dict[str, Any]]] = [("site", "demo", dict(SITE))]
    for n in range(DEPARTMENTS):
        changes.append(("department", f"d{n}", {"site": "demo", "area_m2": 1000, "headcount": 50}))
        quota = {
            "department": f"d{n}",
            "year": 2026,
            "medium": "electricity",
            "budget": 10**9,
            "weights": ["0.08"] * 11 + ["0.12"],
        }
        changes.append(("quota", f"q{n}", quota))
    for n in range(meters):
        point = {"type": "meter", "site": "demo", "medium": "electricity", "department": f"d{n % DEPARTMENTS}"}
        changes.append(("point", f"p{n}", point))
        changes.append(("device", f"m{n:05}", {"kind": "meter", "site": "demo", "point": f"p{n}", "rated_w": 100_000}))
    events = [to_event(Change(kind, id_, text(START - 10**12), data), START) for kind, id_, data in changes]
    log.append([to_record(REGISTRY, event) for event in events])
    return len(events)


def reading(meter: int, quarter: int, late: bool = False) -> Record:
    """The register at a quarter hour, or in the middle of it."""
    at = START + quarter * QUARTER + meter % 400 * SECOND + late * QUARTER // 2
    data = {"time": text(at), "boot": 1, "seq": 2 * quarter + late, "import_wh": 1000 + 500 * quarter + 250 * late}
    device = f"m{meter:05}"
    source = f"compound/v1/demo/meter/{device}"
    event = Event(
        f"{meter:08x}{2 * quarter + late:024x}", source, "meter.reading.v1", at, device, json.dumps(data).encode()
    )
    return to_record("meter", event)


class House:
    """The log, the projections as they take it in, and the API on top."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(database_url=url, api_known_points=10**9, api_known_s=600, api_query_s=60)
        self.log = open_log("", url, self.settings.log_partitions)

    def take(self, records: Iterable[Record]) -> tuple[datetime, int]:
        """Records into log and tables: the moment before them, and how many they were."""
        with connect(self.settings.database_url, "benchmark", autocommit=True) as conn:
            row = conn.execute("SELECT clock_timestamp()").fetchone()
        count, left = 0, iter(records)
        while batch := list(islice(left, 1000)):
            self.log.append(batch)
            count += len(batch)
        for domain in DOMAINS:
            live(self.settings, self.log, domain, count)
        live(self.settings, self.log, "quotas", 0)
        assert row is not None
        moment: datetime = row[0]
        return moment, count


async def ask(settings: Settings, paths: dict[str, str], known_at: datetime, runs: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each question, now and as known at K."""
    app = create_app(settings, recall=recall_from(settings))
    transport = httpx.ASGITransport(app)
    found = {}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=600) as api,
    ):
        for name, path in paths.items():
            then = f"{path}{'&' if '?' in path else '?'}known_at={known_at.isoformat().replace('+', '%2B')}"
            plain, known = await _median(api, path, runs), await _median(api, then, runs)
            found[name] = {"now_ms": plain, "known_ms": known, "ratio": known / plain}
    return found


async def _median(api: httpx.AsyncClient, path: str, runs: int) -> float:
    times = []
    for _ in range(runs + 1):  # the first brings into memory what is needed
        began = time.perf_counter()
        (await api.get(path)).raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[1:])


def derived(settings: Settings, known_at: datetime) -> int:
    """Readings derived again for a figure of the whole site."""
    with recall_from(settings)(Asked(known_at, "energy", "site", "demo")) as world:
        return _derived(world)


def _derived(world: World) -> int:
    (row,) = world.rows("SELECT schemaname FROM pg_tables WHERE tablename = 'scope'", [])
    (found,) = world.rows(f"SELECT count(*) AS points FROM {row['schemaname']}.point", [])
    return int(found["points"])


def measure(url: str, meters: int, days: int, runs: int) -> dict[str, Any]:
    """All figures of one run."""
    house = House(url)
    live(house.settings, house.log, REGISTRY, register(house.log, meters))
    quarters = days * DAY // QUARTER
    house.take(reading(n, quarter) for quarter in range(quarters) for n in range(meters))
    day = range(quarters - 150, quarters - 120)
    cases: dict[str, list[Record]] = {
        "nothing": [],
        "few": [reading(n, quarter, True) for n in range(2) for quarter in day],
        "many": [reading(n, day[0] - 1, True) for n in range(meters)],
        "deep": [reading(n, 20, True) for n in range(meters)],
    }
    when = f"from={text(START)}&to={text(START + days * DAY)}&by=day"
    questions = {
        "a meter by day": f"/v1/energy/meter/m00001?{when}",
        "the site by day": f"/v1/energy/site/demo?{when}",
        "a department's quotas": "/v1/quotas/d1?year=2026",
        "a device": "/v1/devices/m00001",
    }
    found: dict[str, Any] = {"meters": meters, "days": days, "readings": quarters * meters, "cases": {}}
    for name, records in cases.items():
        known_at, count = house.take(records)
        found["cases"][name] = {
            "late": count,
            "points": derived(house.settings, known_at),
            "questions": asyncio.run(ask(house.settings, questions, known_at, runs)),
        }
    house.log.close()
    return found


def main() -> None:
    parser = options(__doc__, "20 meters, 5 days, once")
    parser.add_argument("--meters", type=int, default=200)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    if asked.quick:
        asked.meters, asked.days, asked.runs = 20, 5, 1
    with own_postgres() as postgres:
        migrate(postgres.url)
        show(measure(postgres.url, asked.meters, asked.days, asked.runs), asked)


if __name__ == "__main__":
    main()
