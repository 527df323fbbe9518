"""Stretches of a door's or a cell's timeline that can't be told, because a message was lost that the broker had acknowledged.

What a lost message would have said stays open until something else says it: an opening that nobody saw closed goes on, a
parcel that nobody saw collected lies there until the next. So doubt spreads over each interval, true or shown, that it touches.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ops.verify.difference import Case, instant, micros, ranges, text

FAR = 2**62
LATE = 10_000_000
"""A door without a counter tells when it opened; the person is through some seconds later."""


class Stretch(NamedTuple):
    """[start, end], µs; both ends belong to it."""

    start: int
    end: int

    def touches(self, start: int, end: int | None) -> bool:
        """Whether [start, end] and this have an instant in common."""
        return self.start <= (FAR if end is None else end) and start <= self.end


def touched(stretches: Iterable[Stretch], start: int, end: int | None) -> bool:
    """Whether one of them touches [start, end]; None: without an end."""
    return any(stretch.touches(start, end) for stretch in stretches)


def spread(stretches: Iterable[Stretch], intervals: Iterable[tuple[int, int | None]]) -> list[Stretch]:
    """The stretches, grown over every interval that touches one, until none is left that does."""
    found = list(stretches)
    waiting = [Stretch(start, FAR if end is None else end) for start, end in intervals]
    while reached := [interval for interval in waiting if touched(found, *interval)]:
        found += reached
        waiting = [interval for interval in waiting if interval not in set(reached)]
    return found


def door(case: Case, device: str) -> list[Stretch]:
    """The stretches of a door; most have none."""
    spans = case.truth.spans.get(("access", device), [])
    if not spans:
        return []
    intervals = case.truth.rows('SELECT start, "end" FROM opening WHERE door = ?', device)
    intervals += [(at - LATE, at) for (at,) in case.truth.rows("SELECT time FROM passage WHERE door = ?", device)]
    for since, until in ranges(case.truth.start, case.cutoff):
        path = f"/v1/access/doors/{device}/openings"
        for item in case.api.pages(path, from_=text(since), to=text(until), limit=1000):
            intervals.append((instant(item["start"]), micros(item["end"])))
    return spread([Stretch(span.start, span.end) for span in spans], intervals)


def cells(case: Case, bank: str) -> dict[str, list[Stretch]]:
    """Cell -> its stretches; only cells that have one."""
    heard = {
        subject.removeprefix(f"{bank} "): [Stretch(span.start, span.end) for span in spans]
        for (domain, subject), spans in case.truth.spans.items()
        if domain == "parcels" and subject.startswith(f"{bank} ")
    }
    if not heard:
        return {}
    intervals: dict[str, list[tuple[int, int | None]]] = {cell: [] for cell in heard}
    for cell, start, end in case.truth.rows('SELECT cell, reserved, "end" FROM parcel WHERE bank = ?', bank):
        intervals.get(cell, []).append((start, end))
    for since, until in ranges(case.truth.start, case.cutoff):
        for item in case.api.pages(f"/v1/parcels/p-{bank}/parcels", from_=text(since), to=text(until), limit=1000):
            intervals.get(item["cell"], []).append((instant(item["start"]), micros(item["end"])))
    return {cell: spread(stretches, intervals[cell]) for cell, stretches in heard.items()}


def losses(case: Case) -> list[tuple[int, str]]:
    """(time, door) of the messages of doors that were lost, by time."""
    return case.truth.rows(
        "SELECT time, id FROM message JOIN device ON number = device WHERE kind = 'gate' AND sent IS NULL ORDER BY 1"
    )
