"""What the schema answers: use by group and period, coverage, balance of a place (DOMAIN, worked examples 9, 10, 13)."""

from __future__ import annotations

from typing import Any

import pytest

from compound.timeutil import HOUR, QUARTER, text
from tests.support.energy import at
from tests.support.energy_rig import EnergyRig, reading

TEN = at("10:00")
DAY = ("2026-10-12T00:00:00+08:00", "2026-10-13T00:00:00+08:00")
LATER = "2027-01-01T00:00:00Z"


def use(rig: EnergyRig, kind: str, item: str, since: str, until: str, by: str, what: str | None = None) -> list[Any]:
    return rig.rows(
        "SELECT quantity, quality, round(coverage::numeric, 4)::float8, round(estimated_share::numeric, 4)::float8,"
        " incomplete_meters FROM energy.use(%s, %s, %s, %s, %s, 'electricity', %s, %s)",
        (kind, item, since, until, by, what, LATER),
    )


def counts(rig: EnergyRig, device: str, *values: int, register: str = "import_wh", start: int = TEN) -> None:
    told: list[dict[str, Any]] = [{register: value} for value in values]
    rig.send([reading(device, start + n * QUARTER, n, **fields) for n, fields in enumerate(told)])


def test_example_09_use_and_coverage(rig: EnergyRig) -> None:
    rig.meter("m1", rated_w=100_000)
    rig.send([reading("m1", TEN, 0, import_wh=500_000), reading("m1", TEN + 2 * HOUR, 1, import_wh=508_000)])
    quarters = use(rig, "meter", "m1", text(TEN), text(TEN + 2 * HOUR), "quarter")
    assert quarters == [(1000, "substituted", 1.0, 1.0, 0)] * 8
    assert use(rig, "meter", "m1", *DAY, "day") == [(8000, "measured", 0.0833, 0.0, 1)]


