"""Times, buckets, cursors and named parameters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from api.buckets import Bucket, buckets
from api.database import query
from api.pages import Paging
from api.problems import Problem
from api.times import EARLIEST, LATEST, Range, instant, step_seconds

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2198, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_query_parameters_are_numbered_once_each_and_casts_stay():
    found = query("SELECT :a::text, b::jsonb, to_char(t, 'HH24:MI') -- :none\nWHERE x = :b_c AND y > :a")
    text = " ".join(found.text.split())
    assert text == "SELECT $1::text, b::jsonb, to_char(t, 'HH24:MI') WHERE x = $2 AND y > $1"
    assert found.arguments({"a": 1, "b_c": 2}) == [1, 2]
    with pytest.raises(TypeError):
        found.arguments({"a": 1})
    with pytest.raises(TypeError):
        found.arguments({"a": 1, "b_c": 2, "d": 3})


@given(TIMES)
def test_what_is_written_is_read(time):
    assert instant(time.isoformat()) == time
    assert instant(time.astimezone(SHANGHAI).isoformat().replace("+", " ")) == time


@pytest.mark.parametrize(("text", "time"), [
    ("2026-10-01T23:59:60Z", datetime(2026, 10, 1, 23, 59, 59, tzinfo=UTC)),
    ("2026-10-01 00:00Z", datetime(2026, 10, 1, tzinfo=UTC)),
    ("2026-10-01T00:00:00-00:30", datetime(2026, 10, 1, 0, 30, tzinfo=UTC)),
    ("2026-10-01T00:00:00.123456789Z", datetime(2026, 10, 1, 0, 0, 0, 123456, tzinfo=UTC)),
])  # fmt: skip
def test_other_ways_to_write_a_time(text, time):
    assert instant(text) == time


@given(st.text() | st.integers() | st.none())
def test_what_is_no_time_is_refused_with_a_reason(value):
    with pytest.raises((PydanticCustomError, Problem)):
        instant(value)


@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN, ZoneInfo("Asia/Kathmandu")], ids=str)
@given(since=TIMES, days=st.floats(0.001, 400), by=st.sampled_from(["quarter", "day", "month"]))
def test_buckets_tile_and_begin_in_the_range(zone, since, days, by):
    until = since + timedelta(days=min(days, 3) if by == "quarter" else days)
    found = list(buckets(since, until, by, zone))
    for one, other in pairwise(found):
        assert one.end == other.start
    for bucket in found:
        assert since <= bucket.start < until
        local = bucket.start.astimezone(zone)
        if by == "quarter":
            assert local.minute % 15 == 0
        else:  # the day's first instant: 00:15 on the day on which Kathmandu put its clocks forward at midnight
            before = (bucket.start - timedelta(microseconds=1)).astimezone(zone)
            assert before.date() < local.date() == bucket.day
        assert by != "month" or local.day == 1
    if not found:
        assert until - since < timedelta(days=32)


def test_days_of_a_change_of_clocks():
    """23 hours in spring, 25 in autumn."""
    spring = list(buckets(datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), "day", BERLIN))
    assert [bucket.end - bucket.start for bucket in spring] == [timedelta(hours=23)]
    assert spring[0] == Bucket(spring[0].start, spring[0].end, datetime(2026, 3, 29, tzinfo=UTC).date())


@given(
    TIMES,
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.integers(-(2**62), 2**62),
)
def test_a_cursor_gives_its_key_back(time, text, number):
    cursor = Paging.encode((time, text, number))
    assert Paging(10, cursor).after((EARLIEST, "", 0)) == (time, text, number)


@given(st.binary(max_size=60))
def test_any_other_cursor_is_a_problem(junk):
    import base64

    cursor = base64.urlsafe_b64encode(junk).decode().rstrip("=")
    try:
        time, text = Paging(10, cursor or None).after((EARLIEST, ""))
    except Problem:
        return
    assert isinstance(time, datetime)
    assert isinstance(text, str)


def test_a_page_is_cut_where_there_is_more():
    rows: list[dict[str, Any]] = [{"id": n} for n in range(3)]
    assert Paging(3).cut(rows, lambda row: (row["id"],)) == (rows, None)
    shown, following = Paging(2).cut(rows, lambda row: (row["id"],))
    assert shown == rows[:2]
    assert Paging(2, following).after((0,)) == (1,)


def test_steps_are_bounded():
    day = Range(EARLIEST, EARLIEST + timedelta(days=1))
    assert step_seconds(day, "1m") == 60
    with pytest.raises(Problem, match=r"6\.944 days"):
        step_seconds(Range(EARLIEST, EARLIEST + timedelta(days=8)), "1m")
    assert LATEST > EARLIEST
