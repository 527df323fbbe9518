"""The figures as a document: tables between two marks in docs/benchmarks.md; the words around them are a person's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.house import Figures
from benchmarks.way import Way

DOCUMENT = Path("docs/benchmarks.md")
_BEGIN, _END = "<!-- figures -->", "<!-- /figures -->"
_NEW = f"# Benchmarks\n\n{_BEGIN}\n{_END}\n"
_BRIDGE = re.compile(r"([\d.]+) µs CPU a message")

PEERS = (
    ("Telegraf 1.36, without parsing", "16", "30"),
    ("Telegraf 1.36, parsing JSON", "27", "42"),
    ("Redpanda Connect 4.78 (acknowledges before Kafka has the message)", "29", "48"),
    ("a minimal paho + confluent-kafka bridge, no validation", "22", "32"),
)
"""CPU µs a message in a burst and at 5,000/s, measured on the same kind of machine by the same load before this project
began."""


class Found(msgspec.Struct):
    """What a part said, and when and where it was run; `load` is the machine's load average before."""

    command: str
    machine: dict[str, str]
    load: float
    said: str


def write(parts: Mapping[str, Found]) -> None:
    """Put the figures into the document."""
    text = DOCUMENT.read_text() if DOCUMENT.exists() else _NEW
    before, after = text.split(_BEGIN)[0], text.split(_END)[1]
    DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{render(parts)}\n{_END}{after}")


def render(parts: Mapping[str, Found]) -> str:
    """The figures as Markdown."""
    ways = [name for name in ("way-postgresql", "way-kafka") if name in parts]
    lines = list(_machine(parts)) if parts else []
    if ways:
        lines += _ways([way for name in ways for way in json_of(parts[name], list[Way])])
    for name, section in (
        ("bridge", _bridge),
        ("log", _log),
        ("clients", _clients),
        ("energy", _energy),
        ("dashboards", _dashboards),
        ("rebuild", _rebuild),
    ):
        if name in parts:
            lines += section(parts[name])
    return "\n".join(lines) + "\n"


def json_of(found: Found, kind: Any) -> Any:
    """What a part said, decoded."""
    return msgspec.json.decode(found.said, type=kind)


def _machine(parts: Mapping[str, Found]) -> Iterator[str]:
    last = list(parts.values())[-1].machine
    yield from _table(("", ""), [(name, value) for name, value in last.items() if name not in ("date", "commit")])
    rows = [(f"`{p.command}`", p.machine["date"], p.machine["commit"], f"{p.load:.1f}") for p in parts.values()]
    yield "Load is the machine's load average when the part began: what else was running. 0 would be nothing."
    yield ""
    yield from _table(("command", "date", "commit", "load"), rows)


def _ways(ways: Sequence[Way]) -> Iterator[str]:
    yield "## From MQTT to committed tables"
    yield ""
    yield (
        f"{ways[0].meters:,} meters; all roles as `compound up` starts them, API idle; rows of {', '.join(ways[0].domains)}."
        " The load's own process runs on the same cores; its CPU is apart. Readings a second:"
    )
    yield ""
    cores = len(os.sched_getaffinity(0))
    rows: list[Sequence[str]] = []
    for way in ways:
        used = sum(way.held.cpu.values())
        rows.append(
            (
                f"{way.log}, {way.each} a message",
                f"{way.top.rate:,.0f}",
                f"{way.held.rate:,.0f}",
                f"{way.held.settled_s:.1f} s",
                f"{used:.0f}",
                f"{cores / used * 1e6:,.0f}",
                f"{way.held.rate / ways[0].held.rate:.2f}",
            )
        )
    bound = f"{cores} cores ÷ CPU"
    yield from _table(("log", "top, as a burst", "held", "behind", "µs CPU a reading", bound, "held, ratio"), rows)
    yield "CPU by process in the held run, microseconds a reading, user and system:"
    yield ""
    names = list(dict.fromkeys(name for way in ways for name in way.held.cpu))
    rows = [
        (
            f"{way.log}, {way.each} a message",
            *(f"{way.held.cpu[name]:.0f}" if name in way.held.cpu else "" for name in names),
            f"{way.held.generator_cpu:.1f}",
        )
        for way in ways
    ]
    yield from _table(("log", *names, "(load)"), rows)
    yield "PostgreSQL's share of it by what a connection is for (the five largest):"
    yield ""
    for way in ways:
        most = sorted(way.held.postgres.items(), key=lambda item: -item[1])[:5]
        yield f"- {way.log}, {way.each} a message: " + ", ".join(f"{name} {used:.1f}" for name, used in most)
    yield ""
    yield "Latency, from publishing to the commit of the row in `energy.point`, milliseconds:"
    yield ""
    rows = [
        (f"{way.log}, {way.each} a message", *(_latency(run) for run in (way.tenth, way.half, way.held)))
        for way in ways
    ]
    yield from _table(("log", "a tenth of held", "half of held", "held"), rows)


