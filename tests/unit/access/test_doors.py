"""Doors: what an opening owns, forced, held, tailgating, releases, passages (DOMAIN, Doors)."""

from __future__ import annotations

from typing import Any

import pytest

from compound.timeutil import SECOND, parse
from processors.runtime.point import Segment
from tests.support.access import event, facts, registry, token

TEN = parse("2026-11-02T10:00:00+08:00")
KNOWN = registry()


def door(name: str, *signs: tuple[Any, ...]) -> list[Segment]:
    """Segments of a door over signs (seconds after ten, what, card, direction)."""
    events = [
        event(name, TEN + round(at * SECOND), what, seq, *rest) for seq, (at, what, *rest) in enumerate(signs, start=1)
    ]
    return facts(events, KNOWN)[f"gate-{name}"]


def spans(segments: list[Segment], kind: str) -> list[tuple[float, float | None]]:
    """(start, end) of a kind in seconds after ten."""
    return [
        ((s.start - TEN) / SECOND, None if s.end is None else (s.end - TEN) / SECOND)
        for s in sorted(segments, key=lambda s: s.start)
        if s.kind == kind
    ]


def opening(segments: list[Segment]) -> dict[str, Any]:
    (found,) = (s for s in segments if s.kind == "opening")
    return found.data


def kinds(segments: list[Segment]) -> set[str]:
    return {s.kind for s in segments}


def test_example_20_the_opening_owns_late_grants() -> None:
    segments = door("south", (0, "opened"), (1.5, "grant", "A"), (25, "grant", "B"), (50, "closed"))
    assert kinds(segments) == {"opening", "passage"}  # no forced, not held
    assert spans(segments, "passage") == [(1.5, 1.5), (25, 25)]


def test_an_opening_without_grant_is_forced_and_told_after_three_seconds() -> None:
    segments = door("south", (0, "opened"), (5, "closed"), (60, "grant", "A"))
    assert spans(segments, "forced") == [(0, 5)]
    (forced,) = (s for s in segments if s.kind == "forced")
    assert forced.tell_at == TEN + 3 * SECOND
    assert opening(segments)["forced"] is True


@pytest.mark.parametrize("at", [-10, -3, 0, 1.2, 2])
def test_a_grant_from_ten_seconds_before_to_two_seconds_after_excuses(at: float) -> None:
    segments = door("south", (at, "grant", "A"), (0, "opened"), (1, "closed"), (70, "shut"))
    assert "forced" not in kinds(segments)
    assert spans(segments, "passage") == [(max(at, 0), max(at, 0))]


@pytest.mark.parametrize("at", [-10.000001, 2.000001])
def test_a_grant_beyond_does_not(at: float) -> None:
    segments = door("south", (at, "grant", "A"), (0, "opened"), (1, "closed"), (70, "shut"))
    assert "forced" in kinds(segments)
    assert not spans(segments, "passage")


def test_a_grant_belongs_to_the_earliest_opening() -> None:
    # the second opening owns nothing: the grant at 1.5 s is the first one's
    segments = door("south", (0, "opened"), (0.5, "closed"), (1.5, "grant", "A"), (3, "opened"), (4, "closed"))
    assert spans(segments, "forced") == [(3, 4)]
    assert spans(segments, "passage") == [(1.5, 1.5)]


def test_an_exit_request_excuses_and_is_a_passage_without_a_name() -> None:
    segments = door("south", (0, "exit_request"), (1, "opened"), (4, "closed"))
    (passed,) = (s for s in segments if s.kind == "passage")
    assert (passed.data["token"], passed.data["direction"], passed.data["to"]) == (None, "out", "outside")
    assert "forced" not in kinds(segments)


def test_a_door_left_open_is_held_from_thirty_seconds_on() -> None:
    segments = door("south", (-1, "grant", "A"), (0, "opened"))
    assert spans(segments, "held") == [(30, None)]
    segments = door("south", (-1, "grant", "A"), (0, "opened"), (29, "closed"))
    assert spans(segments, "held") == []


def test_a_grant_ends_held_and_starts_its_clock_again() -> None:
    segments = door("south", (0, "grant", "A"), (0, "opened"), (40, "grant", "B"), (90, "closed"))
    assert spans(segments, "held") == [(30, 40), (70, 90)]


