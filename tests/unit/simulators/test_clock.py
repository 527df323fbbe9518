"""Instants, days and the text devices write."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from simulators import clock

ZONES = st.sampled_from(["Asia/Shanghai", "UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
INSTANTS = st.integers(0, 4_000_000_000_000_000)


@given(INSTANTS, ZONES)
def test_text_says_the_instant(instant: int, zone: str) -> None:
    assert clock.micros(datetime.fromisoformat(clock.text(instant, zone))) == instant


@given(INSTANTS)
def test_moments_and_micros_are_inverse(instant: int) -> None:
    assert clock.micros(clock.moment(instant)) == instant


def test_days_are_those_of_the_zone() -> None:
    start = clock.midnight(date(2026, 11, 1), "Asia/Shanghai")
    assert clock.moment(start) == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert clock.local_day(start - 1, "Asia/Shanghai") == date(2026, 10, 31)
    assert clock.at(date(2026, 11, 1), "10:35", "Asia/Shanghai") == start + 635 * clock.MINUTE


def test_text_has_a_fraction_only_where_there_is_one() -> None:
    start = clock.midnight(date(2026, 11, 1), "Asia/Shanghai")
    assert clock.text(start, "Asia/Shanghai") == "2026-11-01T00:00:00+08:00"
    assert clock.text(start + 1_500_000, "Asia/Shanghai") == "2026-11-01T00:00:01.5+08:00"
