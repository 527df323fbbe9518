"""Solar on PostgreSQL: any order gives the same facts (P3), the ratios of a plant (DOMAIN, Solar), faults told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compound.events import Received
from compound.timeutil import DAY, HOUR, MINUTE, QUARTER, moment, parse
from processors import solar
from processors.runtime import timeline
from processors.solar.decode import inverter_points, weather_points
from processors.solar.inverters import Inverters
from processors.solar.weather import Weather
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.house import House, event, fold_all

TEN = parse("2026-11-02T10:00:00+08:00")
LONG_AGO = TEN - 30 * DAY
ITEMS: list[tuple[str, str, int, dict[str, Any] | None]] = [
    ("site", "s", LONG_AGO, {"latitude": 36.65, "longitude": 117.0}),
    ("point", "p-main", LONG_AGO, {"type": "meter", "site": "s", "medium": "electricity", "role": "main"}),
    (
        "point",
        "roof-1",
        LONG_AGO,
        {"type": "inverter", "site": "s", "plant": "roof", "parent": "p-main", "p0_w": 20_000},
    ),
    ("point", "mast", LONG_AGO, {"type": "weather", "site": "s", "plant": "roof"}),
    ("device", "inv", LONG_AGO, {"kind": "inverter", "site": "s", "point": "roof-1", "rated_w": 20_000}),
    ("device", "w", LONG_AGO, {"kind": "weather", "site": "s", "point": "mast"}),
]
FOUR = moment(TEN), moment(TEN + HOUR)
Quarters = Mapping[int, int]
"""Number of the quarter hour after ten -> Wh or W/m2; what is missing is not known."""


@pytest.fixture
def house(database: str) -> Iterator[House]:
    found = House(database, solar.create)
    found.register(*ITEMS)
    found.tick(TEN)
    yield found
    found.close()


@pytest.fixture(scope="module")
def shuffled(databases: Databases) -> Iterator[House]:
    before, timeline.CHECKPOINT_EVERY = timeline.CHECKPOINT_EVERY, 5
    url = databases.create()
    found = House(url, solar.create)
    found.register(*ITEMS)
    yield found
    found.close()
    databases.drop(url)
    timeline.CHECKPOINT_EVERY = before


def energy(house: House, point: str, device: str, what: str, quarters: Quarters, substituted: bool = False) -> None:
    """Whole quarter hours of a register, as the energy domain would write them."""
    with house.conn.transaction():
        conn = house.conn
        place = conn.execute(
            "INSERT INTO energy.place (point) VALUES (%s) ON CONFLICT (point) DO UPDATE SET point = excluded.point"
            " RETURNING id",
            (point,),
        ).fetchone()
        series = conn.execute(
            "INSERT INTO energy.series (subject, what) VALUES (%s, %s) ON CONFLICT (subject, what)"
            " DO UPDATE SET what = excluded.what RETURNING id",
            (device, what),
        ).fetchone()
        assert place is not None
        assert series is not None
        conn.execute("INSERT INTO energy.seat VALUES (%s, %s) ON CONFLICT DO NOTHING", (series[0], place[0]))
        for number, quantity in quarters.items():
            conn.execute(
                "INSERT INTO energy.quarter (series, place, start, quantity, covered, estimated, substituted)"
                " VALUES (%s, %s, %s, %s, 900000000, 0, %s)",
                (series[0], place[0], moment(TEN + number * QUARTER), quantity, 900_000_000 if substituted else 0),
            )


def poa(house: House, quarters: Quarters) -> None:
    """Irradiance of whole quarter hours, as the weather timeline would write it."""
    with house.conn.transaction():
        for number, value in quarters.items():
            start = TEN + number * QUARTER
            house.conn.execute(
                'INSERT INTO weather_segment (subject, what, kind, start, key, "end", data, at) VALUES'
                " ('w', 'poa', 'poa', %s, '', %s, jsonb_build_object('plant', 'roof', 'w_m2', %s::int, 'known_s', 900), %s)",
                (moment(start), moment(start + QUARTER), value, moment(start)),
            )


def ratios(house: House, since: Any = FOUR[0], until: Any = FOUR[1]) -> dict[str, Any]:
    cursor = house.conn.execute("SELECT * FROM solar.ratios('roof', %s, %s)", (since, until))
    row = cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    return dict(zip((column.name for column in cursor.description), row, strict=True))


def test_example_21_performance_ratio(house: House) -> None:
    """P0 = 20 kWp; G 800, 800, missing, 400; E 3.2, 3.2, 3.0, 1.6 kWh: PR 0.80 on 75 % of the quarter hours, marked."""
    energy(house, "roof-1", "inv", "energy_wh", {0: 3200, 1: 3200, 2: 3000, 3: 1600})
    poa(house, {0: 800, 1: 800, 3: 400})
    found = ratios(house)
    assert found["pr"] == pytest.approx(0.80)
    assert (found["pr_kept"], found["pr_marked"]) == (0.75, True)
    assert found["yield_wh"] == 11_000
    assert found["self_consumption"] is None


def test_example_22_self_consumption(house: House) -> None:
    """Generation 5, 6, unknown; export 1, 2, 4; import 0.5 in the two known: self-consumption 72.7 %."""
    energy(house, "roof-1", "inv", "energy_wh", {0: 5000, 1: 6000})
    energy(house, "p-main", "m", "export_wh", {0: 1000, 1: 2000, 2: 4000})
    energy(house, "p-main", "m", "import_wh", {0: 250, 1: 250})
    found = ratios(house, FOUR[0], moment(TEN + 3 * QUARTER))
    assert round(found["self_consumption"], 3) == 0.727
    assert found["self_consumption_kept"] == pytest.approx(2 / 3)
    assert found["self_consumption_marked"]
    assert round(found["self_sufficiency"], 3) == 0.941
    assert found["pr"] is None


def test_substituted_energy_is_left_out(house: House) -> None:
    energy(house, "roof-1", "inv", "energy_wh", {0: 3200, 1: 3200})
    energy(house, "roof-1", "inv", "energy_wh", {2: 9000}, substituted=True)
    poa(house, {0: 800, 1: 800, 2: 800})
    found = ratios(house, FOUR[0], moment(TEN + 3 * QUARTER))
    assert found["pr"] == pytest.approx(0.80)
    assert found["pr_kept"] == pytest.approx(2 / 3)
    assert found["yield_wh"] == 15_400


def test_little_light_is_out_on_both_sides_and_lacks_no_data(house: House) -> None:
    energy(house, "roof-1", "inv", "energy_wh", {0: 3200, 1: 500, 2: 3200, 3: 3200})
    poa(house, {0: 800, 1: 49, 2: 800, 3: 800})
    found = ratios(house)
    assert found["pr"] == pytest.approx(0.80)
    assert (found["pr_kept"], found["pr_marked"]) == (1, False)


def test_export_above_generation_is_a_data_fault_not_a_negative_ratio(house: House) -> None:
    energy(house, "roof-1", "inv", "energy_wh", {0: 1000, 96: 1000})
    energy(house, "p-main", "m", "export_wh", {0: 1011, 96: 500})
    faulty = ratios(house)
    assert (faulty["self_consumption"], faulty["export_faults"]) == (None, 1)
    both = ratios(house, FOUR[0], moment(TEN + 2 * DAY))
    assert (both["self_consumption"], both["export_faults"]) == (0.5, 1)


def test_stretches_asked_at_once_are_what_each_is_alone(house: House) -> None:
    """A range that cuts a day sees a fault of its export there; the whole day, asked at the same time, has none."""
    energy(house, "roof-1", "inv", "energy_wh", {0: 1000, 1: 1000, 96: 1000, 97: 500})
    energy(house, "p-main", "m", "export_wh", {0: 1011, 1: 0, 96: 500, 97: 0})
    poa(house, {0: 800, 1: 700, 96: 600})
    bounds = [moment(TEN - 10 * HOUR + day * DAY) for day in range(4)]
    since, until = moment(TEN), moment(TEN + QUARTER)
    rows = house.conn.execute(
        "SELECT * FROM solar.ratios_of('roof', %s, %s, %s, %s)", (since, until, bounds[:-1], bounds[1:])
    ).fetchall()
    alone = [ratios(house, *stretch) for stretch in [(since, until), *pairwise(bounds)]]
    assert [row[1:] for row in rows] == [tuple(each.values()) for each in alone]
    assert [row[0] for row in rows] == [0, 1, 2, 3]
    assert [each["export_faults"] for each in alone] == [1, 0, 0, 0]
    assert [each["yield_wh"] for each in alone] == [1000, 2000, 1500, None]


def test_no_ratio_where_an_inverter_is_silent(house: House) -> None:
    house.register(
        (
            "point",
            "roof-2",
            LONG_AGO,
            {"type": "inverter", "site": "s", "plant": "roof", "p0_w": 10_000, "parent": "p-main"},
        )
    )
    energy(house, "roof-1", "inv", "energy_wh", {0: 3200})
    poa(house, {0: 800})
    found = ratios(house)
    assert (found["pr"], found["p0_w"], found["yield_wh"]) == (None, 30_000, 3200)


def test_irradiance_comes_from_the_readings(house: House) -> None:
    for minute in range(0, 31, 5):
        house.apply([event("weather", "w", "reading", TEN + minute * MINUTE, {"poa_w_m2": 800, "ambient_mc": 9000})])
    rows = house.conn.execute(
        "SELECT poa_w_m2, clear_sky_w_m2 > 50 FROM solar.plant_quarter('roof', %s, %s)", FOUR
    ).fetchall()
    assert rows == [(800, True), (800, True), (None, True), (None, True)]


def test_the_clear_sky_follows_the_site(house: House) -> None:
    noon, midnight = moment(TEN + 2 * HOUR), moment(TEN + 14 * HOUR)
    sky = "SELECT ghi_w_m2 FROM solar.clear_sky WHERE site = 's' AND start = ANY(%s) ORDER BY start"
    before = house.conn.execute(sky, ([noon, midnight],)).fetchall()
    assert before[0][0] > 400
    assert before[1][0] == 0
    house.register(("site", "s", LONG_AGO + DAY, {"latitude": 60.0, "longitude": 117.0}))
    house.tick(TEN + MINUTE)
    after = house.conn.execute(sky, ([noon, midnight],)).fetchall()
    assert 0 < after[0][0] < before[0][0]
    house.tick(TEN + 10 * DAY)
    row = house.conn.execute("SELECT max(start) >= %s FROM solar.clear_sky", (moment(TEN + 11 * DAY),)).fetchone()
    assert row == (True,)


def test_an_inverters_fault_is_told_and_clears(house: House) -> None:
    def read(minute: int, state: int, evt1: int = 0) -> None:
        house.apply([event("inverter", "inv", "reading", TEN + minute * MINUTE, {"state": state, "evt1": evt1})])

    read(0, 4)
    read(5, 7, 128)
    house.tick(TEN + 6 * MINUTE)
    assert house.told() == [("raised", "inverter-fault", True)]
    read(10, 4)
    house.tick(TEN + 11 * MINUTE)
    assert house.told()[1:] == [("cleared", "inverter-fault", True)]


_readings = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from([(4, 0), (4, 2), (5, 0), (7, 128), (2, 0)]),
        st.integers(0, 900),
        st.integers(0, 1),
    ),
    min_size=5,
    max_size=50,
)


@ON_POSTGRESQL
@settings(deadline=None, max_examples=50)
@given(_readings, st.integers(0, 2**32), st.integers(1, 25))
def test_p3_any_order_gives_the_same_facts(shuffled: House, drawn: Any, seed: int, size: int) -> None:
    shuffled.clear("point", "segment", "checkpoint", "weather_point", "weather_segment", "weather_checkpoint", "due")
    events = []
    for minute, (state, evt1), value, seq in drawn:
        time = TEN + minute * MINUTE
        events.append(event("inverter", "inv", "reading", time, {"state": state, "evt1": evt1}, seq=seq))
        events.append(event("weather", "w", "reading", time, {"poa_w_m2": value}, seq=seq))
    shuffled.scatter(events, seed, size)
    received = [Received(each, "", 1, 0, 0, 0) for each in events]
    known = shuffled.registry()
    assert shuffled.rows() == fold_all(Inverters(), [p for r in received for p in inverter_points(r)], known)
    assert shuffled.rows("weather_segment") == fold_all(
        Weather(), [p for r in received for p in weather_points(r)], known
    )
