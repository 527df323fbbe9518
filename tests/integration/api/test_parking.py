"""Parking routes over segments as the projection writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.rows import at, item, segment, site, stale, text

RANGE = {"from": "2026-10-01T00:00:00Z", "to": "2026-10-02T00:00:00Z"}


@pytest.fixture(autouse=True)
def carpark(conn):
    """Two spots: `s1` has a stay of two hours that ended and one that goes on, `s2` was never heard of."""
    site(conn)
    item(conn, "carpark", "north", {"site": "demo", "name": {"zh": "北", "en": "North"}})
    for number in (1, 2):
        item(
            conn,
            "point",
            f"s{number}",
            {"type": "parking", "site": "demo", "carpark": "north", "spot_class": "visitor"},
        )
        item(conn, "device", f"d{number}", {"kind": "parking", "site": "demo", "point": f"s{number}"})
    place: dict[str, Any] = {"spot": "s1", "carpark": "north"}
    state = ("parking", "d1", "spot", "state")
    segment(conn, *state, at(1), at(3), state="occupied", **place)
    segment(conn, *state, at(3), at(4), state="free", **place)
    segment(conn, *state, at(4), None, state="occupied", known_until=text(at(6)), **place)
    segment(conn, "parking", "d1", "spot", "stay", at(1), at(3), dwell_s=7200, uncertain=False, **place)
    segment(conn, "parking", "d1", "spot", "stay", at(4), None, dwell_s=None, uncertain=False, **place)


async def test_occupancy_at_a_moment(client):
    (shown,) = (await client.get("/v1/parking/carparks", params={"at": text(at(5))})).json()["items"]
    assert shown["name"]["en"] == "North"
    assert shown["now"] == {
        "in_service": 2, "occupied": 1, "free": 0, "unknown": 1, "known_share": 0.5, "occupancy": None
    }  # fmt: skip
    now = (await client.get("/v1/parking/north/now", params={"at": text(at(5))})).json()
    assert [(spot["spot"], spot["state"], spot["stay_since"]) for spot in now["spots"]] == [
        ("s1", "occupied", text(at(4))),
        ("s2", "unknown", None),
    ]
    later = (await client.get("/v1/parking/north/now", params={"at": text(at(7))})).json()
    assert (later["occupied"], later["unknown"]) == (0, 2)


async def test_history(client):
    params = {"from": text(at(0)), "to": text(at(5)), "step": "1h"}
    found = (await client.get("/v1/parking/north/history", params=params)).json()
    assert [(each["at"], each["occupied"], each["free"]) for each in found["items"]] == [
        (text(at(0)), 0, 0), (text(at(1)), 1, 0), (text(at(2)), 1, 0), (text(at(3)), 0, 1), (text(at(4)), 1, 0)
    ]  # fmt: skip


async def test_stays_and_turnover(client):
    (stay,) = (await client.get("/v1/parking/north/stays", params=RANGE)).json()["items"]
    assert (stay["spot"], stay["end"], stay["dwell_s"]) == ("s1", text(at(3)), 7200)
    assert (
        await client.get(
            "/v1/parking/north/stays",
            params={
                **RANGE,
                "from": text(
                    at(
                        3,
                    )
                ),
            },
        )
    ).json()["items"] == [stay]
    params = {**RANGE, "from": text(at(3) + timedelta(microseconds=1))}
    assert (await client.get("/v1/parking/north/stays", params=params)).json()["items"] == []
    found = (await client.get("/v1/parking/north/turnover", params=RANGE)).json()
    assert found["timezone"] == "Asia/Shanghai"
    assert [(day["day"], day["stays"], day["turnover"]) for day in found["items"]] == [
        ("2026-10-01", 1, 0.5), ("2026-10-02", 0, 0)
    ]  # fmt: skip


async def test_segments_of_a_spot_in_pages(client):
    seen, params = list[tuple[str, str]](), {**RANGE, "limit": 2}
    while True:
        page = (await client.get("/v1/parking/spots/s1/segments", params=params)).json()
        seen += [(each["kind"], each["start"]) for each in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == [
        ("state", text(at(1))), ("stay", text(at(1))), ("state", text(at(3))), ("state", text(at(4))), ("stay", text(at(4)))
    ]  # fmt: skip
    touching = {"from": text(at(3.5)), "to": text(at(3.6))}
    (only,) = (await client.get("/v1/parking/spots/s1/segments", params=touching)).json()["items"]
    assert (only["state"], only["end"]) == ("free", text(at(4)))


async def test_what_is_derived_again_is_marked(client, conn):
    assert (await client.get("/v1/parking/north/now")).json()["stale"] is False
    stale(conn, "parking", "parking", "d1")
    assert (await client.get("/v1/parking/north/now")).json()["stale"] is True
    assert (await client.get("/v1/parking/north/history", params=RANGE)).json()["stale"] is True


@pytest.mark.parametrize("path", ["now", "history", "stays", "turnover"])
async def test_an_unknown_car_park_is_a_problem(client, path):
    params = {} if path == "now" else RANGE
    answer = await client.get(f"/v1/parking/south/{path}", params=params)
    assert answer.status_code == 404
    assert "'south' is not registered" in answer.json()["detail"]
