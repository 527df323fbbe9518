"""Consumption and balance through the API, over what the energy domain made of readings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compound.timeutil import QUARTER
from tests.support.energy import at
from tests.support.energy_rig import EnergyRig, reading

TEN = at("10:00")
DAY = {"from": "2026-10-12T00:00:00+08:00", "to": "2026-10-13T00:00:00+08:00"}
HOUR = {"from": "2026-10-12T10:00:00+08:00", "to": "2026-10-12T11:00:00+08:00", "by": "quarter"}


@pytest.fixture
def rig(database: str) -> Iterator[EnergyRig]:
    made = EnergyRig(database)
    made.site()
    yield made
    made.close()


def place(rig: EnergyRig, point: str, **fields: object) -> None:
    rig.register("point", point, {"type": "meter", "site": "demo", "medium": "electricity", **fields})


def used(rig: EnergyRig, device: str, *values: int, register: str = "import_wh") -> None:
    """A meter's readings every quarter hour from 10:00."""
    named: list[dict[str, Any]] = [{register: value} for value in values]
    rig.send([reading(device, TEN + n * QUARTER, n, **fields) for n, fields in enumerate(named)])


async def test_example_02_by_quarter_and_day(client, rig):
    rig.meter("m1")
    used(rig, "m1", 100_000, 5_000_000, 101_000, 101_600)
    found = (await client.get("/v1/energy/meter/m1", params=HOUR)).json()
    assert (found["unit"], found["by"], found["timezone"]) == ("Wh", "quarter", "Asia/Shanghai")
    assert [(each["wh"], each["quality"], each["coverage"]) for each in found["items"]] == [
        (500, "estimated", 1), (500, "estimated", 1), (600, "measured", 1), (None, None, 0)
    ]  # fmt: skip
    (day,) = (await client.get("/v1/energy/meter/m1", params=DAY)).json()["items"]
    assert (day["start"], day["wh"], day["quality"]) == ("2026-10-11T16:00:00Z", 1600, "measured")
    assert day["coverage"] == pytest.approx(0.75 / 24)


async def test_example_04_a_break_is_not_covered(client, rig):
    rig.meter("m1")
    used(rig, "m1", 998_000, 999_000, 1_000_000, 3_000, 4_000)
    items = (await client.get("/v1/energy/meter/m1", params=HOUR)).json()["items"]
    assert [each["wh"] for each in items] == [1000, 1000, None, 1000]
    assert [each["incomplete_meters"] for each in items] == [0, 0, 1, 0]


async def test_groups_sum_their_meters(client, rig):
    rig.register("building", "b1", {"site": "demo", "area_m2": 1000})
    rig.register("department", "d1", {"site": "demo", "area_m2": 500, "headcount": 10})
    place(rig, "p-main", role="main")
    place(rig, "p-a", parent="p-main", building="b1", department="d1")
    place(rig, "p-b", parent="p-main", building="b1")
    for device, point, values in (("m", "p-main", (0, 1000)), ("a", "p-a", (0, 300)), ("b", "p-b", (0, 500))):
        rig.meter(device, point)
        used(rig, device, *values)
    for group, subject, wh in (
        ("site", "demo", 1000),
        ("building", "b1", 800),
        ("department", "d1", 300),
        ("point", "p-b", 500),
    ):
        found = (await client.get(f"/v1/energy/{group}/{subject}", params=DAY)).json()
        assert [each["wh"] for each in found["items"]] == [wh], group


