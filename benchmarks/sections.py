"""The sections of what stands behind the whole way: rebuild, COPY, devices, disk, queries by size."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.tables import table, words, work

SLOWEST: Final = 10
"""Panels that are listed."""


def rebuild(figures: Any) -> Iterator[str]:
    """Rate by phases, and as a ratio to the live projection's."""
    yield "## A rebuild of the energy domain, and the live projection catching up on the same book"
    yield ""
    first = figures["phases"][0]["to"]
    rows = [(f"live, {first:,} readings", work(figures["live"]))]
    before = 0
    for phase in figures["phases"]:
        rows.append((f"rebuild, from {before:,} to {phase['to']:,}", work(phase)))
        before = phase["to"]
    yield from table((f"{figures['meters']:,} meters", "readings a second; CPU a reading"), rows)
    yield (
        f"Over the first {first:,} the rebuild has {figures['ratio']:.2f} times the rate of the live projection, which reads a backlog as"
        f" fast as it goes. 35 million readings, a year, would take {figures['hours for 35 million']:.2f} h: extrapolated, all that was"
        " not run at the rate of the last phase."
        f" {figures['rows']:,} rows were compared in {figures['compare_s']:.0f} s, without a difference."
    )
    yield ""


def share(figures: Any) -> Iterator[str]:
    """Rows a second as a share of COPY, and where the processor's time goes."""
    yield "## What the energy processor writes, as a share of a raw binary COPY of the same rows"
    yield ""
    rows = [
        (
            f"{case['batch']:,}",
            f"{case['processor']:,.0f}",
            f"{case['at once']:,.0f}",
            f"{case['in as many transactions']:,.0f}",
            f"{case['share, at once']:.0%}",
            f"{case['share, in as many transactions']:.0%}",
            f"{case['cpu_us']:.1f} + {case['server_us']:.1f}",
        )
        for case in figures["cases"]
    ]
    yield (
        f"{figures['readings']:,} readings of {figures['meters']:,} meters; rows a second into the four tables of points, segments,"
        " quarter hours and days. The shares are of COPY at once, and of COPY in as many transactions as the processor made:"
    )
    yield ""
    head = (
        "batch",
        "processor",
        "COPY at once",
        "COPY, as many commits",
        "share",
        "share",
        "µs CPU a reading, Python + PostgreSQL",
    )
    yield from table(head, rows)
    for case in figures["cases"]:
        whole = 1e6 / case["per_s"]
        yield (
            f"- {case['batch']:,} a batch, µs a reading by the clock: all {whole:.1f}, of these {words(case['steps'])};"
            " the rest is reading the log and its events"
        )
    yield ""


def processes(figures: Any) -> Iterator[str]:
    """What sharing costs, how long it stops what, and what the settings' defaults follow from."""
    yield "## Many processes of the energy domain on one log"
    yield ""
    yield f"Log: {figures['log']}. A backlog, read by one process and by two (`COMPOUND_LOG_PARTITIONS`):"
    yield ""
    yield from table(
        ("partitions, processes", "records a second; CPU a record"),
        [(name, work(found)) for name, found in figures["partitions"].items()],
    )
    yield f"A steady stream of {figures['rate']:,.0f}/s, by the commit interval (`COMPOUND_PROCESSORS_GATHER_MS`):"
    yield ""
    yield from table(
        ("ms", "µs CPU a record, Python + PostgreSQL", "append to commit, median"),
        [
            (ms, f"{found['cpu_us']:.0f} + {found['server_us']:.0f}", f"{found['wait_p50_ms']:.0f} ms")
            for ms, found in figures["gather"].items()
        ],
    )
    yield f"How long a partition stood still under that stream; session time-out {figures['session_s']:.0f} s:"
    yield ""
    yield from table(
        ("what happened", "the partition that stood longest, s", "the one that stood least, s"),
        [(name, f"{found['longest_s']:.1f}", f"{found['least_s']:.1f}") for name, found in figures["stops"].items()],
    )
    memory = (f"{int(meters):,} meters {mib:,.0f} MiB" for meters, mib in figures["memory"].items())
    yield f"Memory of a process (PSS) that has read two readings of each of: {', '.join(memory)}."
    yield ""


def devices(figures: Any) -> Iterator[str]:
    """CPU an event by number of devices."""
    yield "## CPU an event by number of devices"
    yield ""
    counts = sorted({each["devices"] for each in figures})
    rows = []
    for domain, batch in dict.fromkeys((each["domain"], each["batch"]) for each in figures):
        own = {each["devices"]: each for each in figures if (each["domain"], each["batch"]) == (domain, batch)}
        used = [f"{own[count]['cpu_us']:.1f} + {own[count]['server_us']:.1f}" for count in counts]
        rows.append((f"{domain}, {batch:,} a batch", *used, f"± {spread(list(own.values())):.0%}"))
    yield f"µs an event, Python + PostgreSQL; {figures[0]['events']:,} events or a few more each:"
    yield ""
    yield from table(("domain", *(f"{count:,} devices" for count in counts), "range"), rows)