def _latency(run: Figures) -> str:
    return f"{run.rate:,.0f}/s: p50 {run.p50_ms:.0f}, p99 {run.p99_ms:.0f}"


def _bridge(found: Found) -> Iterator[str]:
    yield "## The bridge alone: MQTT to Kafka, with validation"
    yield ""
    yield "CPU µs a message of the bridge's process (Mosquitto, QoS 1, acks=all, 150-byte JSON, 1,000 devices):"
    yield ""
    ours = _BRIDGE.findall(found.said)
    yield from _table(("bridge", "burst", "steady 5,000/s"), [("**ingest**, contract checked", *ours[:2]), *PEERS])
    yield "```\n" + found.said.strip() + "\n```"
    yield ""


def _log(found: Found) -> Iterator[str]:
    figures = json.loads(found.said)
    yield "## The event log's two adapters"
    yield ""
    works = [work for work in figures["postgresql"] | figures["kafka"] if work != "steps"]
    rows = [(work, *(_of_log(figures[adapter].get(work, {})) for adapter in ("postgresql", "kafka"))) for work in works]
    yield from _table(("work", "PostgreSQL", "Kafka"), rows)
    yield (
        "Of appending to PostgreSQL, in Python, CPU µs a record: "
        + ", ".join(f"{name} {value:.1f}" for name, value in figures["postgresql"].get("steps", {}).items())
        + "."
    )
    yield ""


def _of_log(figures: Mapping[str, float]) -> str:
    if "p50_ms" in figures:
        return f"p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms"
    if not figures:
        return ""
    said = f"{figures['per_s']:,.0f}/s; {figures['cpu_us']:.1f} µs here, {figures['server_us']:.1f} in the server"
    return said + (f", {figures['database_us']:.1f} in PostgreSQL" if "database_us" in figures else "")


def _clients(found: Found) -> Iterator[str]:
    yield "## Two clients of Kafka"
    yield ""
    rows = [(name, f"{f['cpu_us']:.1f}", f"{f['per_s']:,.0f}") for name, f in json.loads(found.said).items()]
    yield from _table(("client", "µs CPU an event", "events/s"), rows)


def _rebuild(found: Found) -> Iterator[str]:
    figures = json.loads(found.said)
    yield "## A rebuild of the energy domain, and the live projection catching up on the same book"
    yield ""
    rows = [(name, _of_log(figures[name])) for name in ("live", "rebuild")]
    yield from _table((f"{figures['readings']:,} readings", "readings a second; CPU a reading"), rows)
    yield (
        f"Ratio {figures['ratio']:.2f}; 35 million readings in {figures['hours for 35 million']:.2f} h; compared"
        f" ({figures['rows']:,} rows) in {figures['compare_s']:.0f} s. Readings a second by tenths: "
        + ", ".join(f"{rate:,.0f}" for rate in figures["slices"])
        + "."
    )
    yield ""


def _energy(found: Found) -> Iterator[str]:
    yield "## The energy domain alone"
    yield ""
    rows = [(case, _words(figures)) for case, figures in json.loads(found.said).items()]
    yield from _table(("case", "figures"), rows)


def _dashboards(found: Found) -> Iterator[str]:
    asked = json.loads(found.said)
    slowest = sorted(asked, key=lambda each: -each["cpu"])[:10]
    within = sum(each["cpu"] < 50 for each in asked)
    views = ", ".join(dict.fromkeys(each["view"] for each in asked))
    yield "## Dashboards over a year of 1,000 meters"
    yield ""
    yield (
        f"{len(asked)} queries of panels (views of the last {views}); {within} take less than 50 ms of the server's CPU."
        " The slowest ten by that, milliseconds; p50 and p95 are from asking to the last row, beside all else that ran:"
    )
    yield ""
    rows = [
        (
            f"{each['panel']} ({each['query']})",
            each["view"],
            str(each["rows"]),
            *(f"{each[name]:,.0f}" for name in ("cpu", "p50", "p95")),
        )
        for each in slowest
    ]
    yield from _table(("panel (query)", "view", "rows", "CPU", "p50", "p95"), rows)


def _words(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:,.1f}" for name, value in figures.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""
