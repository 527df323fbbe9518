"""A break is told once and withdrawn when a record explains it (DOMAIN, Suspects; worked example 4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compound.events import Event
from compound.timeutil import HOUR, QUARTER, SECOND
from processors.energy import create
from tests.support.energy import at
from tests.support.energy_rig import SITE, reading
from tests.support.house import House

TEN = at("10:00")
LONG_AGO = TEN - 10**15
NOW = TEN + 2 * HOUR


@pytest.fixture
def house(database: str) -> Iterator[House]:
    made = House(database, create)
    place = {"type": "meter", "site": "demo", "medium": "electricity"}
    meter = {"kind": "meter", "site": "demo", "point": "p1", "rated_w": 10_000}
    made.register(("site", "demo", LONG_AGO, SITE), ("point", "p1", LONG_AGO, place), ("device", "m1", LONG_AGO, meter))
    yield made
    made.close()


def counted(*values: int) -> list[Event]:
    return [reading("m1", TEN + n * QUARTER, n, import_wh=value) for n, value in enumerate(values)]


def test_a_break_is_told_once_and_withdrawn_by_the_record(house: House) -> None:
    house.apply(counted(998_000, 999_000, 1_000_000, 3_000))
    house.tick(NOW)
    assert house.told() == []
    house.apply(counted(998_000, 999_000, 1_000_000, 3_000, 4_000))
    for seconds in (0, 60, 3600):
        house.tick(NOW + seconds * SECOND)
    assert house.told() == [("raised", "break", True)]
    record = {
        "device": "m1", "register": "import_wh", "final": 1_000_400, "start": 2_700,
        "removed_at": "2026-10-12T10:35:00+08:00", "installed_at": "2026-10-12T10:40:00+08:00",
    }  # fmt: skip
    house.register(("replacement", "r1", LONG_AGO, record))
    house.tick(NOW + 2 * 3600 * SECOND)
    assert house.told() == [("raised", "break", True), ("withdrawn", "break", True)]
    found = house.conn.execute("SELECT sum(quantity), sum(covered) FROM quarter").fetchone()
    assert found == (3_700, 55 * 60 * SECOND)


def test_a_spike_is_no_break(house: House) -> None:
    house.apply(counted(100_000, 5_000_000))
    house.tick(NOW)
    house.apply(counted(100_000, 5_000_000, 5_000_400))
    house.apply(counted(100_000, 5_000_000, 5_000_400, 101_500))
    house.tick(NOW)
    assert house.told() == []
