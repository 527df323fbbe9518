"""The fold of a locker's cell: states, parcels, reservations, openings (DOMAIN, Lockers)."""

from __future__ import annotations

from typing import Any

from compound.registry.timeline import build
from compound.timeutil import DAY, HOUR, MINUTE, SECOND, parse
from processors.parcels.cells import Cells
from processors.runtime.point import Point, Segment

NINE = parse("2026-11-02T09:00:00+08:00")
KNOWN = build(
    [
        ("site", "s", 0, {"latitude": 36.65, "longitude": 117.0}),
        ("point", "bank-1", 0, {"type": "locker", "site": "s", "cells": {"A1": "small"}}),
        ("device", "d", 0, {"kind": "locker", "site": "s", "point": "bank-1"}),
    ]
)
DEPOSIT = [(10, "opened deposit"), (40, "closed present")]
PICKUP = [(0, "opened pickup"), (20, "closed empty")]


def fold(events: list[tuple[int, str]], end: int | None = None) -> list[Segment]:
    """All segments over events (seconds after nine, value)."""
    cells, segments = Cells(), []
    state = cells.initial("d", "A1")
    for seq, (time, value) in enumerate(events):
        segments += cells.step(state, Point("d", "A1", NINE + time * SECOND, 1, seq, value, 0), KNOWN)
    return segments + (cells.open(state, KNOWN) if end is None else cells.end(state, NINE + end * SECOND, KNOWN))


