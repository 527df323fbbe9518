"""Readings and segments of meters, as the energy domain made them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compound.timeutil import QUARTER
from tests.support.energy import at
from tests.support.energy_rig import EnergyRig, reading

TEN = at("10:00")
RANGE = {"from": "2026-10-12T00:00:00+08:00", "to": "2026-10-13T00:00:00+08:00"}


@pytest.fixture
def rig(database: str) -> Iterator[EnergyRig]:
    made = EnergyRig(database)
    made.site()
    yield made
    made.close()


@pytest.fixture
def spiked(rig: EnergyRig) -> None:
    """DOMAIN's example 2, and a second register."""
    rig.meter("m1")
    values = (100_000, 5_000_000, 101_000, 101_600)
    rig.send([reading("m1", TEN + n * QUARTER, n, import_wh=value, export_wh=0) for n, value in enumerate(values)])


async def test_points_with_their_verdicts(client, spiked):
    points = (await client.get("/v1/meters/m1/points", params={**RANGE, "register": "import_wh"})).json()["items"]
    assert [(point["value"], point["verdict"]) for point in points] == [
        (100_000, "accepted"), (5_000_000, "suspect"), (101_000, "accepted"), (101_600, "accepted")
    ]  # fmt: skip
    assert points[0]["address"]["topic"] == "meter"
    assert points[0]["time"] == "2026-10-12T02:00:00Z"


async def test_points_in_pages_over_registers(client, spiked):
    seen, params = [], {**RANGE, "limit": 3}
    while True:
        page = (await client.get("/v1/meters/m1/points", params=params)).json()
        seen += [(point["time"], point["register"]) for point in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == 8
    assert [time for time, _ in seen] == sorted(time for time, _ in seen)


async def test_segments(client, spiked):
    params = {**RANGE, "register": "import_wh", "from": "2026-10-12T10:20:00+08:00"}
    segments = (await client.get("/v1/meters/m1/segments", params=params)).json()["items"]
    assert [(each["start"], each["quantity"], each["quality"], each["unit"]) for each in segments] == [
        ("2026-10-12T02:00:00Z", 1000, "estimated", "Wh"), ("2026-10-12T02:30:00Z", 600, "measured", "Wh")
    ]  # fmt: skip


async def test_a_break_has_no_quantity(client, rig):
    rig.meter("m1")
    values = (998_000, 999_000, 1_000_000, 3_000, 4_000)  # example 4
    rig.send([reading("m1", TEN + n * QUARTER, n, import_wh=value) for n, value in enumerate(values)])
    segments = (await client.get("/v1/meters/m1/segments", params=RANGE)).json()["items"]
    assert [each["quantity"] for each in segments] == [1000, 1000, None, 1000]
    assert segments[2]["quality"] == "break"


async def test_points_of_an_unknown_meter_are_shown_as_waiting(client, rig):
    rig.send([reading("new", TEN, import_wh=1)])
    (point,) = (await client.get("/v1/meters/new/points", params=RANGE)).json()["items"]
    assert point["verdict"] == "waiting"
    assert (await client.get("/v1/meters/never/points", params=RANGE)).status_code == 404
