"""Solar routes; the ratios themselves are proven with the domain."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.rows import at, item, segment, site, text

RANGE = {"from": "2026-09-30T16:00:00Z", "to": "2026-10-02T16:00:00Z"}


@pytest.fixture(autouse=True)
def plant(conn):
    site(conn)
    item(conn, "point", "inv1", {"type": "inverter", "site": "demo", "plant": "roof", "p0_w": 20000})
    item(conn, "device", "i1", {"kind": "inverter", "site": "demo", "point": "inv1", "rated_w": 20000})
    place: dict[str, Any] = {"inverter": "inv1", "plant": "roof"}
    segment(conn, "solar", "i1", "state", "state", at(0), at(9), state="MPPT", faults=[], **place)
    segment(conn, "solar", "i1", "state", "inverter-fault", at(9), None, at(9), faults=["over-temp"], **place)


async def test_plants(client):
    (plant,) = (await client.get("/v1/solar/plants")).json()["items"]
    assert (plant["id"], plant["p0_w"], plant["inverters"], plant["has_irradiance"]) == (
        "roof",
        20000,
        ["inv1"],
        False,
    )


async def test_what_is_not_measured_is_null(client):
    found = (await client.get("/v1/solar/roof", params=RANGE)).json()
    assert [day["start"] for day in found["items"]] == ["2026-09-30T16:00:00Z", "2026-10-01T16:00:00Z"]
    for figures in (found["total"], *found["items"]):
        assert (figures["wh"], figures["pr"], figures["self_consumption"]) == (None, None, None)
    quarters = (await client.get("/v1/solar/roof", params={**RANGE, "by": "quarter"})).json()["items"]
    assert len(quarters) == 192
    assert quarters[0]["e_wh"] is None
    assert (await client.get("/v1/solar/barn", params=RANGE)).status_code == 404


async def test_states_of_an_inverter(client):
    found = (await client.get("/v1/solar/inverters/i1/states", params=RANGE)).json()["items"]
    assert [(each["kind"], each["start"], each["faults"]) for each in found] == [
        ("state", text(at(0)), []), ("inverter-fault", text(at(9)), ["over-temp"])
    ]  # fmt: skip
