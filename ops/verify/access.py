"""Access: openings and passages of every door, headcount of every zone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from ops.verify import doubt
from ops.verify.difference import Case, Check, Difference, clipped, instant, micros, ranges, text
from simulators.demo.places import DOORS, ZONES

SECOND = 1_000_000
HOUR = 3_600 * SECOND
_QUIET = 20 * SECOND
"""Headcounts are compared at moments around which nobody is in a door."""
_FORGOTTEN = 14 * 24 * HOUR
"""So long does an uncertain person count (DOMAIN, People)."""
SETTLED = 10 * SECOND
"""What happens so shortly before the cutoff may still stand open there."""


def _openings(case: Case) -> Iterator[Difference | None]:
    for door in DOORS:
        last, doubtful = case.cutoff - SETTLED, doubt.door(case, door)
        rows = case.truth.rows('SELECT start, "end" FROM opening WHERE door = ? AND start < ?', door, last)
        expected = {
            (start, clipped(end, case.cutoff)) for start, end in rows if not doubt.touched(doubtful, start, end)
        }
        found = set()
        for since, until in ranges(case.truth.start, last):
            path = f"/v1/access/doors/{door}/openings"
            for item in case.api.pages(path, from_=text(since), to=text(until), limit=1000):
                start, end = instant(item["start"]), micros(item["end"])
                if not doubt.touched(doubtful, start, end):
                    found.add((start, clipped(end, case.cutoff)))
        for start, end in sorted(expected ^ found, key=str):
            there = (start, end) in expected
            yield Difference(
                "opening", door, start, f"to {text(end)}" if there else "none", "none" if there else f"to {text(end)}"
            )
        yield None


def _passages(case: Case) -> Iterator[Difference | None]:
    """Every passage in its order: when, which way, named or not."""
    for door in DOORS.values():
        last, doubtful = _shut(case, door.device), doubt.door(case, door.device)
        expected = case.truth.rows(
            "SELECT time, direction, card IS NOT NULL FROM passage WHERE door = ? AND time < ? ORDER BY time",
            door.device,
            last,
        )
        expected = [row for row in expected if not doubt.touched(doubtful, row[0], row[0])]
        found = []
        for since, until in ranges(case.truth.start, last):
            asked = case.api.pages(
                "/v1/access/passages", from_=text(since), to=text(until), door=door.device, limit=1000
            )
            shown = [(instant(item["time"]), item["direction"], item["token"] is not None) for item in asked]
            found += [passage for passage in shown if not doubt.touched(doubtful, passage[0], passage[0])]
        if len(expected) != len(found):
            yield Difference("passages", door.device, None, str(len(expected)), str(len(found)))
        slack = 0 if door.counts else doubt.LATE
        for (time, way, named), (at, other, known) in zip(expected, sorted(found), strict=False):
            if not 0 <= time - at <= slack or way != other or bool(named) != known:
                yield Difference(
                    "passage", door.device, time, f"{way}, {'named' if named else 'unnamed'}",
                    f"{text(at)} {other}, {'named' if known else 'unnamed'}",
                )  # fmt: skip
                break  # all that follow would differ as well
        yield None


def _shut(case: Case, door: str) -> int:
    """The last settled moment at which a door is shut: through an open one people still go, at times that two may tell apart.

    A door without a counter says when it opened, the truth when they were through.
    """
    last = case.cutoff - SETTLED
    [(start,)] = case.truth.rows(
        'SELECT min(start) FROM opening WHERE door = ? AND start < ? AND "end" >= ?', door, last, last
    )
    return last if start is None else int(start)


def _headcounts(case: Case) -> Iterator[Difference | None]:
    """People in each zone at a quiet moment of every hour: inside, uncertain, and the unnamed.

    Each lost message of a door leaves at most one person in the wrong place, until they are forgotten.
    """
    times = sorted(row[0] for row in case.truth.rows("SELECT DISTINCT time FROM passage"))
    changes = {
        zone: case.truth.rows("SELECT time, people FROM presence WHERE zone = ? ORDER BY time", zone) for zone in ZONES
    }
    lost = doubt.losses(case)
    for hour in range(case.truth.start + HOUR, case.cutoff - HOUR, HOUR):
        moment = _quiet(times, hour)
        if moment is not None:
            shown = {item["id"]: item for item in case.api.get("/v1/access/zones", at=text(moment))["items"]}
            recent = [door for time, door in lost if moment - _FORGOTTEN <= time <= moment]
            for zone in ZONES:
                slack = sum(zone in (DOORS[door].inner, DOORS[door].outer) for door in recent)
                yield from _headcount(case, zone, moment, changes[zone], shown.get(zone, {}), slack)
        yield None


def _quiet(times: list[int], hour: int) -> int | None:
    """The first full half minute of the hour around which nobody passes."""
    for moment in range(hour, hour + HOUR, 30 * SECOND):
        if bisect_left(times, moment - _QUIET) == bisect_right(times, moment + _QUIET):
            return moment
    return None


def _headcount(
    case: Case, zone: str, moment: int, changes: list[tuple[int, int]], item: dict[str, int], slack: int
) -> Iterator[Difference]:
    place = bisect_right(changes, (moment, 2**62)) - 1
    expected = changes[place][1] if place >= 0 else 0
    unsure = [span for span in case.truth.spans.get(("access", zone), []) if span.start <= moment < span.end]
    uncertain = item.get("uncertain", 0)
    found = item.get("inside", 0) + uncertain + item.get("unnamed_in", 0) - item.get("unnamed_out", 0)
    if not unsure:
        if abs(found - expected) > slack:
            yield Difference("headcount", zone, moment, str(expected), str(found))
    elif any(span.shown_from <= moment for span in unsure) and not uncertain:
        yield Difference("headcount", zone, moment, "uncertain", str(found))


CHECKS = (
    Check("openings", lambda case: len(DOORS), _openings),
    Check("passages", lambda case: len(DOORS), _passages),
    Check("headcounts", lambda case: max((case.cutoff - case.truth.start) // HOUR - 2, 1), _headcounts),
)