def test_tailgating_only_where_passages_are_counted() -> None:
    signs = [(0, "grant", "A"), (1, "opened"), (2, "passage"), (3, "passage"), (4, "closed")]
    counted, uncounted = door("north", *signs), door("south", *signs)
    assert spans(counted, "tailgating") == [(3, 63)]
    assert opening(counted)["excess"] == 1
    assert opening(uncounted)["excess"] is None
    assert opening(uncounted)["passages"] is None
    assert "tailgating" not in kinds(uncounted)


def test_with_a_counter_the_first_n_grants_are_entries() -> None:
    segments = door("north", (0, "grant", "A"), (1, "grant", "B"), (2, "opened"), (3, "passage"), (5, "closed"))
    passages = [s for s in segments if s.kind == "passage"]
    assert [(s.data["token"], s.start) for s in passages] == [(token("A"), TEN + 3 * SECOND)]
    assert opening(segments)["entries"] == 1


def test_without_an_opening_a_grant_is_no_entry() -> None:
    assert door("south", (0, "grant", "A"), (60, "shut")) == []


def test_a_passage_is_paired_by_direction() -> None:
    segments = door(
        "north",
        (0, "exit_request", "", "out"),
        (0.5, "grant", "A", "in"),
        (1, "opened"),
        (2, "passage", "", "out"),
        (3, "passage", "", "in"),
        (4, "closed"),
    )
    passages = sorted((s for s in segments if s.kind == "passage"), key=lambda s: s.start)
    assert [(s.data["token"], s.data["direction"]) for s in passages] == [(None, "out"), (token("A"), "in")]
    assert opening(segments)["excess"] == 0


def test_a_released_door_has_none_of_the_three() -> None:
    segments = door(
        "north",
        (0, "released"),
        (10, "opened"),
        (11, "passage"),
        (12, "passage"),
        (100, "closed"),
        (200, "secured"),
        (300, "opened"),
        (301, "closed"),
    )
    assert spans(segments, "released") == [(0, 200)]
    assert spans(segments, "forced") == [(300, 301)]
    assert kinds(segments) == {"opening", "passage", "released", "forced"}


def test_held_pauses_while_released() -> None:
    segments = door("south", (0, "grant", "A"), (0, "opened"), (50, "released"), (80, "secured"), (120, "closed"))
    assert spans(segments, "held") == [(30, 50), (110, 120)]


def test_forced_ends_with_the_release() -> None:
    segments = door("south", (0, "opened"), (10, "released"), (20, "closed"))
    assert spans(segments, "forced") == [(0, 10)]


def test_a_duress_code_opens_like_a_grant_and_raises_silently() -> None:
    alone = door("south", (0, "duress", "A"), (1, "opened"), (2, "closed"))
    both = door("south", (0, "duress", "A"), (0, "grant", "A"), (1, "opened"), (2, "closed"))
    for segments in (alone, both):
        assert kinds(segments) == {"duress", "opening", "passage"}
        assert opening(segments)["grants"] == 1
        (duress,) = (s for s in segments if s.kind == "duress")
        assert duress.data["silent"] is True


def test_tamper_is_a_condition_of_a_moment() -> None:
    assert spans(door("south", (0, "tamper")), "tamper") == [(0, 60)]


def test_a_lost_closing_is_seen_by_the_heartbeat() -> None:
    segments = door("south", (0, "grant", "A"), (0, "opened"), (20, "shut"))
    assert spans(segments, "opening") == [(0, 20)]
    assert opening(segments)["complete"] is False


def test_a_lost_opening_accuses_nobody_of_forcing() -> None:
    segments = door("south", (0, "open"), (10, "closed"))
    assert kinds(segments) == {"opening"}
    assert opening(segments)["complete"] is False


def test_another_opening_ends_one_whose_closing_was_lost() -> None:
    segments = door("south", (0, "grant", "A"), (0, "opened"), (95, "grant", "B"), (100, "opened"), (101, "closed"))
    assert spans(segments, "opening") == [(0, 100), (100, 101)]


def test_a_passage_through_a_closed_door_has_no_name() -> None:
    (passed,) = door("north", (0, "passage", "", "in"))
    assert (passed.kind, passed.data["token"], passed.data["opening"]) == ("passage", None, None)
