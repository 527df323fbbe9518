"""Parking: stays, spots that can't be known, occupancy over time, turnover."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from ops.verify.difference import Case, Check, Difference, instant, ranges, text
from ops.verify.energy import days
from ops.verify.truth import Span
from simulators.demo.places import CARPARKS, SPOTS

HOUR = 3_600_000_000
_SPOT = 'SELECT start, "end" FROM stay WHERE spot = ? AND start <= ? ORDER BY start'


def _spans(case: Case, spot: str) -> list[Span]:
    return case.truth.spans.get(("parking", spot), [])


def _unknowable(case: Case, spot: str, start: int, end: int | None) -> bool:
    return any(span.touches(start, end) for span in _spans(case, spot))


def _shown_so(case: Case, spot: str, start: int, end: int | None) -> bool:
    """Whether the platform must have seen that: a sensor's single lost message is made up for by its next, in time."""
    return any(span.touches(start, end) for span in _spans(case, spot) if span.shown_from < span.end)


def _stays(case: Case) -> Iterator[Difference | None]:
    """Stays that ended, to the microsecond; one that touches the unknown must be called uncertain."""
    for carpark in CARPARKS:
        expected = {
            (spot, start, end)
            for spot, start, end in case.truth.rows('SELECT spot, start, "end" FROM stay WHERE "end" <= ?', case.cutoff)
            if SPOTS[spot].carpark == carpark and not _unknowable(case, spot, start, end)
        }
        found = set()
        for since, until in ranges(case.truth.start, case.cutoff):
            asked = case.api.pages(f"/v1/parking/{carpark}/stays", from_=text(since), to=text(until), limit=1000)
            for item in asked:
                spot, start, end = item["device"], instant(item["start"]), instant(item["end"])
                if not _unknowable(case, spot, start, end):
                    found.add((spot, start, end))
                    if item["uncertain"]:
                        yield Difference("stay", spot, start, "certain", "uncertain")
                elif not item["uncertain"] and _shown_so(case, spot, start, end):
                    yield Difference("stay", spot, start, "uncertain", "certain")
        yield from _sets("stay", expected, found)
        yield None


def _sets(name: str, expected: set[tuple[str, int, int]], found: set[tuple[str, int, int]]) -> Iterator[Difference]:
    for subject, start, end in sorted(expected - found):
        yield Difference(name, subject, start, f"to {text(end)}", "none")
    for subject, start, end in sorted(found - expected):
        yield Difference(name, subject, start, "none", f"to {text(end)}")


def _shown_unknown(case: Case) -> Iterator[Difference | None]:
    """A spot whose sensor says nothing is unknown, from the last sign + its limit to the next."""
    for (domain, spot), spans in case.truth.spans.items():
        if domain != "parking":
            continue
        point = SPOTS[spot].point
        for span in spans:
            if span.shown_from < span.end <= case.cutoff:
                asked = case.api.pages(f"/v1/parking/spots/{point}/segments", from_=text(span.start), to=text(span.end))
                shown = {
                    (instant(item["start"]), instant(item["end"]))
                    for item in asked
                    if item["kind"] == "state" and item["state"] == "unknown" and item["end"]
                }
                if (span.shown_from, span.end) not in shown:
                    wanted = f"unknown {text(span.shown_from)} to {text(span.end)}"
                    got = ", ".join(f"{text(a)} to {text(b)}" for a, b in sorted(shown))
                    yield Difference("spot unknown", spot, span.shown_from, wanted, got or "known")
    yield None


def _occupancy(case: Case) -> Iterator[Difference | None]:
    """Occupied and unknown spots at every full hour, from the second on (sensors report hourly)."""
    stays: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for spot, start, end in case.truth.rows('SELECT spot, start, "end" FROM stay ORDER BY start'):
        stays[spot].append((start, end or 2**62))
    for carpark in CARPARKS:
        spots = [spot for spot, item in SPOTS.items() if item.carpark == carpark]
        for since, until in ranges(case.truth.start + 2 * HOUR, case.cutoff):
            path = f"/v1/parking/{carpark}/history"
            for item in case.api.get(path, from_=text(since), to=text(until), step="1h")["items"]:
                yield from _at(case, carpark, spots, stays, item)
        yield None


def _at(
    case: Case, carpark: str, spots: list[str], stays: dict[str, list[tuple[int, int]]], item: dict[str, str]
) -> Iterator[Difference]:
    time = instant(item["at"])
    occupied = unknown = unsure = 0
    for spot in spots:
        held = next((span for span in _spans(case, spot) if span.start < time < span.end), None)
        if held is not None:
            unknown += time > held.shown_from
            unsure += time <= held.shown_from
            continue
        place = bisect_right(stays[spot], (time, 2**62)) - 1
        occupied += place >= 0 and stays[spot][place][1] > time
    found = int(item["occupied"])
    if not occupied <= found <= occupied + unsure:
        yield Difference("occupied", carpark, time, str(occupied), str(found))
    if int(item["unknown"]) != unknown:
        yield Difference("unknown spots", carpark, time, str(unknown), str(item["unknown"]))


def _turnover(case: Case) -> Iterator[Difference | None]:
    """Stays that ended on each day, where no spot was out of sight."""
    ends = days(case)
    for carpark in CARPARKS:
        touched = [
            span for (domain, spot), spans in case.truth.spans.items()
            if domain == "parking" and SPOTS[spot].carpark == carpark for span in spans
        ]  # fmt: skip
        counted = {
            start: case.truth.rows(
                'SELECT count(*) FROM stay WHERE spot LIKE ? AND "end" >= ? AND "end" < ?',
                f"sp-{carpark.lower()}-%", start, end,
            )[0][0]
            for start, end in ends
            if not any(span.touches(start, end) for span in touched)
        }  # fmt: skip
        if ends:
            asked = case.api.get(f"/v1/parking/{carpark}/turnover", from_=text(ends[0][0]), to=text(ends[-1][1]))
            shown = {instant(item["start"]): item["stays"] for item in asked["items"]}
            for start, expected in counted.items():
                if shown.get(start) != expected:
                    yield Difference("stays of a day", carpark, start, str(expected), str(shown.get(start)))
        yield None


CHECKS = (
    Check("stays", lambda case: len(CARPARKS), _stays),
    Check("unknown spots", lambda case: 1, _shown_unknown),
    Check("occupancy", lambda case: len(CARPARKS), _occupancy),
    Check("turnover", lambda case: len(CARPARKS), _turnover),
)
