"""Worked example 18: a real year of interval data (tests/data/README.md), to the watt-hour, in two zones, in any order."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from compound.events import Event
from compound.timeutil import QUARTER, parse
from tests.support.energy_rig import EnergyRig, reading

DATA = Path(__file__).parents[2] / "data" / "meter-15min-2018.csv.gz"


@pytest.fixture(scope="module")
def rows() -> list[tuple[int, int]]:
    """(end of the interval in µs, Wh)."""
    with gzip.open(DATA, "rt", encoding="ascii") as file:
        return [(parse(row["interval_end"]), int(Decimal(row["active_kwh"]) * 1000)) for row in csv.DictReader(file)]


def year(rig: EnergyRig, zone: str, events: list[Event]) -> dict[str, int]:
    """Wh by local month."""
    rig.site(timezone=zone)
    rig.meter("steel", since="2017-12-01T00:00:00+08:00", rated_w=1_000_000)
    rig.send(events)
    query = (
        "SELECT to_char(start AT TIME ZONE %s, 'YYYY-MM'), quantity FROM energy.use('meter', 'steel', %s, %s, 'month')"
    )
    return dict(rig.rows(query, (zone, "2017-12-01T00:00:00+09:00", "2019-02-01T00:00:00+09:00")))


def sent(rows: list[tuple[int, int]]) -> list[Event]:
    return [reading("steel", end, n, interval_s=900, interval_wh=wh) for n, (end, wh) in enumerate(rows)]


def test_example_18_seoul_shuffled_and_sent_twice(
    make_rig: Callable[[], EnergyRig], rows: list[tuple[int, int]]
) -> None:
    events = sent(rows)
    shuffled = [*events, *events]
    Random(18).shuffle(shuffled)
    for order in (events, shuffled):
        months = year(make_rig(), "Asia/Seoul", order)
        assert (months["2018-01"], months["2018-12"]) == (126_238_290, 59_436_780)
        assert sum(wh or 0 for wh in months.values()) == 959_636_710


def test_example_18_shanghai(rig: EnergyRig, rows: list[tuple[int, int]]) -> None:
    months = year(rig, "Asia/Shanghai", sent(rows))
    assert (months["2017-12"], months["2018-01"]) == (13_720, 126_549_290)


def test_example_18_labelled_by_end_is_another_figure(rig: EnergyRig, rows: list[tuple[int, int]]) -> None:
    """The mistake to avoid: taking the label for the interval's start."""
    months = year(rig, "Asia/Seoul", sent([(end + QUARTER, wh) for end, wh in rows]))
    assert months["2018-01"] == 126_178_280
