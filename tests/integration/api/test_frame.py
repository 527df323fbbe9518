"""Errors, pages, ranges, health: what all routes share."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from compound.settings import Settings
from tests.integration.api.rows import T0, at, item, site

PROBLEM = "application/problem+json"


def told(answer: httpx.Response, status: int, slug: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["type"] == f"urn:smart-compound:problem:{slug}"
    assert body["status"] == status
    return str(body["detail"])


async def test_unknown_addresses_and_methods_are_problems(client):
    assert "openapi.json" in told(await client.get("/v1/nowhere"), 404, "not-found")
    answer = await client.delete("/v1/lag")
    told(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_naive_time_is_told_so(client):
    answer = await client.get("/v1/registry/device", params={"at": "2026-10-01T00:00:00"})
    assert "without offset" in told(answer, 422, "invalid-request")


@pytest.mark.parametrize("when", ["1234", "yesterday", "2026-02-30T00:00:00Z", "2026-10-01", "2026-10-01T24:00:01Z"])
async def test_what_is_no_time_is_refused(client, when):
    told(await client.get("/v1/registry/device", params={"at": when}), 422, "invalid-request")


@pytest.mark.parametrize("when", ["2026-10-01T08:00:00+08:00", "2026-10-01T00:00:00Z", "2026-10-01t00:00:00.000001z"])
async def test_times_with_an_offset_are_taken(client, when):
    assert (await client.get("/v1/registry/device", params={"at": when})).status_code == 200


async def test_a_plus_that_the_url_lost_is_understood(client):
    assert (await client.get("/v1/registry/device?at=2026-10-01T08:00:00+08:00")).status_code == 200


async def test_years_out_of_range_are_told(client):
    for when in ("0000-01-01T00:00:00Z", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59-23:59"):
        told(await client.get("/v1/registry/device", params={"at": when}), 400, "bad-range")


async def test_ranges_are_checked(client, conn):
    site(conn)
    item(conn, "carpark", "north", {"site": "demo"})
    url = "/v1/parking/north/stays"
    backwards = {"from": "2026-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"}
    assert "half-open" in told(await client.get(url, params=backwards), 400, "bad-range")
    long = {"from": "2024-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"}
    assert "366 days" in told(await client.get(url, params=long), 400, "bad-range")
    fine = {"from": "2026-09-01T00:00:00Z", "to": "2026-10-01T00:00:00Z", "step": "1m"}
    assert "at most" in told(await client.get("/v1/parking/north/history", params=fine), 400, "bad-range")


async def test_unknown_and_repeated_parameters_are_refused(client):
    assert "form" in told(await client.get("/v1/registry/device?form=1"), 422, "invalid-request")
    told(await client.get("/v1/registry/device?limit=1&limit=2"), 422, "invalid-request")


async def test_pages_follow_each_other(client, conn):
    for number in range(7):
        item(conn, "carpark", f"c{number}", {"site": "demo"})
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/registry/carpark", params=params)).json()
        seen += [each["id"] for each in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert seen == [f"c{number}" for number in range(7)]
    assert pages == 3


@pytest.mark.parametrize("cursor", ["abc", "W10", "WzFd", "bnVsbA", "WyJhIiwiYiJd", "_____"])
async def test_a_cursor_of_another_shape_is_a_problem(client, cursor):
    told(await client.get("/v1/registry/device", params={"cursor": cursor}), 400, "bad-cursor")


async def test_an_answer_that_is_known_already_is_304(client, conn):
    item(conn, "carpark", "north", {"site": "demo"})
    first = await client.get("/v1/registry/carpark")
    again = await client.get("/v1/registry/carpark", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    item(conn, "carpark", "south", {"site": "demo"})
    changed = await client.get("/v1/registry/carpark", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_bodies_are_checked(client):
    told(
        await client.post("/v1/registry", content=b"{", headers={"content-type": "application/json"}),
        422,
        "invalid-request",
    )
    told(await client.post("/v1/registry", json={"items": []}), 422, "invalid-request")
    told(
        await client.post("/v1/registry", content=b"x" * 5_000_000, headers={"content-type": "application/json"}),
        413,
        "too-large",
    )


async def test_health(client):
    assert (await client.get("/health/live")).json()["status"] == "live"
    ready = await client.get("/health/ready")
    assert ready.status_code == 200, ready.text
    assert all(check["ok"] for check in ready.json()["checks"].values())


async def test_a_schema_that_is_behind_is_not_ready(client, conn):
    conn.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0020.parking'")
    ready = await client.get("/health/ready")
    assert ready.status_code == 503
    assert "0020.parking" in ready.json()["checks"]["migrations"]["detail"]


async def test_an_empty_database_says_that_it_is_not_migrated(empty_database):
    app = create_app(Settings(database_url=empty_database))
    async with app.router.lifespan_context(app), _client(app) as client:
        told(await client.get("/v1/registry/device"), 503, "not-migrated")


async def test_a_database_that_is_away_is_said_and_waited_for(own_postgres):
    url = own_postgres.start() if own_postgres.process is None else own_postgres.url
    own_postgres.stop()
    app = create_app(Settings(database_url=url))
    async with app.router.lifespan_context(app), _client(app) as client:
        answer = await client.get("/v1/registry/device")
        told(answer, 503, "database-away")
        assert answer.headers["retry-after"] == "2"
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert not ready.json()["checks"]["database"]["ok"]
        assert b"compound_api_database_up 0.0" in (await client.get("/metrics")).content
        own_postgres.start()
        told(await client.get("/v1/registry/device"), 503, "not-migrated")


async def test_a_slow_query_is_cut(database, conn):
    app = create_app(Settings(database_url=database, api_query_s=2.0))
    async with app.router.lifespan_context(app), _client(app) as client:
        with conn.transaction():
            conn.execute("LOCK TABLE registry.item IN ACCESS EXCLUSIVE MODE")
            told(await client.get("/v1/registry/device"), 503, "too-slow")
        assert (await client.get("/v1/registry/device")).status_code == 200


async def test_metrics_name_routes_by_template(client, conn):
    await client.get("/v1/registry/device")
    await client.get("/v1/registry/site")
    text = (await client.get("/metrics")).text
    assert 'compound_api_requests_total{method="GET",route="/v1/registry/{kind}",status="200"} 2.0' in text


async def test_lag_counts_what_a_domain_has_not_read(client, conn, app: FastAPI):
    await client.get("/health/ready")  # makes the topics
    body = {"items": [{"kind": "carpark", "id": "north", "from": "2026-10-01T00:00:00Z", "data": {"site": "demo"}}]}
    applied = await client.post("/v1/registry", json=body)
    assert applied.status_code == 202, applied.text
    assert applied.json() == {"appended": 1, "projected": False, "version": None}
    conn.execute("INSERT INTO registry.position VALUES ('registry', 1, 0, 0)")
    (lag,) = (await client.get("/v1/lag")).json()["items"]
    assert (lag["domain"], lag["lag"], lag["head"]) == ("registry", 1, 1)
    assert lag["behind_s"] >= 0
    conn.execute("UPDATE registry.position SET next_offset = 1")
    (lag,) = (await client.get("/v1/lag")).json()["items"]
    assert (lag["lag"], lag["behind_s"]) == (0, 0)


async def test_items_that_are_none_are_refused_and_nothing_is_appended(client, conn):
    items = [
        {"kind": "carpark", "id": "north", "from": "2026-10-01T00:00:00Z", "data": {"site": "demo"}},
        {
            "kind": "device",
            "id": "m-1",
            "from": "2026-10-01T00:00:00Z",
            "data": {"kind": "meter", "site": "demo", "point": None},
        },
    ]
    answer = await client.post("/v1/registry", json={"items": items})
    assert "rated_w" in told(answer, 400, "bad-item")
    assert answer.json()["errors"][0]["where"] == "body.items.1"
    assert conn.execute("SELECT count(*) FROM book.event").fetchone() == (0,)


async def test_versions_of_an_item(client, conn):
    item(conn, "carpark", "north", {"site": "demo"}, until=T0)
    item(conn, "carpark", "north", None, since=T0)
    found = (await client.get("/v1/registry/carpark/north")).json()["items"]
    assert [(each["data"], each["to"]) for each in found] == [({"site": "demo"}, "2026-10-01T00:00:00Z"), (None, None)]
    told(await client.get("/v1/registry/carpark/south"), 404, "not-found")
    before = await client.get("/v1/registry/carpark", params={"at": (at(0) - timedelta(days=1)).isoformat()})
    assert [each["id"] for each in before.json()["items"]] == ["north"]
    assert (await client.get("/v1/registry/carpark", params={"at": at(1).isoformat()})).json()["items"] == []


def _client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
