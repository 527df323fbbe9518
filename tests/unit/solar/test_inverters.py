"""The fold of an inverter: SunSpec states, fault bits, the fault condition (DOMAIN, Solar)."""

from __future__ import annotations

import pytest

from compound.registry.timeline import build
from compound.timeutil import MINUTE, parse, text
from processors.runtime.point import Point, Segment
from processors.solar.inverters import Inverters, fault_names, state_name

NINE = parse("2026-11-02T09:00:00+08:00")
WHERE = {"inverter": "roof-1", "plant": "roof"}
KNOWN = build(
    [
        ("site", "s", 0, {"latitude": 36.65, "longitude": 117.0}),
        ("point", "roof-1", 0, {"type": "inverter", "site": "s", "plant": "roof", "p0_w": 20_000}),
        ("device", "d", 0, {"kind": "inverter", "site": "s", "point": "roof-1", "rated_w": 20_000, "interval_s": 300}),
    ]
)


def fold(readings: list[tuple[int, str]], end: int | None = None) -> list[Segment]:
    """All segments over readings (minutes after nine, `state evt1`)."""
    inverters, segments = Inverters(), []
    state = inverters.initial("d", "state")
    for seq, (time, value) in enumerate(readings):
        segments += inverters.step(state, Point("d", "state", NINE + time * MINUTE, 1, seq, value, 0), KNOWN)
    return segments + (
        inverters.open(state, KNOWN) if end is None else inverters.end(state, NINE + end * MINUTE, KNOWN)
    )


def of(segments: list[Segment], kind: str) -> list[tuple[float, float | None, list[str]]]:
    """(start, end, faults), minutes after nine."""
    found = sorted((s for s in segments if s.kind == kind), key=lambda s: s.start)
    return [
        ((s.start - NINE) / MINUTE, None if s.end is None else (s.end - NINE) / MINUTE, s.data["faults"]) for s in found
    ]


@pytest.mark.parametrize(
    ("state", "name"), [(1, "OFF"), (4, "MPPT"), (7, "FAULT"), (8, "STANDBY"), (9, "state-9"), (0, "state-0")]
)
def test_states_have_their_sunspec_names(state: int, name: str) -> None:
    assert state_name(state) == name


def test_event_bits_are_named() -> None:
    assert fault_names(0) == []
    assert fault_names(1 << 0 | 1 << 7 | 1 << 15) == ["ground-fault", "over-temp", "hw-test-failure"]
    assert fault_names(1 << 20) == ["bit-20"]


def test_states_follow_the_readings() -> None:
    segments = fold([(0, "3 0"), (5, "4 0"), (10, "4 0"), (15, "5 0")])
    states = [(s.data["state"], (s.start - NINE) // MINUTE, s.end and (s.end - NINE) // MINUTE) for s in segments]
    assert states == [("STARTING", 0, 5), ("MPPT", 5, 15), ("THROTTLED", 15, None)]
    assert segments[-1].data == {**WHERE, "state": "THROTTLED", "faults": [], "known_until": text(NINE + 30 * MINUTE)}


def test_a_silent_inverter_is_unknown_after_three_intervals() -> None:
    segments = fold([(0, "4 0"), (60, "4 0")])
    assert [(s.data["state"], (s.start - NINE) // MINUTE) for s in segments] == [
        ("MPPT", 0),
        ("unknown", 15),
        ("MPPT", 60),
    ]


def test_a_fault_is_one_condition_with_all_its_bits() -> None:
    segments = fold([(0, "4 0"), (5, "7 128"), (10, "7 132"), (15, "4 0")])
    assert of(segments, "inverter-fault") == [(5, 15, ["ac-disconnect", "over-temp"])]
    (fault,) = (s for s in segments if s.kind == "inverter-fault")
    assert fault.tell_at == fault.start
    assert of(fold([(0, "7 0"), (60, "7 0")]), "inverter-fault") == [(0, None, [])]
    assert of(fold([(0, "4 2"), (5, "4 0"), (10, "4 2")]), "inverter-fault") == [
        (0, 5, ["dc-over-volt"]),
        (10, None, ["dc-over-volt"]),
    ]


def test_an_inverter_taken_out_ends_all() -> None:
    segments = fold([(0, "7 0")], end=60)
    assert of(segments, "inverter-fault") == [(0, 60, [])]
    assert of(segments, "state") == [(0, 15, []), (15, 60, [])]
