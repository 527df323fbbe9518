"""Measure everything and write docs/benchmarks.md: `make bench`, or

    python -m benchmarks [--quick] [--only way-timescale,share,rebuild,scale,devices,disk]

Each part runs in a process of its own, one after the other; what it found is kept in var/benchmarks, and the document is
made of what lies there, so a part can be measured again alone. `--quick` shows in few minutes that all of it works: its
figures are kept nowhere.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import machine
from benchmarks.report import DOCUMENT, Found, render, write

KEPT = Path("var/benchmarks")


class Part(NamedTuple):
    """A benchmark: its arguments, those of a quick look, and what it is."""

    args: str
    quick: str
    text: str


PARTS = {
    "way-postgresql": Part("benchmarks.way", "benchmarks.way --quick", "MQTT to tables, log in PostgreSQL"),
    "way-kafka": Part("benchmarks.way --kafka", "benchmarks.way --kafka --quick", "MQTT to tables, log in Kafka"),
    "way-timescale": Part(
        "benchmarks.way --kafka --timescale",
        "benchmarks.way --kafka --timescale --quick",
        "MQTT to tables in TimescaleDB, log in Kafka",
    ),
    "bridge": Part("benchmarks.bridge", "benchmarks.bridge --messages 10000 --seconds 2", "the bridge alone"),
    "log": Part("benchmarks.log --json", "benchmarks.log --json --records 5000", "the log's two adapters"),
    "clients": Part(
        "benchmarks.kafka_clients --json",
        "benchmarks.kafka_clients --json --events 10000 --rounds 1",
        "two clients of Kafka",
    ),
    "energy": Part("benchmarks.energy --json", "benchmarks.energy --json --batches 2 --size 1000", "the energy domain"),
    "share": Part("benchmarks.share --json", "benchmarks.share --json --quick", "written rows as a share of COPY"),
    "rebuild": Part(
        "benchmarks.rebuild --json", "benchmarks.rebuild --json --quick", "a rebuild of 5 million readings"
    ),
    "devices": Part("benchmarks.devices --json", "benchmarks.devices --json --quick", "CPU by number of devices"),
    "processes": Part(
        "benchmarks.processes --json",
        "benchmarks.processes --json --quick --readings 20000 --rate 500",
        "many processes on one log",
    ),
    "disk": Part("benchmarks.disk --json", "benchmarks.disk --json --quick", "bytes on disk"),
    "scale": Part(
        "benchmarks.scale --json", "benchmarks.scale --json --quick", "queries over 1, 10 and 35 million readings"
    ),
    "known": Part("benchmarks.known --json", "benchmarks.known --json --quick", "questions as known at K"),
    "dashboards": Part(
        "benchmarks.dashboards --json",
        "benchmarks.dashboards --json --days 3 --runs 2",
        "dashboards over a year of 1,000 meters",
    ),
}


def run(name: str, args: str, out: Console) -> Found:
    """Run one part. Raises CalledProcessError."""
    at, load = machine.facts(), machine.load()
    out.print(f"[bold]{name}[/bold]: {PARTS[name].text}; load {load:.1f} ([dim]python -m {args}[/dim])")
    began = time.monotonic()
    said = subprocess.run([sys.executable, "-m", *args.split()], stdout=subprocess.PIPE, text=True, check=True).stdout
    out.print(f"{name}: {time.monotonic() - began:.0f} s")
    return Found(command=f"python -m {args}", machine=at, load=load, said=said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes; only shows the figures")
    parser.add_argument("--only", help=f"some of {','.join(PARTS)}; all unless said")
    parser.add_argument("--write", action="store_true", help="measure nothing, write the document of what was found")
    options = parser.parse_args()
    names = [] if options.write else options.only.split(",") if options.only else list(PARTS)
    if wrong := set(names) - PARTS.keys():
        parser.error(f"no part {', '.join(sorted(wrong))}; there are {', '.join(PARTS)}")
    out = Console(stderr=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    found, failed = {}, []
    for name in names:
        try:
            found[name] = run(name, PARTS[name].quick if options.quick else PARTS[name].args, out)
        except subprocess.CalledProcessError as error:
            out.print(f"[red]{name} failed with code {error.returncode}[/red]")
            failed.append(name)
            continue
        if not options.quick:
            (KEPT / f"{name}.json").write_bytes(msgspec.json.encode(found[name]))
    if options.quick:
        Console().print(Markdown(render(found)))
    else:
        files = {name: KEPT / f"{name}.json" for name in PARTS}
        write({name: msgspec.json.decode(f.read_bytes(), type=Found) for name, f in files.items() if f.exists()})
        out.print(f"{DOCUMENT} is written.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
