"""A rebuild of the energy domain: readings a second, how that grows with the tables, and as a ratio to the live projection's.

    python -m benchmarks.rebuild [--readings 1000000] [--meters 1000] [--json]

Quarter hours of so many meters stand in the book; the live projection takes them in as the processors do (that is the live
rate: the log read as fast as it goes), then a rebuild does, then both are compared. `slices` are readings a second of each
tenth of the rebuild; `hours for 35 million` at the rate of the whole run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.log import Meter
from compound.events import REGISTRY, Event, to_record
from compound.log.open import open_log
from compound.log.port import Log, Record
from compound.registry.file import to_event
from compound.registry.projection import Change
from compound.settings import Settings
from compound.store.db import connect
from compound.store.migrate import migrate
from compound.timeutil import QUARTER, SECOND, parse, text
from ops.embedded.postgres import EmbeddedPostgres
from processors.main import create
from processors.rebuild.build import Build, positions_of
from processors.rebuild.compare import compare
from processors.runtime.worker import Worker

START = parse("2026-01-01T00:00:00+08:00")
SITE = {"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0}
YEAR = 35_000_000


def fill(log: Log, meters: int, readings: int) -> None:
    """The registry, then quarter hour after quarter hour of all meters."""
    long_ago = text(START - 10**12)
    changes = [Change("site", "demo", long_ago, SITE)]
    changes.append(Change("point", "here", long_ago, {"type": "meter", "site": "demo", "medium": "electricity"}))
    meter = {"kind": "meter", "site": "demo", "point": "here", "rated_w": 100_000}
    changes += [Change("device", f"m{n:05}", long_ago, meter) for n in range(meters)]
    log.append([to_record(REGISTRY, to_event(change, START)) for change in changes])
    for quarter in range(readings // meters):
        log.append([_reading(n, quarter) for n in range(meters)])


def _reading(meter: int, quarter: int) -> Record:
    time_ = START + quarter * QUARTER + meter % 900 * SECOND
    data = {"time": text(time_), "boot": 1, "seq": quarter, "import_wh": 1000 + 500 * quarter}
    device = f"m{meter:05}"
    event = Event(f"{meter:08x}{quarter:024x}", f"compound/v1/demo/meter/{device}", "meter.reading.v1", time_, device,
                  json.dumps(data).encode())  # fmt: skip
    return to_record("meter", event)


def live(settings: Settings, log: Log, domain: str, count: int) -> None:
    """The live projection takes in `count` records of its topics."""
    worker = Worker(create(domain, settings), log, settings)
    worker._conn = connect(settings.database_url, "live", domain)
    worker._conn.execute("SET synchronous_commit = off")
    worker._conn.commit()
    reader = log.reader(domain, worker.domain.topics, worker.load_positions)
    while count > 0:
        batch = reader.poll(settings.processors_batch, 1.0)
        if batch:
            worker.take(batch)
        count -= len(batch)
    worker.pass_time(sorted(reader.assigned()), at_end=False)
    reader.close()
    worker._drop()


def measure(postgres: EmbeddedPostgres, meters: int, readings: int) -> dict[str, Any]:
    """All figures of one run."""
    settings = Settings(database_url=postgres.url)
    log = open_log("", postgres.url, settings.log_partitions)
    readings = readings // meters * meters
    fill(log, meters, readings)
    live(settings, log, REGISTRY, meters + 2)
    assert postgres.process is not None
    meter = Meter(postgres.process.pid)
    meter.start()
    live(settings, log, "energy", readings)
    found: dict[str, Any] = {"readings": readings, "live": meter.stop(readings)}
    marks = [(0, time.perf_counter())]
    with Build(settings, "energy") as build:
        with connect(postgres.url, "benchmark") as conn:
            targets = positions_of(conn, "energy")
        meter.start()
        build.run_to(targets, lambda count: marks.append((marks[-1][0] + count, time.perf_counter())))
        found["rebuild"] = meter.stop(readings)
        began = time.perf_counter()
        compared = compare(settings, build, told=lambda table: None)
        found["compare_s"] = time.perf_counter() - began
    assert not compared.differences
    found["rows"] = sum(compared.rows.values())
    found["slices"] = list(_slices(marks, readings))
    found["ratio"] = found["rebuild"]["per_s"] / found["live"]["per_s"]
    found["hours for 35 million"] = YEAR / found["rebuild"]["per_s"] / 3600
    log.close()
    return found


def _slices(marks: list[tuple[int, float]], readings: int) -> list[float]:
    """Readings a second of each tenth."""
    rates, last = [], marks[0]
    for mark in marks[1:]:
        if mark[0] - last[0] >= readings / 10 or mark is marks[-1]:
            rates.append((mark[0] - last[0]) / (mark[1] - last[1]))
            last = mark
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--meters", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        migrate(postgres.start())
        found = measure(postgres, options.meters, options.readings)
        postgres.stop()
    print(json.dumps(found, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
