"""Quotas on PostgreSQL: figures and levels follow the totals and the registry, in any order; levels are told once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compound.timeutil import DAY, HOUR, MINUTE, QUARTER, moment, parse
from processors import quotas
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.house import House

START = parse("2026-11-01T00:00:00+08:00")  # a month of 30 days
LONG_AGO = parse("2025-12-01T00:00:00+08:00")
NOVEMBER = ["0"] * 10 + ["0.5", "0.5"]
QUOTA = {
    "department": "d",
    "year": 2026,
    "medium": "electricity",
    "budget": 2000,
    "weights": NOVEMBER,
    "free_day_weight": "1",
}
ITEMS: list[tuple[str, str, int, dict[str, Any] | None]] = [
    ("site", "s", LONG_AGO, {"latitude": 36.65, "longitude": 117.0}),
    ("department", "d", LONG_AGO, {"site": "s", "area_m2": 3000, "headcount": 120}),
    ("quota", "q", LONG_AGO, QUOTA),
]
USAGE = """
CREATE TABLE usage (start timestamptz PRIMARY KEY, quantity bigint NOT NULL, coverage float8 NOT NULL);
DROP FUNCTION energy.uses_by_days;
DROP FUNCTION energy.uses_by_quarters;
CREATE FUNCTION energy.uses_by_quarters(
    kind text, ids text[], of_medium text, of_what text, since timestamptz, until timestamptz, now timestamptz)
    RETURNS TABLE (start timestamptz, quantity bigint, coverage float8) LANGUAGE sql STABLE AS
    'SELECT u.start, u.quantity, u.coverage FROM public.usage u WHERE u.start >= since AND u.start < until';
CREATE FUNCTION energy.uses_by_days(
    kind text, ids text[], of_medium text, of_what text, zone text, since date, until date, by text, now timestamptz)
    RETURNS TABLE (period date, quantity bigint, coverage float8) LANGUAGE sql STABLE AS
    'SELECT (u.start AT TIME ZONE ''Asia/Shanghai'')::date, sum(u.quantity)::bigint, sum(u.coverage) / 96
     FROM public.usage u GROUP BY 1';
"""
"""What the energy domain provides, over a plain table of a department's quarter hours."""


def prepared(url: str) -> House:
    house = House(url, quotas.create)
    house.conn.execute("SET search_path = public")
    house.conn.execute(USAGE)
    house.conn.execute("SET search_path = quotas, public")
    house.conn.commit()
    house.register(*ITEMS)
    return house


@pytest.fixture
def house(database: str) -> Iterator[House]:
    found = prepared(database)
    yield found
    found.close()


@pytest.fixture(scope="module")
def shuffled(databases: Databases) -> Iterator[House]:
    url = databases.create()
    found = prepared(url)
    yield found
    found.close()
    databases.drop(url)


def use(house: House, quarters: dict[int, int]) -> None:
    """Quarter hours of November, by number: what was used, all of it known."""
    with house.conn.transaction():
        house.conn.cursor().executemany(
            "INSERT INTO public.usage VALUES (%s, %s, 1) ON CONFLICT (start) DO UPDATE SET quantity = excluded.quantity",
            [(moment(START + number * QUARTER), quantity) for number, quantity in quarters.items()],
        )


