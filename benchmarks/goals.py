"""The goals, what was found of each, and whether it is reached: made of the same figures as the sections."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from benchmarks.sections import spread
from benchmarks.tables import table
from benchmarks.way import Way

HELD: Final = {1: 10_000, 10: 30_000}
"""Readings a second by readings a message."""
P99_MS: Final = 1000.0
SHARE: Final = 0.5
RATIO: Final = 10.0
HOURS: Final = 1.0
QUERY_MS: Final = 50.0
RANGE: Final = 0.2


class Goal(NamedTuple):
    """A goal, what was found, and whether that reaches it."""

    text: str
    found: str
    reached: bool


def goals(ways: list[Way], parts: Mapping[str, Any]) -> Iterator[str]:
    """The table of those of which something was measured; `parts` are figures by name of the part."""
    found = list(_of_way(ways))
    for name, of in (("share", _of_share), ("rebuild", _of_rebuild), ("scale", _of_scale), ("devices", _of_devices)):
        if name in parts:
            found += of(parts[name])
    if found:
        yield "## Goals"
        yield ""
        rows = [(goal.text, goal.found, "reached" if goal.reached else "**missed**") for goal in found]
        yield from table(("goal", "found", ""), rows)


def _of_way(ways: list[Way]) -> Iterator[Goal]:
    for way in ways:
        if "TimescaleDB" in way.log and way.each in HELD:
            rate, goal = way.held.rate, HELD[way.each]
            name = f"{way.log}, {way.each} a message"
            yield Goal(f"{name}: {goal:,} readings/s held", f"{rate:,.0f}/s", rate >= goal)
            if way.third is not None:
                p99 = way.third.p99_ms
                yield Goal(
                    f"{name}: p99 < 1 s at a third of the top", f"{p99:.0f} ms at {way.third.rate:,.0f}/s", p99 < P99_MS
                )


def _of_share(figures: Any) -> Iterator[Goal]:
    best = max(figures["cases"], key=lambda case: case["share, at once"])
    found = best["share, at once"]
    yield Goal("written rows/s ≥ 50 % of a raw COPY", f"{found:.0%} ({best['batch']:,} a batch)", found >= SHARE)


def _of_rebuild(figures: Any) -> Iterator[Goal]:
    ratio, hours = figures["ratio"], figures["hours for 35 million"]
    yield Goal(
        "rebuild ≥ 10 × the live rate", f"{ratio:.1f} × a live projection's that reads a backlog", ratio >= RATIO
    )
    yield Goal(
        "35 million readings rebuilt within an hour",
        f"{hours:.2f} h, extrapolated from {figures['readings']:,}",
        hours <= HOURS,
    )


def _of_scale(figures: Any) -> Iterator[Goal]:
    for name, kind in (("API requests", "api"), ("panels' queries", "panels")):
        if all(each[kind] for each in figures):
            last = figures[-1][kind]
            within = sum(each["p95"] < QUERY_MS for each in last)
            readings = f"{figures[-1]['readings'] / 1e6:.0f} million readings"
            yield Goal(f"{name}: p95 < 50 ms at {readings}", f"{within} of {len(last)}", within == len(last))
            grown = [b["p50"] / a["p50"] for a, b in zip(figures[0][kind], last, strict=True)]
            flat = sum(ratio <= 1 + RANGE for ratio in grown)
            text = (
                f"p50 of {flat} of {len(grown)} within 20 % of that at {figures[0]['readings'] / 1e6:.0f} million;"
                f" median × {statistics.median(grown):.2f}"
            )
            yield Goal(f"{name}: flat", text, flat == len(grown))


def _of_devices(figures: Any) -> Iterator[Goal]:
    for domain, batch in dict.fromkeys((each["domain"], each["batch"]) for each in figures):
        own = [each for each in figures if (each["domain"], each["batch"]) == (domain, batch)]
        found = spread(own)
        yield Goal(f"CPU an event within ± 20 %: {domain}, {batch:,} a batch", f"± {found:.0%}", found <= RANGE)
