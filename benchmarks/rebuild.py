"""A rebuild of the energy domain: readings a second, how that grows with the tables, and as a ratio to the live projection's.

    python -m benchmarks.rebuild [--millions 5] [--live 1] [--meters 1000] [--json] [--quick]

Quarter hours of so many meters stand in the book. The live projection takes in the first million of them as the processors do
(that is the live rate: the log read as fast as it goes), then a rebuild does, and both are compared: the ratio is that of the
same readings into tables of the same size. Then the rebuild goes on to 2 million, 5, …: `phases` are its rate in each.
`hours for 35 million` is an extrapolation: as if all the rest went at the rate of the last phase.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.frame import options, own_postgres, show
from benchmarks.log import Figures, Meter
from benchmarks.tell import progress, say
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
from processors.rebuild.build import Build, Positions, positions_of
from processors.rebuild.compare import compare
from processors.runtime.worker import Worker

START: Final = parse("2026-01-01T00:00:00+08:00")
SITE: Final = {"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0}
YEAR: Final = 35_000_000
MILLION: Final = 1_000_000
MARKS: Final = (1, 2, 5, 10, 20, 35)
"""Ends of phases, millions."""
APPEND: Final = 10_000
"""Records of one append."""
PROCESSORS_GC: Final = (100_000, 20, 50)
"""As processors.main sets it."""
SETTINGS: Final = {"max_wal_size": "8GB"}
"""No checkpoint is forced while it runs; one by time would be rare."""

Done = Callable[[int], None]


def _silent(count: int) -> None:
    """Told nothing."""


def fill(log: Log, meters: int, readings: int, done: Done = _silent) -> None:
    """The registry, then quarter hour after quarter hour of all meters."""
    register(log, meters)
    append(log, meters, 0, readings, done)


def append(log: Log, meters: int, since: int, until: int, done: Done = _silent) -> None:
    """The readings of these numbers, by large appends."""
    for start in range(since, until, APPEND):
        numbers = range(start, min(start + APPEND, until))
        log.append([reading(number % meters, number // meters) for number in numbers])
        done(len(numbers))


def register(log: Log, meters: int) -> None:
    """A site and its meters, all at one point; meters + 2 records."""
    long_ago = text(START - 10**12)
    changes = [Change("site", "demo", long_ago, SITE)]
    changes.append(Change("point", "here", long_ago, {"type": "meter", "site": "demo", "medium": "electricity"}))
    meter = {"kind": "meter", "site": "demo", "point": "here", "rated_w": 100_000}
    changes += [Change("device", f"m{n:06}", long_ago, meter) for n in range(meters)]
    log.append([to_record(REGISTRY, to_event(change, START)) for change in changes])


def reading(meter: int, quarter: int) -> Record:
    """A meter's reading of a quarter hour, at a second of its own within it."""
    time_ = START + quarter * QUARTER + meter % 900 * SECOND
    data = {"time": text(time_), "boot": 1, "seq": quarter, "import_wh": 1000 + 500 * quarter}
    device = f"m{meter:06}"
    event = Event(f"{meter:08x}{quarter:024x}", f"compound/v1/demo/meter/{device}", "meter.reading.v1", time_, device,
                  json.dumps(data).encode())  # fmt: skip
    return to_record("meter", event)


class Live:
    """A live projection as the processors run it, on one connection, in this thread. `taken`: records until now."""

    def __init__(self, settings: Settings, log: Log, domain: str) -> None:
        gc.set_threshold(*PROCESSORS_GC)
        self._worker = Worker(create(domain, settings), log, settings)
        self._worker._conn = connect(settings.database_url, "live", domain)
        self._worker._conn.execute("SET synchronous_commit = off")
        self._worker._conn.commit()
        self._reader = log.reader(domain, self._worker.domain.topics, self._worker.load_positions)
        self.taken = 0

    def take(self, until: int, batch: int, done: Done = _silent) -> int:
        """Take in records of its topics by so many, until it has taken so many in all, or some more: whole batches. How many."""
        before = self.taken
        while self.taken < until:
            records = self._reader.poll(batch, 1.0)
            if records:
                self._worker.take(records)
                done(len(records))
            self.taken += len(records)
        return self.taken - before

    def pass_time(self) -> None:
        """Derive again what the registry's changes made stale."""
        self._worker.pass_time(sorted(self._reader.assigned()), at_end=False)

    def close(self) -> None:
        """Let go of the partitions and the connection. The CPU of its server process can't be asked for any more."""
        self._reader.close()
        self._worker._drop()


