"""Irradiance by quarter hour from a weather station's readings (IEC 61724-1: irradiance summed over time)."""

from __future__ import annotations

from typing import Any

import pytest

from compound.registry.timeline import build
from compound.timeutil import MINUTE, parse
from processors.runtime.point import Point, Segment
from processors.solar.weather import Weather

NINE = parse("2026-11-02T09:00:00+08:00")
KNOWN = build(
    [
        ("point", "mast", 0, {"type": "weather", "site": "s", "plant": "roof"}),
        ("device", "w", 0, {"kind": "weather", "site": "s", "point": "mast", "interval_s": 300}),
    ]
)


def fold(readings: list[tuple[float, int]]) -> list[Any]:
    """(start in minutes after nine, W/m2, seconds known) of the quarter hours over readings (minutes, W/m2)."""
    weather, segments = Weather(), []
    state = weather.initial("w", "poa")
    for seq, (time, value) in enumerate(readings):
        segments += weather.step(state, Point("w", "poa", NINE + int(time * MINUTE), 1, seq, str(value), 0), KNOWN)
    segments += weather.open(state, KNOWN)
    assert all(is_quarter(segment) for segment in segments)
    return [((s.start - NINE) / MINUTE, s.data["w_m2"], s.data["known_s"]) for s in segments]


def is_quarter(segment: Segment) -> bool:
    place = segment.data["station"], segment.data["plant"]
    return segment.kind == "poa" and segment.end == segment.start + 15 * MINUTE and place == ("mast", "roof")


def test_a_steady_sun_fills_its_quarter_hours() -> None:
    assert fold([(minute, 800) for minute in range(0, 31, 5)]) == [(0, 800, 900), (15, 800, 900)]


def test_a_quarter_hour_is_the_time_weighted_mean() -> None:
    assert fold([(0, 0), (5, 300), (10, 300), (15, 300)]) == [(0, pytest.approx(250), 900)]


def test_an_interval_is_cut_at_the_quarter_hour() -> None:
    assert fold([(12.5, 100), (17.5, 200)]) == [(0, 125, 150), (15, 175, 150)]


def test_readings_too_far_apart_leave_the_time_between_unknown() -> None:
    assert fold([(0, 800), (5, 800), (13, 800), (15, 800), (20, 800)]) == [(0, 800, 420), (15, 800, 300)]
    assert fold([(0, 800), (7.5, 800)]) == [(0, 800, 450)]
    assert fold([(0, 800), (5, 800), (300, 100), (305, 100)]) == [(0, 800, 300), (300, 100, 300)]


def test_of_two_readings_of_one_moment_the_last_counts() -> None:
    assert fold([(0, 800), (5, 100), (5, 800), (10, 800)]) == [(0, pytest.approx((450 + 800) / 2), 600)]