def test_example_10_estimated_share(rig: EnergyRig) -> None:
    rig.meter("m1", rated_w=100_000)
    counts(rig, "m1", *(680_000 + n * 20_000 // 48 for n in range(49)))
    rig.send([reading("m1", at("22:00") + 4 * HOUR, 99, import_wh=704_000)])
    days = use(rig, "meter", "m1", DAY[0], "2026-10-14T00:00:00+08:00", "day")
    assert [(row[0], row[3]) for row in days] == [(22_000, 0.0909), (2_000, 1.0)]
    month = use(rig, "meter", "m1", "2026-10-01T00:00:00+08:00", "2026-11-01T00:00:00+08:00", "month")
    assert [(row[0], row[1], row[3]) for row in month] == [(24_000, "measured", 0.0)]


def place(rig: EnergyRig, point: str, since: str = "2026-01-01T00:00:00+08:00", **fields: Any) -> None:
    rig.register("point", point, {"type": "meter", "site": "demo", "medium": "electricity", **fields}, since)


@pytest.fixture
def compound(rig: EnergyRig) -> EnergyRig:
    """A main meter with PV and storage behind it; two buildings under it, one with a floor of another department."""
    rig.register("building", "b1", {"site": "demo", "area_m2": 1})
    place(rig, "main", role="main")
    place(rig, "pv", role="generation", parent="main")
    place(rig, "s1", parent="main", building="b1", department="d1")
    place(rig, "s2", parent="main", building="b2", department="d2")
    place(rig, "f1", parent="s1", department="d2")
    for device in ("main", "pv", "s1", "s2", "f1"):
        rig.meter(device, rated_w=10_000 if device != "s2" else 30_000)
    return rig


def balance(rig: EnergyRig, by: str = "quarter") -> list[Any]:
    return rig.rows(
        "SELECT import, export, generation, storage, consumption, children, residual, residual_known, known, fault"
        " FROM energy.balance('main', %s, %s, %s, %s)",
        (text(TEN), text(TEN + HOUR), by, LATER),
    )


def test_example_13_residual(compound: EnergyRig) -> None:
    counts(compound, "main", 0, 1000, 2000)
    counts(compound, "main", 0, 120, 240, register="export_wh")
    counts(compound, "pv", 0, 400, 800)
    counts(compound, "s1", 0, 1000, 2000)
    counts(compound, "s2", 0, 240)
    known, unknown, *rest = balance(compound)
    assert known == (1000, 120, 400, None, 1280, 1240, 40, 40, 1.0, False)
    assert unknown == (1000, 120, 400, None, 1280, None, None, None, 0.0, False)
    assert [row[6] for row in rest] == [None, None]
    assert balance(compound, "day") == [(2000, 240, 800, None, 2560, 1240, None, 40, 0.25, False)]


def test_a_negative_residual_is_kept_and_a_day_of_it_is_a_fault(compound: EnergyRig) -> None:
    for device, last in (("main", 1000), ("pv", 0), ("s1", 900), ("s2", 120)):
        counts(compound, device, *(last * n for n in range(5)))
    counts(compound, "main", 0, 0, 0, 0, 0, register="export_wh")
    assert [row[6] for row in balance(compound)] == [-20] * 4
    assert balance(compound, "day")[0][6:] == (-80, -80, 1.0, True)


def test_another_meter_at_the_place_without_an_export_register(compound: EnergyRig) -> None:
    """What the old one exported is not missed once it is gone."""
    rig = compound
    for device in ("main", "pv", "s1", "s2"):
        counts(rig, device, *(1000 * n for n in range(5)))
    counts(rig, "main", 0, 0, 0, register="export_wh")
    swap = "2026-10-12T10:30:00+08:00"
    rig.meter("main", since=swap, rated_w=10_000, point_id=None)
    rig.meter("new", "main", since=swap)
    rig.settle()
    counts(rig, "new", *(500 * n for n in range(3)), start=TEN + 2 * QUARTER)
    assert [row[4] for row in balance(rig)] == [2000, 2000, 1500, 1500]
    rows = use(rig, "site", "demo", text(TEN), text(TEN + HOUR), "quarter")
    assert [(row[0], row[2]) for row in rows] == [(2000, 1), (2000, 1), (1500, 1), (1500, 1)]


def test_storage_counts_discharge_minus_charge(compound: EnergyRig) -> None:
    place(compound, "battery", role="storage", parent="main")
    compound.meter("battery")
    for device in ("main", "pv"):
        counts(compound, device, 0, 1000)
    counts(compound, "battery", 0, 300)
    counts(compound, "battery", 0, 100, register="export_wh")
    assert balance(compound)[0][3:5] == (-200, 1800)


def test_groups_count_nothing_twice(compound: EnergyRig) -> None:
    """A floor of another department is taken out of its building's; a group's coverage is weighted by rated power."""
    counts(compound, "main", 0, 2000)
    counts(compound, "pv", 0, 400)
    counts(compound, "s1", 0, 1000)
    counts(compound, "s2", 0, 500)
    counts(compound, "f1", 0, 300)

    def quarter(kind: str, item: str) -> Any:
        return use(compound, kind, item, text(TEN), text(TEN + QUARTER), "quarter")[0]

    assert quarter("site", "demo") == (2400, "measured", 1.0, 0.0, 0)
    assert quarter("building", "b1")[0] == 1000
    assert quarter("department", "d1")[0] == 700
    assert quarter("department", "d2")[0] == 800
    day = use(compound, "department", "d2", *DAY, "day")[0]
    assert (day[0], day[4]) == (800, 2)
    counts(compound, "s2", 600, start=TEN + 3 * QUARTER)
    assert use(compound, "department", "d2", text(TEN), text(TEN + HOUR), "quarter")[1] == (
        50,
        "estimated",
        0.75,
        1.0,
        1,
    )


def test_department_holds_from_local_midnight_on(compound: EnergyRig) -> None:
    counts(compound, "f1", *(100 * n for n in range(97)))
    place(compound, "f1", "2026-10-13T00:00:00+08:00", parent="s1", department="d1")
    compound.settle()
    until = "2026-10-14T00:00:00+08:00"
    assert [row[0] for row in use(compound, "department", "d2", DAY[0], until, "day")] == [5600, None]
    assert use(compound, "department", "d2", DAY[0], until, "month") == []


def test_registers_media_and_meters_that_never_spoke(rig: EnergyRig) -> None:
    rig.register("building", "b1", {"site": "demo", "area_m2": 1})
    rig.register("point", "w", {"type": "meter", "site": "demo", "medium": "water", "building": "b1"})
    rig.meter("w1", "w", rated_l_h=1000)
    rig.meter("m1")
    counts(rig, "w1", 0, 100, register="volume_l")
    query = "SELECT quantity, incomplete_meters FROM energy.use(%s, %s, %s, %s, 'day', %s, NULL, %s)"
    assert rig.rows(query, ("building", "b1", *DAY, "water", LATER)) == [(100, 1)]
    assert rig.rows(query, ("building", "b1", *DAY, "electricity", LATER)) == []
    assert rig.rows(query, ("meter", "m1", *DAY, "electricity", LATER)) == [(None, 1)]
    assert rig.rows(query, ("site", "demo", *DAY, "electricity", LATER)) == [(None, 1)]


def test_stale_figures_are_marked(rig: EnergyRig) -> None:
    rig.meter("m1")
    counts(rig, "m1", 0, 100)
    query = "SELECT stale FROM energy.use('meter', 'm1', %s, %s, 'day', 'electricity', NULL, %s)"
    rig.settle()
    assert rig.rows(query, (*DAY, LATER)) == [(False,)]
    rig.meter("m1", rated_w=20_000)
    assert rig.rows(query, (*DAY, LATER)) == [(True,)]


def test_readings_stretches_and_breaks(rig: EnergyRig) -> None:
    rig.meter("m1")
    counts(rig, "m1", 998_000, 999_000, 1_000_000, 3_000, 4_000)
    counts(rig, "unknown", 1)
    assert rig.rows("SELECT quantity, quality FROM energy.stretch ORDER BY start") == [
        (1000, "measured"), (1000, "measured"), (None, "break"), (1000, "measured"),
    ]  # fmt: skip
    assert rig.rows("SELECT meter, points FROM energy.waiting") == [("unknown", 1)]
    assert rig.rows("SELECT DISTINCT verdict FROM energy.reading WHERE meter = 'm1'") == [("accepted",)]
    assert rig.rows("SELECT subject, kind, start = tell_at FROM energy.condition") == [("m1", "break", True)]
    assert rig.rows("SELECT subject, kind FROM due") == [("m1", "break")]