def spread(figures: list[Any]) -> float:
    """How far CPU an event is from the middle of its range over the numbers of devices: 0.2 is ± 20 %."""
    used: list[float] = [each["us"] for each in figures]
    return (max(used) - min(used)) / (max(used) + min(used))


def disk(figures: Any) -> Iterator[str]:
    """Bytes an event of each table."""
    yield "## Bytes on disk an event"
    yield ""
    columns = list(next(iter(figures["tables"].values())))
    rows = [(name, *(f"{own[column]:.0f}" for column in columns)) for name, own in figures["tables"].items()]
    energy = [own for name, own in figures["tables"].items() if name.startswith("energy.")]
    rows.append(("energy, together", *(f"{sum(own[column] for own in energy):.0f}" for column in columns)))
    yield f"{figures['readings']:,} readings of {figures['meters']:,} meters, {figures['json']:.0f} bytes of JSON each; bytes a reading:"
    yield ""
    yield from table(("table", *columns), rows)
    yield (
        "The columnstore of TimescaleDB Community could not be run here (Debian's TimescaleDB is the Apache edition), so what it"
        " would make of these tables is not measured. Nor does PostgreSQL's own compression (TOAST) touch such short rows. Columns"
        " zstd and lz4 are the nearest: what a compressing file system would make of rows and indexes, the tables' files in pieces"
        " of 128 KiB by `zstd -3` and `lz4 -1`."
    )
    yield ""


def scale(figures: Any) -> Iterator[str]:
    """The API and the dashboards by how much is in the tables."""
    yield "## Queries over 1, 10 and 35 million readings"
    yield ""
    sizes = [f"{each['readings'] / 1e6:.1f} million" for each in figures]
    yield "The API by HTTP, one client on one connection, a process of its own; a year, p50 / p95 in milliseconds:"
    yield ""
    asked = zip(*(each["api"] for each in figures), strict=True)
    rows = [(f"`{own[0]['asked']}`", *(f"{each['p50']:.0f} / {each['p95']:.0f}" for each in own)) for own in asked]
    yield from table(("request", *sizes), rows)
    if all(each["panels"] for each in figures):
        yield from _panels(figures, sizes)


def _panels(figures: Any, sizes: list[str]) -> Iterator[str]:
    yield "Panels of dashboards, one connection as the role of dashboards:"
    yield ""
    rows = []
    for view in dict.fromkeys(each["view"] for each in figures[0]["panels"]):
        own = [[each for each in size["panels"] if each["view"] == view] for size in figures]
        for name, said in (("median of p50, ms", lambda of: f"{statistics.median(each['p50'] for each in of):.1f}"),
                           ("p95 below 50 ms", lambda of: f"{sum(each['p95'] < 50 for each in of)} of {len(of)}")):  # fmt: skip
            rows.append((f"{view}: {name}", *map(said, own)))
    yield from table(("view", *sizes), rows)
    named = [{(each["panel"], each["query"], each["view"]): each for each in size["panels"]} for size in figures]
    slowest = sorted(named[-1], key=lambda key: -named[-1][key]["cpu"])[:SLOWEST]
    yield f"The {SLOWEST} that take the server most CPU at the largest, p50 / p95 in milliseconds:"
    yield ""
    rows = [
        (f"{key[0]} ({key[1]}), {key[2]}", *(f"{size[key]['p50']:,.0f} / {size[key]['p95']:,.0f}" for size in named))
        for key in slowest
    ]
    yield from table(("panel (query), view", *sizes), rows)


def known(figures: Any) -> Iterator[str]:
    """Each question of now and as known at K, by what came since."""
    yield "## Questions as known at K"
    yield ""
    yield (
        f"{figures['meters']} meters, {figures['days']} days, {figures['readings']:,} readings; milliseconds from asking the API to the"
        " JSON, medians, now and as known before so many late readings came. Points are readings gone through again for the site:"
    )
    yield ""
    rows = [
        (
            case,
            f"{of['late']:,}",
            f"{of['points']:,}",
            question,
            *(f"{t[name]:,.0f}" for name in ("now_ms", "known_ms", "ratio")),
        )
        for case, of in figures["cases"].items()
        for question, t in of["questions"].items()
    ]
    yield from table(("case", "late", "points", "question", "now", "as known", "ratio"), rows)
