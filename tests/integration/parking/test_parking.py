"""Parking on PostgreSQL: any order gives the same facts (P3), car parks' figures (DOMAIN, Parking), overstays told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compound.events import Event, Received
from compound.timeutil import DAY, HOUR, MINUTE, SECOND, moment, parse
from processors import parking
from processors.parking.decode import points
from processors.parking.spots import Spots
from processors.runtime import timeline
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.house import House, event, fold_all

NINE = parse("2026-11-02T09:00:00+08:00")
MIDNIGHT = NINE - 9 * HOUR
LONG_AGO = NINE - 30 * DAY


def items(*spots: str) -> list[tuple[str, str, int, dict[str, Any] | None]]:
    """A site with the car park `north` and sensors `d-SPOT` at its spots."""
    found: list[tuple[str, str, int, dict[str, Any] | None]] = [
        ("site", "s", LONG_AGO, {"latitude": 36.65, "longitude": 117.0}),
        ("carpark", "north", LONG_AGO, {"site": "s"}),
        ("spot_class", "visitor", LONG_AGO, {"limit_s": 3600}),
    ]
    for spot in spots:
        place = {"type": "parking", "site": "s", "carpark": "north", "spot_class": "visitor"}
        found.append(("point", spot, LONG_AGO, place))
        found.append(("device", f"d-{spot}", LONG_AGO, {"kind": "parking", "site": "s", "point": spot}))
    return found


def sign(spot: str, time: int, state: str, seq: int = 0, channel: str = "reading") -> Event:
    return event("parking", f"d-{spot}", channel, NINE + time, {"state": state}, seq=seq)


def beats(spot: str, first: int, last: int, state: str) -> list[Event]:
    return [sign(spot, time, state) for time in range(first, last + 1, 5 * MINUTE)]


@pytest.fixture
def house(database: str) -> Iterator[House]:
    found = House(database, parking.create)
    yield found
    found.close()


@pytest.fixture(scope="module")
def shuffled(databases: Databases) -> Iterator[House]:
    """A house for many small runs, with a checkpoint every few points."""
    before, timeline.CHECKPOINT_EVERY = timeline.CHECKPOINT_EVERY, 5
    url = databases.create()
    found = House(url, parking.create)
    found.register(*items("a", "b"))
    yield found
    found.close()
    databases.drop(url)
    timeline.CHECKPOINT_EVERY = before


_signs = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.one_of(st.integers(0, 300), st.integers(0, 400 * 60)),  # seconds: chatter, and gaps of hours
        st.sampled_from(["occupied", "free"]),
        st.integers(0, 1),
    ),
    min_size=5,
    max_size=60,
)


@ON_POSTGRESQL
@settings(deadline=None, max_examples=60)
@given(_signs, st.integers(0, 2**32), st.integers(1, 25), st.one_of(st.none(), st.integers(0, 400 * 60)))
def test_p3_any_order_gives_the_same_facts(
    shuffled: House, drawn: Any, seed: int, size: int, moved: int | None
) -> None:
    shuffled.clear()
    events = [sign(spot, time * SECOND, state, seq) for spot, time, state, seq in drawn]
    half = len(events) // 2
    shuffled.scatter(events[:half], seed, size)
    since = NINE + (moved or 0) * SECOND
    shuffled.register(("device", "d-a", since, None if moved is not None else items("a")[-1][3]))
    shuffled.scatter(events[half:], seed, size)
    received = [point for each in events for point in points(Received(each, "parking", 1, 0, 0, 0))]
    assert shuffled.rows() == fold_all(Spots(), received, shuffled.registry())
    shuffled.register(("device", "d-a", since, items("a")[-1][3]))


def test_example_19_a_car_park_with_unknown_spots(house: House) -> None:
    """95 spots in service, 40 occupied, 15 unknown: 50.0 % at 84.2 % known, free 40."""
    spots = [f"n-{number:02}" for number in range(96)]
    house.register(*items(*spots))
    out_of_service = {"kind": "parking", "site": "s", "point": "n-95", "maintenance": True}
    house.register(("device", "d-n-95", LONG_AGO, out_of_service))
    early, now = 0, 60 * MINUTE
    occupied = [sign(spot, now - MINUTE, "occupied") for spot in spots[:40]]
    free = [sign(spot, now - MINUTE, "free") for spot in spots[40:80]]
    lost = [sign(spot, early, "occupied") for spot in spots[80:94]]  # and n-94 never said anything
    house.apply([*occupied, *free, *lost, sign("n-95", now - MINUTE, "occupied")])
    row = house.conn.execute("SELECT * FROM parking.occupancy('north', %s)", (moment(NINE + now),)).fetchone()
    assert row is not None
    assert [float(value) for value in row] == [95, 40, 40, 15, 0.8421, 0.5]
    states = house.conn.execute(
        "SELECT state, count(*) FROM parking.spots('north', %s) GROUP BY 1 ORDER BY 1", (moment(NINE + now),)
    ).fetchall()
    assert states == [("free", 40), ("occupied", 40), ("unknown", 15)]
    later = house.conn.execute("SELECT * FROM parking.occupancy('north', %s)", (moment(NINE + DAY),)).fetchone()
    assert later == (95, 0, 0, 95, 0, None)


def test_example_19_a_stay_in_turnover_and_history(house: House) -> None:
    """Occupied 09:00, last sign 10:00 (limit 10 min), occupied 10:40, free 11:00; class limit 60 min."""
    house.register(*items("a"))
    seen = [*beats("a", 0, HOUR, "occupied"), *beats("a", 100 * MINUTE, 115 * MINUTE, "occupied")]
    house.apply([*seen, sign("a", 2 * HOUR, "free", channel="event")])
    stays = house.conn.execute('SELECT spot, start, "end", dwell_s, uncertain FROM parking.stay').fetchall()
    assert stays == [("a", moment(NINE), moment(NINE + 2 * HOUR), 7200, True)]
    day = house.conn.execute(
        "SELECT day::text, spots, stays, uncertain, turnover, dwell_p50_s FROM parking.turnover('north', %s, %s)",
        (moment(MIDNIGHT), moment(MIDNIGHT + DAY)),
    ).fetchall()
    assert day == [("2026-11-02", 1, 1, 1, 1, None)]
    steps = house.conn.execute(
        "SELECT occupied, free, unknown FROM parking.history('north', %s, %s, 1800)",
        (moment(NINE), moment(NINE + 150 * MINUTE)),
    ).fetchall()
    assert steps == [(1, 0, 0), (1, 0, 0), (1, 0, 0), (0, 0, 1), (0, 1, 0)]


def test_history_counts_at_the_step_itself(house: House) -> None:
    house.register(*items("a", "b"))
    house.apply([sign("a", 0, "occupied"), sign("a", 5 * MINUTE, "free"), sign("b", -1, "free")])
    rows = house.conn.execute(
        "SELECT in_service, occupied, free, unknown, occupancy FROM parking.history('north', %s, %s, 300)",
        (moment(NINE), moment(NINE + 16 * MINUTE)),
    ).fetchall()
    assert [(*row[:4], None if row[4] is None else float(row[4])) for row in rows] == [
        (2, 1, 1, 0, 0.5),
        (2, 0, 2, 0, 0.0),
        (2, 0, 1, 1, None),
        (2, 0, 0, 2, None),
    ]


def test_dwell_is_of_certain_stays_on_the_day_they_end(house: House) -> None:
    house.register(*items("a", "b"))
    night = [*beats("a", 14 * HOUR, 16 * HOUR, "occupied"), sign("a", 16 * HOUR + MINUTE, "free")]
    house.apply([*night, sign("b", 0, "occupied"), sign("b", 5 * MINUTE, "free")])
    days = house.conn.execute(
        "SELECT day::text, stays, turnover, dwell_p50_s FROM parking.turnover('north', %s, %s)",
        (moment(MIDNIGHT), moment(MIDNIGHT + 2 * DAY)),
    ).fetchall()
    assert [(day, stays, float(turnover), p50) for day, stays, turnover, p50 in days] == [
        ("2026-11-02", 1, 0.5, 300),
        ("2026-11-03", 1, 0.5, 7260),
    ]


def test_an_overstay_is_told_once_and_clears(house: House) -> None:
    house.register(*items("a"))
    house.apply(beats("a", 0, 60 * MINUTE, "occupied"))
    house.tick(NINE + 59 * MINUTE)
    assert house.told() == []
    house.tick(NINE + 61 * MINUTE)
    house.tick(NINE + 62 * MINUTE)
    assert house.told() == [("raised", "overstay", True)]
    house.apply([sign("a", 70 * MINUTE, "free")])
    house.tick(NINE + 71 * MINUTE)
    assert house.told() == [("raised", "overstay", True), ("cleared", "overstay", True)]


def test_a_backfilled_overstay_rings_no_bell(house: House) -> None:
    house.register(*items("a"))
    house.apply([*beats("a", 0, 120 * MINUTE, "occupied"), sign("a", 121 * MINUTE, "free")])
    house.tick(NINE + 30 * DAY)
    assert house.told() == [("raised", "overstay", False), ("cleared", "overstay", False)]


def test_an_overstay_is_told_only_while_the_spot_is_known(house: House) -> None:
    """A month's backfill that ends with a car on the spot says nothing of today; a sign that it still stands there does."""
    house.register(*items("a"))
    house.apply(beats("a", 0, 120 * MINUTE, "occupied"))
    house.tick(NINE + 30 * DAY)
    house.tick(NINE + 30 * DAY + MINUTE)
    assert house.told() == []
    house.apply(beats("a", 125 * MINUTE, 130 * MINUTE, "occupied"))
    house.tick(NINE + 131 * MINUTE)
    assert house.told() == [("raised", "overstay", True)]
