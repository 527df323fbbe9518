"""The fold of a parking spot: three states, stays, overstays (DOMAIN, Parking)."""

from __future__ import annotations

from compound.registry.timeline import Registry, build
from compound.timeutil import DAY, HOUR, MINUTE, SECOND, parse, text
from processors.parking.spots import Spots
from processors.runtime.point import Point, Segment

NINE = parse("2026-11-02T09:00:00+08:00")
SITE = {"latitude": 36.65, "longitude": 117.0}
PLACE = {"type": "parking", "site": "s", "carpark": "north", "spot_class": "visitor"}
DEVICE = {"kind": "parking", "site": "s", "point": "n-01", "heartbeat_limit_s": 600}
WHERE = {"spot": "n-01", "carpark": "north"}


def registry(limit_s: int | None = 3600) -> Registry:
    visitor = {} if limit_s is None else {"limit_s": limit_s}
    return build(
        [
            ("site", "s", 0, SITE),
            ("spot_class", "visitor", 0, visitor),
            ("point", "n-01", 0, PLACE),
            ("device", "d", 0, DEVICE),
        ]
    )


def fold(signs: list[tuple[int, str]], known: Registry | None = None, end: int | None = None) -> list[Segment]:
    """All segments over signs (µs after nine, state), a heartbeat each five minutes between neighbours not added."""
    known = known or registry()
    spots, segments = Spots(), []
    state = spots.initial("d", "spot")
    for seq, (time, value) in enumerate(signs):
        segments += spots.step(state, Point("d", "spot", NINE + time, 1, seq, value, 0), known)
    return segments + (spots.open(state, known) if end is None else spots.end(state, NINE + end, known))


def beats(first: int, last: int, state: str, every: int = 5 * MINUTE) -> list[tuple[int, str]]:
    return [(time, state) for time in range(first, last + 1, every)]


def short(segments: list[Segment], kind: str) -> list[tuple[float, float | None]]:
    """(start, end) of a kind's segments in minutes after nine."""
    minutes = [(s.start - NINE, None if s.end is None else s.end - NINE) for s in segments if s.kind == kind]
    return [
        (start / MINUTE, None if end is None else end / MINUTE)
        for start, end in sorted(minutes, key=lambda pair: pair[0])
    ]


def states(segments: list[Segment]) -> list[tuple[str, float, float | None]]:
    ordered = sorted((s for s in segments if s.kind == "state"), key=lambda s: s.start)
    return [
        (s.data["state"], (s.start - NINE) / MINUTE, None if s.end is None else (s.end - NINE) / MINUTE)
        for s in ordered
    ]


def only(segments: list[Segment], kind: str) -> Segment:
    (found,) = (s for s in segments if s.kind == kind)
    return found


def test_example_19_one_uncertain_stay_with_its_overstay() -> None:
    """Occupied 09:00, last sign 10:00 (limit 10 min), occupied 10:40, free 11:00; class limit 60 min."""
    segments = fold([*beats(0, HOUR, "occupied"), *beats(100 * MINUTE, 115 * MINUTE, "occupied"), (2 * HOUR, "free")])
    stay = only(segments, "stay")
    assert (stay.start, stay.end) == (NINE, NINE + 2 * HOUR)
    assert stay.data == {**WHERE, "dwell_s": 7200.0, "uncertain": True}
    overstay = only(segments, "overstay")
    assert (overstay.start, overstay.end, overstay.tell_at) == (NINE + HOUR, NINE + 2 * HOUR, NINE + HOUR)
    assert states(segments) == [
        ("occupied", 0, 70),
        ("unknown", 70, 100),
        ("occupied", 100, 120),
        ("free", 120, None),
    ]


def test_an_open_state_says_how_long_it_is_known() -> None:
    segments = fold([(0, "occupied"), (5 * MINUTE, "occupied")])
    state = only(segments, "state")
    assert state.end is None
    assert state.data == {**WHERE, "state": "occupied", "known_until": text(NINE + 15 * MINUTE)}
    assert only(segments, "stay").data == {**WHERE, "dwell_s": None, "uncertain": False}


def test_a_stay_ends_where_the_unknown_began_when_the_spot_is_then_free() -> None:
    segments = fold([(0, "occupied"), (30 * MINUTE, "free")])
    assert short(segments, "stay") == [(0, 10)]
    assert only(segments, "stay").data["uncertain"]


