"""Access routes over segments as the projection writes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.rows import at, item, segment, site, text

RANGE = {"from": "2026-10-01T00:00:00Z", "to": "2026-10-02T00:00:00Z"}
TOKEN = "tok:access:2026-10:" + "a" * 32


@pytest.fixture(autouse=True)
def door(conn):
    """One person is inside from 1 h to 3 h; somebody without a name came in at 2 h."""
    site(conn)
    item(conn, "zone", "office", {"site": "demo", "name": {"zh": "办公", "en": "Office"}})
    item(conn, "point", "p1", {"type": "gate", "site": "demo", "from_zone": "outside", "to_zone": "office"})
    item(conn, "device", "g1", {"kind": "gate", "site": "demo", "point": "p1"})
    place: dict[str, Any] = {"point": "p1", "site": "demo"}
    counts: dict[str, Any] = {"grants": 1, "exit_requests": 0, "passages": None, "entries": 1, "excess": None}
    about = {**place, **counts, "forced": False, "released": False, "complete": True}
    segment(conn, "access", "g1", "door", "opening", at(1), at(1.001), **about)
    way = {**place, "from": "outside", "to": "office", "direction": "in"}
    segment(conn, "access", "g1", "door", "passage", at(1), at(1), token=TOKEN, opening=text(at(1)), **way)
    segment(conn, "access", "g1", "door", "passage", at(2), at(2), token=None, opening=None, **way)
    inside: dict[str, Any] = {"zone": "office", "state": "inside", "site": "demo", "door": "g1"}
    segment(conn, "access", TOKEN, "place", "place", at(1), at(3), table="person_segment", **inside)


async def test_presence(client):
    found = (await client.get("/v1/access/zones", params={"at": text(at(2.5))})).json()
    (zone,) = found["items"]
    assert (zone["id"], zone["name"]["en"], zone["inside"], zone["unnamed_in"]) == ("office", "Office", 1, 1)
    params = {"from": text(at(0)), "to": text(at(4)), "step": "1h"}
    history = (await client.get("/v1/access/zones/office/history", params=params)).json()["items"]
    assert [each["inside"] for each in history] == [0, 1, 1, 0]
    assert (await client.get("/v1/access/zones/attic/history", params=params)).status_code == 404


async def test_openings_and_passages(client):
    (opening,) = (await client.get("/v1/access/doors/g1/openings", params=RANGE)).json()["items"]
    assert (opening["grants"], opening["passages"], opening["forced"]) == (1, None, False)
    first = (await client.get("/v1/access/passages", params={**RANGE, "door": "g1", "limit": 1})).json()
    rest = (await client.get("/v1/access/passages", params={**RANGE, "cursor": first["next"]})).json()
    assert [(each["time"], each["token"]) for each in first["items"] + rest["items"]] == [
        (text(at(1)), TOKEN), (text(at(2)), None)
    ]  # fmt: skip
    assert (await client.get("/v1/access/passages", params={**RANGE, "door": "g2"})).json()["items"] == []
    assert (await client.get("/v1/access/doors/g2/openings", params=RANGE)).status_code == 404


async def test_places_of_a_person(client):
    (place,) = (await client.get(f"/v1/access/persons/{TOKEN}/places", params=RANGE)).json()["items"]
    assert (place["zone"], place["end"]) == ("office", text(at(3)))
    assert (await client.get("/v1/access/persons/4711/places", params=RANGE)).status_code == 422