def evenly(house: House, total: int, days: int) -> None:
    """`total` used up to the end of day `days`, as even as whole numbers allow, but 10 in the last quarter hour."""
    count = days * 96
    edges = [(total - 10) * n // (count - 1) for n in range(count)]
    use(house, {n: edges[n + 1] - edges[n] for n in range(count - 1)} | {count - 1: 10})


def levels(house: House) -> list[tuple[Any, ...]]:
    found = house.conn.execute("SELECT period, level, at FROM quotas.level ORDER BY period, at").fetchall()
    house.conn.rollback()
    return found


def test_example_16_told_once_and_cleared_two_points_below(house: House) -> None:
    """Budget 1,000, 30 even days, end of day 23: 801 notice; corrected to 789 it stays, to 776 it clears, for good."""
    end = START + 23 * DAY
    evenly(house, 801, 23)
    house.tick(end + MINUTE)
    figure = house.conn.execute(
        "SELECT until, actual, used, pace, forecast, coverage, marked FROM quotas.figure"
        " WHERE period = 'month' AND start = %s",
        (moment(START),),
    ).fetchone()
    assert figure is not None
    assert figure[:3] == (moment(end), 801, pytest.approx(0.801))
    assert figure[4] == pytest.approx(1044.8, abs=0.05)
    assert figure[5:] == (1.0, False)
    assert levels(house) == [("month", "notice", moment(end))]
    assert house.told() == [("raised", "quota-notice", True)]

    evenly(house, 789, 23)
    house.tick(end + 2 * MINUTE)
    assert levels(house) == []
    assert len(house.told()) == 1

    evenly(house, 776, 23)
    house.tick(end + 3 * MINUTE)
    assert house.told()[1:] == [("cleared", "quota-notice", True)]

    evenly(house, 801, 23)
    house.tick(end + 4 * MINUTE)
    assert levels(house) == [("month", "notice", moment(end))]
    assert len(house.told()) == 2


def test_example_16_another_department_on_plan_gets_nothing(house: House) -> None:
    evenly(house, 800, 24)
    house.tick(START + 24 * DAY)
    assert levels(house) == []
    assert house.told() == []


def test_a_budget_edit_tells_anew(house: House) -> None:
    end = START + 23 * DAY
    evenly(house, 801, 23)
    house.tick(end)
    house.register(("quota", "q", LONG_AGO, {**QUOTA, "budget": 1980}))
    house.tick(end + MINUTE)
    row = house.conn.execute("SELECT DISTINCT edit FROM quotas.figure").fetchone()
    assert row == (1,)
    told = house.told()
    assert told[0] == ("raised", "quota-notice", True)
    assert sorted(told[1:]) == [("cleared", "quota-notice", True), ("raised", "quota-warning", True)]


def test_only_the_highest_level_newly_reached_is_told(house: House) -> None:
    evenly(house, 1010, 23)
    house.tick(START + 23 * DAY)
    assert {level for _, level, _ in levels(house)} == {"notice", "warning", "alarm"}
    assert house.told() == [("raised", "quota-alarm", True)]


def test_a_level_ends_with_its_period(house: House) -> None:
    evenly(house, 801, 23)
    house.tick(START + 23 * DAY)
    house.tick(START + 30 * DAY + HOUR)
    assert house.told() == [("raised", "quota-notice", True), ("cleared", "quota-notice", True)]


def test_a_period_that_was_over_before_it_could_be_known_rings_no_bell(house: House) -> None:
    evenly(house, 1100, 30)
    house.tick(START + 40 * DAY)
    assert house.told() == [("raised", "quota-alarm", False), ("cleared", "quota-alarm", False)]


def test_nothing_is_told_while_a_late_burst_comes_in(house: House) -> None:
    end = START + 23 * DAY
    evenly(house, 801, 23)
    with house.conn.transaction():
        house.conn.execute("INSERT INTO energy.burst VALUES (true, %s)", (moment(end),))
    house.tick(end + MINUTE // 12)
    assert levels(house) == [("month", "notice", moment(end))]
    assert house.told() == []
    house.tick(end + MINUTE)
    assert house.told() == [("raised", "quota-notice", True)]


def test_a_removed_quota_leaves_nothing_and_its_condition_ends(house: House) -> None:
    evenly(house, 801, 23)
    house.tick(START + 23 * DAY)
    house.register(("quota", "q", START + 23 * DAY, None))
    house.tick(START + 23 * DAY + MINUTE)
    assert house.told()[1:] == [("cleared", "quota-notice", True)]
    count = house.conn.execute("SELECT count(*) FROM quotas.figure").fetchone()
    assert count == (0,)


def test_a_calendar_changes_the_plan(house: House) -> None:
    house.register(("quota", "q", LONG_AGO, {**QUOTA, "free_day_weight": "0", "calendar": "cn"}))
    evenly(house, 100, 1)  # the first of November 2026 is a Sunday
    house.tick(START + DAY)
    plan = "SELECT plan FROM quotas.figure WHERE period = 'month' AND start = %s"
    assert house.conn.execute(plan, (moment(START),)).fetchone() == (0,)
    house.conn.rollback()
    house.register(("calendar", "cn", LONG_AGO, {"year": 2026, "working": {"2026-11-01": True}}))
    house.tick(START + DAY + MINUTE)
    assert house.conn.execute(plan, (moment(START),)).fetchone() == (pytest.approx(1000 / 22),)


_usage = st.dictionaries(st.integers(0, 30 * 96 - 1), st.integers(0, 400), min_size=1, max_size=30)


@ON_POSTGRESQL
@settings(deadline=None, max_examples=30)
@given(st.lists(_usage, min_size=1, max_size=4), st.booleans())
def test_p3_facts_depend_on_the_totals_alone(shuffled: House, drawn: list[dict[int, int]], restart: bool) -> None:
    """However the totals came to be, and however often they were looked at on the way."""
    shuffled.clear("public.usage", "figure", "level", "condition", "told", "due", "runtime.outbox")
    for n, quarters in enumerate(drawn):
        use(shuffled, quarters)
        shuffled.tick(START + DAY + n * MINUTE)
        if restart:
            shuffled.restart()
    seen = _facts(shuffled)
    shuffled.clear("figure", "level", "condition", "told", "due", "runtime.outbox")
    shuffled.tick(START + 60 * DAY)
    assert _facts(shuffled) == seen


def _facts(house: House) -> set[Any]:
    found = {*house.conn.execute("SELECT * FROM quotas.figure"), *house.conn.execute("SELECT * FROM quotas.level")}
    house.conn.rollback()
    return found
