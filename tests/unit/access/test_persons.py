"""People: places, the nightly reset, anti-passback (DOMAIN, People)."""

from __future__ import annotations

from compound.events import Event
from compound.timeutil import SECOND, parse, text
from processors.runtime.point import Segment
from tests.support.access import event, facts, registry, token

Way = tuple[str, str, str, str]
"""Local time, door, direction, person."""
_numbers = iter(range(1, 1_000_000, 10))


def through(*ways: Way) -> list[Event]:
    """Grant, opening and closing of each way."""
    found = []
    for at, door, direction, person in ways:
        time, seq = parse(f"{at}+08:00"), next(_numbers)
        found += [
            event(door, time, "grant", seq, person, direction),
            event(door, time, "opened", seq + 1),
            event(door, time + SECOND, "passage", seq + 2),
            event(door, time + 5 * SECOND, "closed", seq + 3),
        ]
    return found


def person(name: str, *ways: Way) -> list[Segment]:
    return facts(through(*ways), registry())[token(name)]


def places(segments: list[Segment]) -> list[tuple[str, str, str, str | None]]:
    """(zone, state, start, end) with times in the site's zone to the minute."""
    return [
        (s.data["zone"], s.data["state"], local(s.start), None if s.end is None else local(s.end))
        for s in sorted(segments, key=lambda s: s.start)
        if s.kind == "place"
    ]


def local(time: int) -> str:
    return text(time + 8 * 3600 * SECOND)[5:16].replace("T", " ")


def violations(segments: list[Segment]) -> list[str]:
    return [local(s.start) for s in segments if s.kind == "anti-passback"]


def test_a_place_lasts_from_passage_to_passage() -> None:
    segments = person(
        "A",
        ("2026-11-02T08:00", "south", "in", "A"),
        ("2026-11-02T08:05", "office", "in", "A"),
        ("2026-11-02T17:00", "office", "out", "A"),
        ("2026-11-02T17:05", "south", "out", "A"),
    )
    assert places(segments) == [
        ("yard", "inside", "11-02 08:00", "11-02 08:05"),
        ("rooms", "inside", "11-02 08:05", "11-02 17:00"),
        ("yard", "inside", "11-02 17:00", "11-02 17:05"),
    ]
    assert violations(segments) == []


def test_example_20_who_was_last_seen_over_twelve_hours_before_the_reset_is_uncertain() -> None:
    ways = through(("2026-11-02T08:00", "south", "in", "A"), ("2026-11-02T22:00", "south", "in", "B"))
    found = facts(ways, registry())
    half_past_three = parse("2026-11-03T03:30:00+08:00")

    def state(name: str) -> list[str]:
        return [
            s.data["state"]
            for s in found[token(name)]
            if s.start <= half_past_three and (s.end is None or s.end > half_past_three)
        ]

    assert state("A") == ["uncertain"]
    assert state("B") == ["inside"]


def test_uncertain_turns_stale_after_fourteen_days() -> None:
    assert places(person("A", ("2026-11-02T08:00", "south", "in", "A"))) == [
        ("yard", "inside", "11-02 08:00", "11-03 03:00"),
        ("yard", "uncertain", "11-03 03:00", "11-17 03:00"),
        ("yard", "stale", "11-17 03:00", None),
    ]


def test_at_a_months_reset_everybody_is_uncertain_and_stale_a_day_later() -> None:
    assert places(person("A", ("2026-11-30T22:00", "south", "in", "A"))) == [
        ("yard", "inside", "11-30 22:00", "12-01 03:00"),
        ("yard", "uncertain", "12-01 03:00", "12-02 03:00"),
        ("yard", "stale", "12-02 03:00", None),
    ]


def test_who_is_uncertain_over_a_months_reset_is_stale_a_day_after_it() -> None:
    assert places(person("A", ("2026-11-25T08:00", "south", "in", "A")))[1:] == [
        ("yard", "uncertain", "11-26 03:00", "12-02 03:00"),
        ("yard", "stale", "12-02 03:00", None),
    ]


def test_exactly_twelve_hours_are_not_over_twelve_hours() -> None:
    found = places(person("A", ("2026-11-02T15:00", "office", "in", "A")))
    assert found[0] == ("rooms", "inside", "11-02 15:00", "11-04 03:00")


def test_entering_twice_is_a_violation_and_a_late_exit_withdraws_it() -> None:
    first, exit_, second = (
        ("2026-11-02T08:00", "south", "in", "A"),
        ("2026-11-02T12:00", "north", "out", "A"),
        ("2026-11-02T13:00", "south", "in", "A"),
    )
    assert violations(person("A", first, second)) == ["11-02 13:00"]
    assert violations(person("A", first, second, exit_)) == []


def test_entering_the_compound_from_outside_while_in_a_room_is_a_violation() -> None:
    ways = ("2026-11-02T08:00", "office", "in", "A"), ("2026-11-02T09:00", "south", "in", "A")
    assert violations(person("A", *ways)) == ["11-02 09:00"]


def test_leaving_twice_is_none() -> None:
    ways = ("2026-11-02T08:00", "south", "out", "A"), ("2026-11-02T09:00", "south", "out", "A")
    assert violations(person("A", *ways)) == []


def test_an_uncertain_persons_next_entry_is_no_violation() -> None:
    ways = ("2026-11-02T08:00", "south", "in", "A"), ("2026-11-03T08:00", "south", "in", "A")
    segments = person("A", *ways)
    assert violations(segments) == []
    assert places(segments)[1] == ("yard", "uncertain", "11-03 03:00", "11-03 08:00")


def test_a_grant_without_a_passage_moves_nobody() -> None:
    time = parse("2026-11-02T08:00:00+08:00")
    events = [
        event("north", time, "grant", 1, "A", "in"),
        event("north", time, "opened", 2),
        event("north", time + SECOND, "closed", 3),
    ]
    assert set(facts(events, registry())) == {"gate-north"}