def later(events: list[tuple[int, str]], by: int) -> list[tuple[int, str]]:
    return [(time + by // SECOND, value) for time, value in events]


def of(segments: list[Segment], kind: str) -> list[tuple[float, float | None]]:
    """(start, end) of a kind's segments, seconds after nine."""
    found = sorted((s for s in segments if s.kind == kind), key=lambda s: s.start)
    return [((s.start - NINE) / SECOND, None if s.end is None else (s.end - NINE) / SECOND) for s in found]


def states(segments: list[Segment]) -> list[tuple[str, float, float | None]]:
    found = sorted((s for s in segments if s.kind == "state"), key=lambda s: s.start)
    return [
        (s.data["state"], (s.start - NINE) / SECOND, None if s.end is None else (s.end - NINE) / SECOND) for s in found
    ]


def data(segments: list[Segment], kind: str) -> dict[str, Any]:
    (found,) = (s for s in segments if s.kind == kind)
    return found.data


def test_a_parcel_runs_from_the_closing_after_the_deposit_to_the_closing_after_the_pick_up() -> None:
    segments = fold([(0, "reserved P1"), *DEPOSIT, *later(PICKUP, HOUR)])
    assert of(segments, "parcel") == [(40, 3620)]
    where = {"bank": "bank-1", "cell": "A1", "size": "small"}
    assert data(segments, "parcel") == {
        **where,
        "parcel": "P1",
        "outcome": "collected",
        "dwell_s": 3580.0,
        "uncertain": False,
    }
    assert of(segments, "reservation") == [(0, 40)]
    assert data(segments, "reservation") == {**where, "parcel": "P1", "outcome": "used"}
    assert states(segments) == [("reserved", 0, 40), ("occupied", 40, 3620), ("free", 3620, None)]
    assert of(segments, "door") == [(10, 40), (3600, 3620)]


def test_a_courier_takes_a_parcel_back() -> None:
    segments = fold([*DEPOSIT, (100, "opened retrieval"), (130, "closed empty")])
    assert data(segments, "parcel")["outcome"] == "returned"


def test_a_parcel_goes_on_through_an_opening_without_pick_up_and_through_a_fault() -> None:
    looked = [(100, "opened pickup"), (130, "closed present"), (200, "fault"), (300, "repaired")]
    segments = fold([*DEPOSIT, *looked, *later(PICKUP, HOUR)])
    assert of(segments, "parcel") == [(40, 3620)]
    assert states(segments)[1:] == [
        ("occupied", 40, 200),
        ("fault", 200, 300),
        ("occupied", 300, 3620),
        ("free", 3620, None),
    ]
    assert [s.data["present"] for s in segments if s.kind == "door" and s.data["purpose"] == "pickup"] == [True, False]


def test_a_reservation_without_a_deposit_expires_and_leaves_no_parcel() -> None:
    standing = fold([(0, "reserved P1")])
    assert of(standing, "reservation") == [(0, 7200)]
    assert states(standing) == [("reserved", 0, 7200), ("free", 7200, None)]
    after = fold([(0, "reserved P1"), (9000, "reserved P2")])
    assert [s.data["outcome"] for s in after if s.kind == "reservation"] == ["expired", "expired"]
    assert states(after) == [
        ("reserved", 0, 7200),
        ("free", 7200, 9000),
        ("reserved", 9000, 16200),
        ("free", 16200, None),
    ]
    assert of(after, "parcel") == []


def test_a_cancelled_reservation_frees_the_cell() -> None:
    segments = fold([(0, "reserved P1"), (60, "cancelled")])
    assert data(segments, "reservation")["outcome"] == "cancelled"
    assert states(segments) == [("reserved", 0, 60), ("free", 60, None)]


def test_a_deposit_that_began_in_time_holds_the_reservation() -> None:
    standing = fold([(0, "reserved P1"), (7190, "opened deposit")])
    assert of(standing, "reservation") == [(0, None)]
    done = fold([(0, "reserved P1"), (7190, "opened deposit"), (7230, "closed present")])
    assert data(done, "parcel")["parcel"] == "P1"
    given_up = fold([(0, "reserved P1"), (7190, "opened deposit"), (7230, "closed empty")])
    assert data(given_up, "reservation")["outcome"] == "expired"
    assert of(given_up, "reservation") == [(0, 7230)]


def test_overdue_marks_come_at_24_48_and_72_hours() -> None:
    standing = fold(DEPOSIT)
    marks = [("overdue-24", DAY), ("overdue-48", 2 * DAY), ("overdue-72", 3 * DAY)]
    for kind, after in marks:
        (mark,) = (s for s in standing if s.kind == kind)
        assert (mark.start, mark.end, mark.tell_at) == (NINE + 40 * SECOND + after, None, mark.start)
    taken = fold([*DEPOSIT, *later(PICKUP, 30 * HOUR)])
    assert of(taken, "overdue-24") == [(40 + 24 * 3600, 30 * 3600 + 20)]
    assert of(taken, "overdue-48") == []


def test_a_door_left_open_is_a_condition_from_the_limit_on() -> None:
    assert of(fold([(0, "opened pickup")]), "door-left-open") == [(120, None)]
    assert of(fold([(0, "opened pickup"), (120, "closed empty")]), "door-left-open") == []
    assert of(fold([(0, "opened pickup"), (300, "closed empty")]), "door-left-open") == [(120, 300)]


def test_what_was_not_seen_is_uncertain() -> None:
    found = fold([(0, "opened pickup"), (20, "closed present")])
    assert of(found, "parcel") == [(20, None)]
    assert data(found, "parcel")["uncertain"]
    gone = fold([*DEPOSIT, (100, "closed empty")])
    assert (data(gone, "parcel")["outcome"], data(gone, "parcel")["uncertain"]) == ("unseen", True)
    missed = fold([*DEPOSIT, *later(DEPOSIT, HOUR)])
    assert of(missed, "parcel") == [(40, 3610), (3640, None)]


def test_a_second_opening_shuts_the_first() -> None:
    segments = fold([(0, "opened deposit"), (60, "opened pickup"), (80, "closed empty")])
    assert of(segments, "door") == [(0, 60), (60, 80)]
    assert of(segments, "parcel") == []


def test_a_bank_taken_out_ends_all() -> None:
    segments = fold([*DEPOSIT, (60, "opened pickup")], end=MINUTE * 2 // SECOND)
    assert all(
        s.end == NINE + 2 * MINUTE for s in segments if s.kind in ("parcel", "state") and s.start > NINE + 10 * SECOND
    )
    assert data(segments, "parcel")["outcome"] == "unseen"
    expired = fold([(0, "reserved P1")], end=9000)
    assert states(expired) == [("reserved", 0, 7200), ("free", 7200, 9000)]
