"""The whole way, from MQTT to committed tables, as `compound up` runs it; the load comes from a process of its own.

    python -m benchmarks.way [--kafka] [--timescale] [--each 1] [--readings 100000] [--meters 1000] [--seconds 10] [--quick]

*Top rate*: readings are published as fast as the broker acknowledges, and the time counts until every domain that reads
meters has committed the last. *Held rate*: the highest share of it at which, published evenly, the tables are never far
behind: all is committed soon after the last was sent. CPU, in microseconds a reading, is of that run, user and system,
by process with its children. *Latency*: from the moment a message is sent to the commit of its row in `energy.point`
(PostgreSQL's own commit timestamp, so without the flush of that commit and without what a reader adds), at parts of the held
rate and at a third of the top.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.house import Compound, Figures, compound
from benchmarks.tell import say

SHARES = (0.95, 0.85, 0.75, 0.65, 0.5)
SETTLED_S = 2.0
"""A rate is held when everything is committed so soon after the last message (liveness writes once a second)."""

Say = Callable[[str], None]


class Way(msgspec.Struct):
    """The figures of one log and one number of readings a message."""

    log: str
    each: int
    meters: int
    top: Figures
    held: Figures
    half: Figures
    tenth: Figures
    domains: list[str]
    third: Figures | None = None
    """At a third of the top; None in what was measured before this was."""


def measure(found: Compound, log: str, each: int, readings: int, seconds: float, say: Say) -> Way:
    """All figures of one number of readings a message."""
    top = found.run(readings, 0, each)
    say(f"{log}, {each} a message: top {top.rate:,.0f}/s")
    held = _held(found, top, each, seconds, say)
    slow = []
    for rate in (held.rate / 2, held.rate / 10, top.rate / 3):
        run = found.run(max(int(rate * seconds), each), rate, each)
        say(f"{log}, {each} a message: at {rate:,.0f}/s p50 {run.p50_ms:.0f} ms, p99 {run.p99_ms:.0f} ms")
        slow.append(run)
    half, tenth, third = slow
    return Way(log, each, found.meters, top, held, half, tenth, found.domains, third)


def _held(found: Compound, top: Figures, each: int, seconds: float, say: Say) -> Figures:
    """The highest share of the top rate that is held; the lowest tried where none is."""
    run = top
    for share in SHARES:
        rate = share * top.rate
        run = found.run(int(rate * seconds), rate, each)
        held = run.settled_s <= SETTLED_S and run.behind_s <= SETTLED_S
        say(f"  {rate:,.0f}/s {'held' if held else 'not held'}: settled after {run.settled_s:.1f} s")
        if held:
            break
    return run


def way(
    *, kafka: bool, timescale: bool, eaches: tuple[int, ...], readings: int, seconds: float, meters: int, say: Say
) -> list[Way]:
    """The figures on one log and database."""
    log = ("Kafka" if kafka else "PostgreSQL") + (", TimescaleDB" if timescale else "")
    # not in memory, where /tmp may be: the disk's flushes are part of what is measured
    place = Path(".data")
    place.mkdir(exist_ok=True)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(dir=place, prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        say(f"{log}: starting")
        with compound(Path(folder).resolve(), kafka=kafka, timescale=timescale, meters=meters) as found:
            return [measure(found, log, each, readings, seconds, say) for each in eaches]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kafka", action="store_true", help="the Kafka log instead of PostgreSQL's")
    parser.add_argument("--timescale", action="store_true", help="TimescaleDB instead of the embedded PostgreSQL")
    parser.add_argument("--each", type=int, action="append", help="readings of one message; 1 and 10 unless said")
    parser.add_argument("--readings", type=int, default=100_000, help="of the run for the top rate")
    parser.add_argument("--seconds", type=float, default=10, help="of each other run")
    parser.add_argument("--meters", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="10,000 readings, 3 seconds")
    options = parser.parse_args()
    found: Any = way(
        kafka=options.kafka,
        timescale=options.timescale,
        eaches=tuple(options.each or (1, 10)),
        readings=10_000 if options.quick else options.readings,
        seconds=3 if options.quick else options.seconds,
        meters=options.meters,
        say=say,
    )
    print(json.dumps(msgspec.to_builtins(found), indent=2))


if __name__ == "__main__":
    main()