def test_a_stay_goes_on_through_two_hours_of_unknown_and_not_longer() -> None:
    just = fold([(0, "occupied"), (130 * MINUTE, "occupied"), (131 * MINUTE, "free")])
    assert short(just, "stay") == [(0, 131)]
    longer = fold([(0, "occupied"), (130 * MINUTE + 1, "occupied"), (131 * MINUTE, "free")])
    assert [end for _, end in short(longer, "stay")] == [10, 131]
    assert all(s.data["uncertain"] for s in longer if s.kind == "stay")


def test_a_stay_that_begins_out_of_the_unknown_is_uncertain() -> None:
    segments = fold([(0, "free"), (30 * MINUTE, "occupied"), (35 * MINUTE, "free")])
    assert short(segments, "stay") == [(30, 35)]
    assert only(segments, "stay").data["uncertain"]


def test_a_state_held_under_30_seconds_is_ignored() -> None:
    blip = [
        (0, "occupied"),
        (5 * MINUTE, "free"),
        (5 * MINUTE + 29 * SECOND, "occupied"),
        (6 * MINUTE, "occupied"),
        (7 * MINUTE, "free"),
    ]
    assert short(fold(blip), "stay") == [(0, 7)]
    held = [(0, "occupied"), (5 * MINUTE, "free"), (5 * MINUTE + 30 * SECOND, "occupied"), (7 * MINUTE, "free")]
    assert short(fold(held), "stay") == [(0, 5), (5.5, 7)]


def test_the_first_state_is_not_known_before_it_is_held() -> None:
    segments = fold([(0, "occupied"), (20 * SECOND, "free"), (MINUTE, "free")])
    assert states(segments) == [("free", 20 / 60, None)]
    assert short(segments, "stay") == []


def test_an_ignored_state_is_still_a_sign_of_life() -> None:
    segments = fold(
        [(0, "occupied"), (9 * MINUTE, "free"), (9 * MINUTE + 20 * SECOND, "occupied"), (19 * MINUTE, "occupied")]
    )
    assert states(segments) == [("occupied", 0, None)]


def test_the_newest_state_counts_as_it_stands() -> None:
    segments = fold([(0, "occupied"), (5 * MINUTE, "free"), (5 * MINUTE + 10 * SECOND, "free")])
    assert states(segments) == [("occupied", 0, 5), ("free", 5, None)]
    assert short(segments, "stay") == [(0, 5)]


def test_an_overstay_is_there_once_the_spot_is_known_occupied_at_its_start() -> None:
    assert short(fold(beats(0, 45 * MINUTE, "occupied")), "overstay") == []
    assert short(fold(beats(0, 55 * MINUTE, "occupied")), "overstay") == [(60, None)]
    assert short(fold(beats(0, 55 * MINUTE, "occupied")), "stay") == [(0, None)]


def test_an_overstay_that_began_in_the_unknown_is_told_when_the_spot_is_seen_occupied() -> None:
    segments = fold([*beats(0, 45 * MINUTE, "occupied"), (80 * MINUTE, "occupied")])
    overstay = only(segments, "overstay")
    assert (overstay.start, overstay.tell_at) == (NINE + HOUR, NINE + 80 * MINUTE)


def test_a_class_without_limit_has_no_overstay_and_one_that_changes_keeps_the_limit_of_the_start() -> None:
    assert short(fold([(0, "occupied"), *beats(0, 5 * HOUR, "occupied")], registry(None)), "overstay") == []
    changed = build(
        [
            ("spot_class", "visitor", 0, {"limit_s": 3600}),
            ("spot_class", "visitor", NINE + MINUTE, {"limit_s": 60}),
            ("point", "n-01", 0, PLACE),
            ("device", "d", 0, DEVICE),
        ]
    )
    assert short(fold(beats(0, 2 * HOUR, "occupied"), changed), "overstay") == [(60, None)]


def test_a_removed_sensor_ends_all_where_it_was_last_known() -> None:
    segments = fold([(0, "occupied")], end=DAY)
    assert states(segments) == [("occupied", 0, 10), ("unknown", 10, 24 * 60)]
    assert only(segments, "stay").data == {**WHERE, "dwell_s": 600.0, "uncertain": True}
    assert short(fold([(0, "occupied")], end=3 * MINUTE), "state") == [(0, 3)]


def test_signs_of_one_moment_that_differ_count_by_the_last() -> None:
    segments = fold([(0, "occupied"), (5 * MINUTE, "free"), (5 * MINUTE, "occupied"), (6 * MINUTE, "occupied")])
    assert states(segments) == [("occupied", 0, None)]
