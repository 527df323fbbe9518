"""Parcels on PostgreSQL: any order gives the same facts (P3), fill and dwell, conditions told (DOMAIN, Lockers)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compound.events import Event, Received
from compound.timeutil import DAY, HOUR, MINUTE, SECOND, moment, parse
from processors import parcels
from processors.parcels.cells import Cells
from processors.parcels.decode import points
from processors.runtime import timeline
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.house import House, event, fold_all

NINE = parse("2026-11-02T09:00:00+08:00")
LONG_AGO = NINE - 30 * DAY
DEVICE = {"kind": "locker", "site": "s", "point": "bank-1"}
ITEMS: list[tuple[str, str, int, dict[str, Any] | None]] = [
    ("site", "s", LONG_AGO, {"latitude": 36.65, "longitude": 117.0}),
    (
        "point",
        "bank-1",
        LONG_AGO,
        {"type": "locker", "site": "s", "cells": {"A1": "small", "A2": "small", "B1": "large"}},
    ),
    ("device", "d", LONG_AGO, DEVICE),
]


def said(cell: str, time: int, name: str, seq: int = 0, **more: Any) -> Event:
    return event("locker", "d", "event", NINE + time, {"cell": cell, "event": name, **more}, seq=seq)


def deposit(cell: str, time: int) -> list[Event]:
    opened = said(cell, time, "opened", purpose="deposit")
    return [opened, said(cell, time + 30 * SECOND, "closed", present=True)]


def pickup(cell: str, time: int, purpose: str = "pickup") -> list[Event]:
    return [said(cell, time, "opened", purpose=purpose), said(cell, time + 20 * SECOND, "closed", present=False)]


@pytest.fixture
def house(database: str) -> Iterator[House]:
    found = House(database, parcels.create)
    found.register(*ITEMS)
    yield found
    found.close()


@pytest.fixture(scope="module")
def shuffled(databases: Databases) -> Iterator[House]:
    before, timeline.CHECKPOINT_EVERY = timeline.CHECKPOINT_EVERY, 5
    url = databases.create()
    found = House(url, parcels.create)
    found.register(*ITEMS)
    yield found
    found.close()
    databases.drop(url)
    timeline.CHECKPOINT_EVERY = before


_words = st.one_of(
    st.just({"event": "reserved", "parcel": "P", "phone": "tok:parcels:2026-11:00"}),
    st.sampled_from(["deposit", "pickup", "retrieval", "service"]).map(
        lambda purpose: {"event": "opened", "purpose": purpose}
    ),
    st.booleans().map(lambda present: {"event": "closed", "present": present}),
    st.sampled_from(["fault", "repaired", "cancelled"]).map(lambda name: {"event": name}),
)
_events = st.lists(
    st.tuples(st.sampled_from(["A1", "B1"]), st.integers(0, 5 * 24 * 60), _words, st.integers(0, 2)),
    min_size=5,
    max_size=60,
)


@ON_POSTGRESQL
@settings(deadline=None, max_examples=60)
@given(_events, st.integers(0, 2**32), st.integers(1, 25), st.one_of(st.none(), st.integers(0, 5 * 24 * 60)))
def test_p3_any_order_gives_the_same_facts(shuffled: House, drawn: Any, seed: int, size: int, gone: int | None) -> None:
    shuffled.clear()
    events = [
        event("locker", "d", "event", NINE + time * MINUTE, {"cell": cell, **word}, seq=seq)
        for cell, time, word, seq in drawn
    ]
    half = len(events) // 2
    since = NINE + (gone or 0) * MINUTE
    shuffled.scatter(events[:half], seed, size)
    shuffled.register(("device", "d", since, DEVICE if gone is None else None))
    shuffled.scatter(events[half:], seed, size)
    taken = [point for each in events for point in points(Received(each, "locker", 1, 0, 0, 0))]
    assert shuffled.rows() == fold_all(Cells(), taken, shuffled.registry())
    shuffled.register(("device", "d", since, DEVICE))


def test_cells_and_fill_by_size(house: House) -> None:
    house.apply([*deposit("A1", 0), said("A2", 0, "reserved", parcel="P2"), said("B1", 0, "fault")])
    cells = house.conn.execute(
        "SELECT cell, size, state, parcel_since FROM parcels.cells(%s)", (moment(NINE + HOUR),)
    ).fetchall()
    since = moment(NINE + 30 * SECOND)
    assert cells == [
        ("A1", "small", "occupied", since),
        ("A2", "small", "reserved", None),
        ("B1", "large", "fault", None),
    ]
    fill = house.conn.execute(
        "SELECT size, cells, free, reserved, occupied, fault, fill::float8 FROM parcels.fill(%s, 'bank-1')",
        (moment(NINE + 3 * HOUR),),
    ).fetchall()
    assert fill == [("large", 1, 0, 0, 0, 1, None), ("small", 2, 1, 0, 1, 0, 0.5)]
    overdue = house.conn.execute(
        "SELECT overdue_h FROM parcels.cells(%s) WHERE cell = 'A1'", (moment(NINE + 50 * HOUR),)
    ).fetchone()
    assert overdue == (48,)


def test_a_cell_that_never_said_anything_is_free(house: House) -> None:
    cells = house.conn.execute("SELECT DISTINCT state FROM parcels.cells(%s)", (moment(NINE),)).fetchall()
    assert cells == [("free",)]


def test_dwell_counts_collected_and_returned_apart(house: House) -> None:
    house.apply([*deposit("A1", 0), *pickup("A1", HOUR), *deposit("A2", 0), *pickup("A2", 2 * HOUR, "retrieval")])
    rows = house.conn.execute(
        "SELECT outcome, parcels, uncertain, dwell_p50_s FROM parcels.dwell(%s, %s)", (moment(NINE), moment(NINE + DAY))
    ).fetchall()
    assert rows == [("collected", 1, 0, 3590), ("returned", 1, 0, 7190)]


def test_overdue_and_an_open_door_are_told_once_and_clear(house: House) -> None:
    house.apply(deposit("A1", 0))
    house.tick(NINE + 23 * HOUR)
    assert house.told() == []
    house.tick(NINE + 25 * HOUR)
    assert house.told() == [("raised", "overdue-24", True)]
    house.apply([said("A1", 26 * HOUR, "opened", purpose="pickup")])
    house.tick(NINE + 26 * HOUR + 3 * MINUTE)
    assert house.told()[1:] == [("raised", "door-left-open", True)]
    house.apply([said("A1", 26 * HOUR + 4 * MINUTE, "closed", present=False)])
    house.tick(NINE + 26 * HOUR + 5 * MINUTE)
    assert sorted(house.told()[2:]) == [("cleared", "door-left-open", True), ("cleared", "overdue-24", True)]