async def test_example_13_residual(client, rig):
    place(rig, "p-main", role="main")
    place(rig, "p-pv", role="generation", parent="p-main")
    place(rig, "p-sub", parent="p-main")
    for device, point in (("main", "p-main"), ("pv", "p-pv"), ("sub", "p-sub")):
        rig.meter(device, point)
    rig.send([reading("main", TEN + n * QUARTER, n, import_wh=n * 1000, export_wh=n * 120) for n in range(3)])
    used(rig, "pv", 0, 400, 800)
    used(rig, "sub", 0, 1240)
    url = "/v1/energy/balance/p-main"
    first, second, *_ = (await client.get(url, params=HOUR)).json()["items"]
    assert {name: first[name] for name in ("import", "export", "generation", "consumption", "children", "residual")} == {
        "import": 1000, "export": 120, "generation": 400, "consumption": 1280, "children": 1240, "residual": 40
    }  # fmt: skip
    assert (second["consumption"], second["children"], second["residual"]) == (1280, None, None)
    (day,) = (await client.get(url, params=DAY)).json()["items"]
    assert (day["residual"], day["residual_known"]) == (None, 40)
    assert "92 days" in (await client.get(url, params={**DAY, "to": "2027-10-13T00:00:00+08:00"})).json()["detail"]


async def test_water_is_in_litres(client, rig):
    place(rig, "p-w", medium="water")
    rig.meter("w1", "p-w", rated_l_h=10_000)
    used(rig, "w1", 1000, 1250, register="volume_l")
    found = (await client.get("/v1/energy/meter/w1", params=DAY)).json()
    assert (found["medium"], found["unit"], found["items"][0]["l"]) == ("water", "l", 250)
    assert "wh" not in found["items"][0]


async def test_a_register_alone(client, rig):
    rig.meter("m1")
    rig.send([reading("m1", TEN + n * QUARTER, n, import_wh=n * 100, export_wh=n * 30) for n in range(2)])
    found = (await client.get("/v1/energy/meter/m1", params={**DAY, "register": "export_wh"})).json()
    assert (found["register"], found["items"][0]["wh"]) == ("export_wh", 30)


async def test_pages_hold_every_bucket_once(client, rig):
    rig.meter("m1")
    used(rig, "m1", *range(0, 2500, 100))
    params = {**DAY, "by": "quarter", "limit": 40}
    seen, cursor = list[dict[str, Any]](), None
    while cursor is not None or not seen:
        page = (await client.get("/v1/energy/meter/m1", params=params | ({"cursor": cursor} if cursor else {}))).json()
        seen += page["items"]
        cursor = page["next"]
    assert len({each["start"] for each in seen}) == len(seen) == 96
    assert sum(each["wh"] or 0 for each in seen) == 2400


async def test_only_what_has_begun_is_listed(client, rig):
    rig.meter("m1")
    found = (
        await client.get("/v1/energy/meter/m1", params={**DAY, "to": "2028-01-01T00:00:00Z", "by": "month"})
    ).json()
    assert found["next"] is None
    assert found["items"][0]["start"] == "2026-10-31T16:00:00Z"
    assert all(each["start"] < "2027-12" for each in found["items"])


async def test_too_much_at_once_is_a_problem_that_says_the_limit(client, rig):
    rig.meter("m1")
    params = {"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "by": "quarter"}
    answer = await client.get("/v1/energy/meter/m1", params=params)
    assert answer.status_code == 400
    assert "100 days" in answer.json()["detail"]
    assert "ask by day or month" in answer.json()["detail"]


async def test_unknown_subjects(client):
    for group in ("meter", "point", "building", "department", "site"):
        answer = await client.get(f"/v1/energy/{group}/none", params=DAY)
        assert answer.status_code == 404, group
    assert (await client.get("/v1/energy/floor/none", params=DAY)).status_code == 422


async def test_what_is_derived_again_is_marked(client, rig):
    rig.meter("m1")
    used(rig, "m1", 0, 100)
    rig.settle()
    params = {**DAY}
    assert [each["stale"] for each in (await client.get("/v1/energy/meter/m1", params=params)).json()["items"]] == [
        False
    ]
    rig.meter("m1", rated_w=20_000)
    assert [each["stale"] for each in (await client.get("/v1/energy/meter/m1", params=params)).json()["items"]] == [
        True
    ]


async def test_a_closed_period_is_304_for_who_has_it(client, rig):
    rig.meter("m1")
    used(rig, "m1", 0, 100)
    first = await client.get("/v1/energy/meter/m1", params=DAY)
    again = await client.get("/v1/energy/meter/m1", params=DAY, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
