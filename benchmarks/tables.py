"""Tables in Markdown, and figures as words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, and an empty one."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def words(figures: Mapping[str, float]) -> str:
    """Names with their values."""
    return ", ".join(f"{name} {value:,.1f}" for name, value in figures.items())


def work(figures: Mapping[str, float]) -> str:
    """A rate with its CPU, or a latency."""
    if "p50_ms" in figures:
        return f"p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms"
    if not figures:
        return ""
    said = f"{figures['per_s']:,.0f}/s; {figures['cpu_us']:.1f} µs here, {figures['server_us']:.1f} in the server"
    return said + (f", {figures['database_us']:.1f} in PostgreSQL" if "database_us" in figures else "")