def live(
    settings: Settings, log: Log, domain: str, count: int, done: Done = _silent, meter: Meter | None = None
) -> Figures:
    """The live projection takes in `count` records of its topics; figures where there is a meter."""
    projection = Live(settings, log, domain)
    if meter is not None:
        meter.start()
    projection.take(count, settings.processors_batch, done)
    figures = meter.stop(count) if meter is not None else {}
    projection.pass_time()
    projection.close()
    return figures


def measure(postgres: EmbeddedPostgres, meters: int, readings: int, first: int) -> dict[str, Any]:
    """All figures of one run."""
    settings = Settings(database_url=postgres.url)
    log = open_log("", postgres.url, settings.log_partitions)
    register(log, meters)
    live(settings, log, REGISTRY, meters + 2)
    assert postgres.process is not None
    meter = Meter(postgres.process.pid)
    _filled(log, meters, 0, first)
    with progress("the live projection", first) as done:
        taken = live(settings, log, "energy", first, done, meter)
    found: dict[str, Any] = {"readings": readings, "meters": meters, "live": taken, "phases": []}
    say(f"{found['live']['per_s']:,.0f} readings/s")
    with Build(settings, "energy") as build, connect(postgres.url, "benchmark", autocommit=True) as conn:
        ends = positions_of(conn, "energy")
        for since, until in phases(readings, first):
            if since:
                _filled(log, meters, since, until)
            ends |= log.heads(["meter"])
            found["phases"].append({"to": until, **_build(build, ends, until - since, meter)})
            if until == first:
                found |= _compared(settings, build)
    found["ratio"] = found["phases"][0]["per_s"] / found["live"]["per_s"]
    found["hours for 35 million"] = extrapolated(found["phases"])
    log.close()
    return found


def _filled(log: Log, meters: int, since: int, until: int) -> None:
    with progress(f"{until - since:,} readings into the book", until - since) as done:
        append(log, meters, since, until, done)


def phases(readings: int, first: int) -> Iterator[tuple[int, int]]:
    """From and to: what the live projection takes too, then up to each of MARKS, then the rest."""
    ends = sorted({first, readings, *(mark * MILLION for mark in MARKS if first < mark * MILLION < readings)})
    return zip([0, *ends], ends, strict=False)


def _build(build: Build, targets: Positions, count: int, meter: Meter) -> Figures:
    with progress(f"a rebuild, {count:,} more", count) as done:
        meter.start()
        build.run_to(targets, done)
        figures = meter.stop(count)
    say(f"{figures['per_s']:,.0f} readings/s")
    return figures


def _compared(settings: Settings, build: Build) -> dict[str, Any]:
    """How long the comparison takes, and how many rows it was. AssertionError where they differ."""
    began = time.perf_counter()
    compared = compare(settings, build, told=lambda table: None)
    assert not compared.differences, compared.differences[:3]
    return {"rows": sum(compared.rows.values()), "compare_s": time.perf_counter() - began}


def extrapolated(measured: list[dict[str, float]]) -> float:
    """Hours for a year: what was measured, and the rest at the last phase's rate."""
    before, seconds = 0.0, 0.0
    for phase in measured:
        seconds += (phase["to"] - before) / phase["per_s"]
        before = phase["to"]
    return (seconds + max(YEAR - before, 0) / measured[-1]["per_s"]) / 3600


def main() -> None:
    parser = options(__doc__, "60,000 readings, 20,000 live")
    parser.add_argument("--millions", type=float, default=5.0, help="of readings in the book")
    parser.add_argument("--live", type=float, default=1.0, help="millions that the live projection takes in")
    parser.add_argument("--meters", type=int, default=1000)
    asked = parser.parse_args()
    readings, first = int(asked.millions * MILLION), int(asked.live * MILLION)
    if asked.quick:
        readings, first = 60_000, 20_000
    with own_postgres(SETTINGS) as postgres:
        migrate(postgres.url)
        show(measure(postgres, asked.meters, readings, min(first, readings)), asked)


if __name__ == "__main__":
    main()
