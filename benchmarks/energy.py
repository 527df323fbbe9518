"""The energy domain on its own: readings a second into committed tables, CPU a reading, and where it goes.

    python -m benchmarks.energy [--batches 10] [--size 5000] [--json]

CPU is in microseconds a reading: of this process, and of PostgreSQL's. Meters report every quarter hour, each with its
own second in it ("spread") or on the quarter hour ("aligned"); a batch holds one reading of each of `size` meters, or
five of a fifth of them. "shuffled" comes in any order over all batches: nearly every reading takes the exact path.
The steps are wall time a reading in the calls that the domain makes, the first case.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.log import Figures, Meter
from compound.events import Received
from compound.registry.timeline import load
from compound.store.migrate import migrate
from compound.timeutil import QUARTER, SECOND, parse
from ops.embedded.postgres import EmbeddedPostgres
from processors.energy import domain as energy
from processors.energy import tables, totals
from processors.energy.tails import Tails
from processors.runtime.domain import Tx
from tests.support.energy_rig import EnergyRig, reading

START = parse("2026-01-01T00:00:00+08:00")
CASES = (("spread", 1), ("aligned", 1), ("spread", 5), ("shuffled", 5))
"""Kind of load, and readings of a meter in a batch."""

STEPS: dict[str, tuple[Any, str]] = {
    "decode": (energy, "decode"),
    "fast path": (Tails, "take"),
    "points": (tables, "insert_points"),
    "segments": (tables, "write_segments"),
    "spread and sum": (totals, "sums"),
    "spread, sum, quarters and days": (energy, "contribute"),
}


def make_batches(rig: EnergyRig, kind: str, each: int, size: int, count: int) -> list[list[Received]]:
    """Batches of `size` readings of `size / each` meters; the first is to warm up."""
    meters = size // each
    offset = [0 if kind == "aligned" else random.Random(n).randrange(900) * SECOND for n in range(meters)]
    batches = [
        [
            rig.received(reading(f"m{n:05}", START + offset[n] + k * QUARTER, k, import_wh=1000 + 500 * k), "meter")
            for k in range(number * each, (number + 1) * each)
            for n in range(meters)
        ]
        for number in range(count + 1)
    ]
    if kind == "shuffled":
        rest = [received for batch in batches[1:] for received in batch]
        random.Random(1).shuffle(rest)
        batches[1:] = [rest[start : start + size] for start in range(0, len(rest), size)]
    return batches


def measure(postgres: EmbeddedPostgres, kind: str, each: int, size: int, count: int) -> Figures:
    """One case on fresh tables."""
    rig = EnergyRig(postgres.url)
    rig.conn.execute("TRUNCATE series, place, seat, point, mark, segment, quarter, day, registry.item, registry.stale")
    rig.site()
    for n in range(size // each):
        rig.meter(f"m{n:05}", "here")
    rig.settle()
    registry = load(rig.conn)
    warm, *batches = make_batches(rig, kind, each, size, count)
    take(rig, registry, warm)
    assert postgres.process is not None
    meter = Meter(postgres.process.pid)
    meter.start()
    for batch in batches:
        take(rig, registry, batch)
    figures = meter.stop(size * count)
    rig.close()
    return figures


def take(rig: EnergyRig, registry: Any, batch: list[Received]) -> None:
    with rig.conn.transaction():
        rig.domain.apply(Tx(rig.conn, "energy", registry, 0), batch)


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
    """Adds up the wall time inside each of STEPS."""
    patches = []
    for name, (owner, attribute) in STEPS.items():
        patches.append(patch.object(owner, attribute, _timed(getattr(owner, attribute), name, spent)))
    for each in patches:
        each.start()
    yield
    for each in patches:
        each.stop()


def _timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def wrapped(*args: Any, **named: Any) -> Any:
        before = time.perf_counter()
        try:
            return function(*args, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - before

    return wrapped


def run(size: int, count: int) -> dict[str, Figures]:
    """All figures."""
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        migrate(postgres.start())
        for kind, each in CASES:
            found[f"{kind}, {each} a meter"] = measure(postgres, kind, each, size, count)
        spent: dict[str, float] = {}
        with timed(spent):
            measure(postgres, *CASES[0], size, count)
        found["steps"] = {name: seconds / (size * (count + 1)) * 1e6 for name, seconds in spent.items()}
        postgres.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--size", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = run(options.size, options.batches)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for case, figures in found.items():
        print(f"{case:20}", "  ".join(f"{name} {value:,.1f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
