"""Comparing a row of totals with a counter, where parts of it can't be known.

Between two instants at which the counter is known, the total is right to the unit, however the platform spreads it; each
total that has an end where it is not known must be marked. Energy that nothing bounds (a break) counts nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ops.verify.truth import QUARTER, Ints, Span


class Total(NamedTuple):
    """A total as the API shows it, [start, end)."""

    start: int
    end: int
    value: int | None
    quality: str | None
    coverage: float
    estimated_share: float | None

    @property
    def marked(self) -> bool:
        """Whether it says that it is not wholly measured."""
        return self.value is None or self.quality != "measured" or self.coverage < 1 or bool(self.estimated_share)


class Gap(NamedTuple):
    """(start, end) without a good reading between; between `moved` and `stood` it counted something: of an inverter's, the day.

    A short one, up to 1½ × the device's interval, needs no mark (DOMAIN).
    """

    start: int
    end: int
    long: bool
    moved: int
    stood: int


class Counted(NamedTuple):
    """A counter from `start` on, one value a quarter hour; `gaps` bounded by it, `holes` in which time is not covered.

    `whole`: it is one register, so that what lies in a hole is unknown altogether.
    """

    start: int
    values: Ints
    gaps: list[Gap]
    holes: list[tuple[int, int]]

    whole: bool = True

    def at(self, time: int) -> int:
        """The counter at a quarter hour; before the first it is the first."""
        return int(self.values[max(0, (time - self.start) // QUARTER)])

    def known(self, time: int) -> bool:
        """Whether the counter is known at `time`."""
        return not any(gap.start < time < gap.end for gap in self.gaps)


def counted(start: int, values: Ints, spans: Sequence[Span], interval_s: int) -> Counted:
    """A register's counter without what its breaks swallow; `interval_s`: how often its device reports."""
    effective = values.copy()
    for span in spans:
        if span.kind == "break":
            first = (span.start - start) // QUARTER
            last = min((span.end - start) // QUARTER, len(values) - 1)
            swallowed = values[last] - values[first]
            effective[first : last + 1] = effective[first]
            effective[last + 1 :] -= swallowed
    return Counted(
        start,
        effective,
        [
            Gap(span.start, span.end, span.end - span.start > interval_s * 1_500_000, *_moving(start, effective, span))
            for span in spans
            if span.kind == "gap"
        ],
        [(span.start, span.end) for span in spans if span.kind in ("break", "uncovered")],
    )


def _moving(start: int, values: Ints, span: Span) -> tuple[int, int]:
    """From when to when a counter moves in the quarter hours that a span touches; where it doesn't, the span's end twice."""
    first = max(0, (span.start - start) // QUARTER)
    last = min(-((start - span.end) // QUARTER), len(values) - 1)
    steps = np.flatnonzero(np.diff(values[first : last + 1]))
    if not len(steps):
        return span.end, span.end
    return start + (first + int(steps[0])) * QUARTER, start + (first + int(steps[-1]) + 1) * QUARTER


def add(terms: Sequence[tuple[int, Counted]]) -> Counted:
    """The sum of weighted counters; a gap or hole of one is one of the sum."""
    length = min(len(counter.values) for _, counter in terms)
    total = np.zeros(length, np.int64)
    for weight, counter in terms:
        total = total + weight * counter.values[:length]
    return Counted(
        terms[0][1].start,
        total,
        [gap for _, counter in terms for gap in counter.gaps],
        [hole for _, counter in terms for hole in counter.holes],
        whole=len(terms) == 1,
    )


def compare(totals: Sequence[Total], counter: Counted, *, marks: bool = True) -> Iterator[tuple[int, str, str]]:
    """(start, expected, found) of every total that is wrong. `marks`: whether quality and coverage are compared too."""
    block: list[Total] = []
    sound = True  # the block began where the counter is known
    for total in totals:
        if not block:
            sound = counter.known(total.start)
        block.append(total)
        if counter.known(total.end):
            yield from _block(block, counter, sound, marks)
            block = []
    if marks:
        yield from _unmarked(block, counter)


def _block(block: list[Total], counter: Counted, sound: bool, marks: bool) -> Iterator[tuple[int, str, str]]:
    first, last = block[0], block[-1]
    expected = counter.at(last.end) - counter.at(first.start)
    found = sum(total.value or 0 for total in block)
    if sound and found != expected:
        until = "" if len(block) == 1 else f" (over {len(block)} totals)"
        yield first.start, f"{expected}{until}", str(first.value if len(block) == 1 else found)
        return
    if not marks:
        return
    if len(block) > 1 or not sound:
        yield from _unmarked(block, counter)
        return
    hole = max((min(e, first.end) - max(s, first.start) for s, e in counter.holes), default=0)
    if hole <= 0 and first.start >= counter.start:
        if first.value is None or first.marked:
            yield first.start, f"{expected} measured, coverage 1", show(first)
    elif first.coverage >= 1:
        yield first.start, "coverage below 1", show(first)
    elif counter.whole and hole >= first.end - first.start and first.value:
        yield first.start, "unknown", show(first)


def _unmarked(block: list[Total], counter: Counted) -> Iterator[tuple[int, str, str]]:
    """Totals that should say that they are not measured: a long gap lies in them, and does not hold nothing alone."""
    for total in block:
        held = [gap for gap in counter.gaps if gap.long and gap.start < total.end and total.start < gap.end]
        still = all(gap.stood <= total.start or total.end <= gap.moved for gap in held)
        if still and held:
            still = total.value == counter.at(total.end) - counter.at(total.start)
        if held and not total.marked and not still:
            yield total.start, "estimated, substituted or unknown", show(total)


def show(total: Total) -> str:
    """A total and its marks in words."""
    share = total.estimated_share
    return f"{total.value} {total.quality}, coverage {total.coverage:.4g}" + (
        f", {share:.2%} estimated" if share else ""
    )


def total(item: dict[str, Any], end: int, start: int) -> Total:
    """An API item as a total."""
    value = item["wh"] if "wh" in item else item["l"]
    return Total(start, end, value, item["quality"], item["coverage"], item["estimated_share"])
