"""The figures as a document: tables between two marks in docs/benchmarks.md; the words around them are a person's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import sections
from benchmarks.goals import goals
from benchmarks.house import Figures
from benchmarks.tables import table, words, work
from benchmarks.way import Way

DOCUMENT = Path("docs/benchmarks.md")
_BEGIN, _END = "<!-- figures -->", "<!-- /figures -->"
_NEW = f"# Benchmarks\n\n{_BEGIN}\n{_END}\n"
_HEADING = re.compile(r"^(?=## )", re.MULTILINE)
_COMMAND = "| `python "
_BRIDGE = re.compile(r"([\d.]+) µs CPU a message")

PEERS = (
    ("Telegraf 1.36, without parsing", "16", "30"),
    ("Telegraf 1.36, parsing JSON", "27", "42"),
    ("Redpanda Connect 4.78 (acknowledges before Kafka has the message)", "29", "48"),
    ("a minimal paho + confluent-kafka bridge, no validation", "22", "32"),
)
"""CPU µs a message in a burst and at 5,000/s, measured on the same kind of machine by the same load before this project
began."""


WAYS = ("way-timescale", "way-postgresql", "way-kafka")
"""The first has a section of its own."""
SECTIONS = {
    "share": sections.share,
    "rebuild": sections.rebuild,
    "scale": sections.scale,
    "devices": sections.devices,
    "disk": sections.disk,
    "processes": sections.processes,
    "known": sections.known,
}


class Found(msgspec.Struct):
    """What a part said, and when and where it was run; `load` is the machine's load average before."""

    command: str
    machine: dict[str, str]
    load: float
    said: str


def write(parts: Mapping[str, Found]) -> None:
    """Put the figures into the document; a section of which nothing is known here stays as it stands there."""
    text = DOCUMENT.read_text() if DOCUMENT.exists() else _NEW
    before, old, after = text.split(_BEGIN)[0], text.split(_BEGIN)[1].split(_END)[0], text.split(_END)[1]
    DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{_merged(old.strip(), render(parts).strip())}\n\n{_END}{after}")


def _merged(old: str, new: str) -> str:
    """`new`, then those sections of `old` that it doesn't have; among the commands those that it doesn't name."""
    head, *sections = _HEADING.split(new)
    old_head, *others = _HEADING.split(old)
    commands = {line.split("|")[1] for line in head.splitlines() if line.startswith(_COMMAND)}
    rows = [line for line in old_head.splitlines() if line.startswith(_COMMAND) and line.split("|")[1] not in commands]
    head = "\n".join([head.rstrip(), *rows]) if commands else old_head.rstrip()
    titles = {section.splitlines()[0] for section in sections}
    sections += [section for section in others if section.splitlines()[0] not in titles]
    return "\n\n".join([head, *(section.strip() for section in sections)])


def render(parts: Mapping[str, Found]) -> str:
    """The figures as Markdown."""
    ways = {name: json_of(parts[name], list[Way]) for name in WAYS if name in parts}
    figures = {name: json.loads(parts[name].said) for name in SECTIONS if name in parts}
    lines = list(_machine(parts)) if parts else []
    lines += goals([way for some in ways.values() for way in some], figures)
    if own := [way for name in WAYS[1:] for way in ways.get(name, ())]:
        lines += _ways(own, "From MQTT to committed tables")
    if own := ways.get(WAYS[0], []):
        lines += _ways(own, "From MQTT to committed tables: Apache Kafka and TimescaleDB")
    for name, section in (
        ("bridge", _bridge),
        ("log", _log),
        ("clients", _clients),
        ("energy", _energy),
        ("dashboards", _dashboards),
    ):
        if name in parts:
            lines += section(parts[name])
    for name, said in figures.items():
        lines += SECTIONS[name](said)
    return "\n".join(lines) + "\n"


def json_of(found: Found, kind: Any) -> Any:
    """What a part said, decoded."""
    return msgspec.json.decode(found.said, type=kind)


def _machine(parts: Mapping[str, Found]) -> Iterator[str]:
    last = list(parts.values())[-1].machine
    yield from table(("", ""), [(name, value) for name, value in last.items() if name not in ("date", "commit")])
    rows = [(f"`{p.command}`", p.machine["date"], p.machine["commit"], f"{p.load:.1f}") for p in parts.values()]
    yield "Load is the machine's load average when the part began: what else was running. 0 would be nothing."
    yield ""
    yield from table(("command", "date", "commit", "load"), rows)


def _ways(ways: Sequence[Way], title: str) -> Iterator[str]:
    yield f"## {title}"
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
    yield from table(("log", "top, as a burst", "held", "behind", "µs CPU a reading", bound, "held, ratio"), rows)
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
    yield from table(("log", *names, "(load)"), rows)
    yield "PostgreSQL's share of it by what a connection is for (the five largest):"
    yield ""
    for way in ways:
        most = sorted(way.held.postgres.items(), key=lambda item: -item[1])[:5]
        yield f"- {way.log}, {way.each} a message: " + ", ".join(f"{name} {used:.1f}" for name, used in most)
    yield ""
    yield "Latency, from publishing to the commit of the row in `energy.point`, milliseconds:"
    yield ""
    rows = [
        (f"{way.log}, {way.each} a message", *(_latency(run) for run in (way.tenth, way.half, way.held, way.third)))
        for way in ways
    ]
    yield from table(("log", "a tenth of held", "half of held", "held", "a third of the top"), rows)


def _latency(run: Figures | None) -> str:
    if run is None:
        return ""
    return f"{run.rate:,.0f}/s: p50 {run.p50_ms:.0f}, p99 {run.p99_ms:.0f}"


def _bridge(found: Found) -> Iterator[str]:
    yield "## The bridge alone: MQTT to Kafka, with validation"
    yield ""
    yield "CPU µs a message of the bridge's process (Mosquitto, QoS 1, acks=all, 150-byte JSON, 1,000 devices):"
    yield ""
    ours = _BRIDGE.findall(found.said)
    yield from table(("bridge", "burst", "steady 5,000/s"), [("**ingest**, contract checked", *ours[:2]), *PEERS])
    yield "```\n" + found.said.strip() + "\n```"
    yield ""


def _log(found: Found) -> Iterator[str]:
    figures = json.loads(found.said)
    yield "## The event log's two adapters"
    yield ""
    names = [name for name in figures["postgresql"] | figures["kafka"] if name != "steps"]
    rows = [(name, *(work(figures[adapter].get(name, {})) for adapter in ("postgresql", "kafka"))) for name in names]
    yield from table(("work", "PostgreSQL", "Kafka"), rows)
    yield (
        "Of appending to PostgreSQL, in Python, CPU µs a record: "
        + ", ".join(f"{name} {value:.1f}" for name, value in figures["postgresql"].get("steps", {}).items())
        + "."
    )
    yield ""


def _clients(found: Found) -> Iterator[str]:
    yield "## Two clients of Kafka"
    yield ""
    rows = [(name, f"{f['cpu_us']:.1f}", f"{f['per_s']:,.0f}") for name, f in json.loads(found.said).items()]
    yield from table(("client", "µs CPU an event", "events/s"), rows)


def _energy(found: Found) -> Iterator[str]:
    yield "## The energy domain alone"
    yield ""
    rows = [(case, words(figures)) for case, figures in json.loads(found.said).items()]
    yield from table(("case", "figures"), rows)


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
    yield from table(("panel (query)", "view", "rows", "CPU", "p50", "p95"), rows)
