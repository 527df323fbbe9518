"""`?known_at=`: the API answers what it answered then, and says what it can't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.database import Database
from compound.events import HISTORY
from compound.settings import Settings
from compound.store.db import connect
from compound.timeutil import HOUR, micros, moment, text
from processors.known import recall_from
from tests.properties.events import ALTERATIONS, DAY0, DEVICES, PLACES, START, change
from tests.properties.house import House
from tests.support.alerts import told
from tests.support.known import feed, keep
from tests.support.rebuild_rig import events

pytestmark = pytest.mark.timeout(1800)
DOMAINS = ("registry", "energy", "parking", "access", "parcels", "solar", "liveness", "alerts", "quotas")
SINCE, UNTIL = text(START - HOUR), text(START + 20 * HOUR)
RANGE = f"from={SINCE}&to={UNTIL}"
ASKED = (
    *(f"/v1/energy/{group}&{RANGE}&by={by}".replace("&", "?", 1) for by in ("quarter", "day")
      for group in ("meter/m1", "meter/i1", "point/p-main", "point/p-sub", "site/s")),
    f"/v1/energy/meter/m2?{RANGE}&by=quarter&register=import_wh",
    f"/v1/energy/balance/p-main?{RANGE}&by=quarter",
    f"/v1/meters/m1/points?{RANGE}",
    f"/v1/meters/m2/segments?{RANGE}",
    f"/v1/parking/c/now?at={text(START + 3 * HOUR)}",
    f"/v1/parking/c/history?{RANGE}&step=5m",
    f"/v1/parking/c/stays?{RANGE}",
    f"/v1/parking/carparks?at={text(START + 2 * HOUR)}",
    f"/v1/parking/spots/p-spot/segments?{RANGE}",
    f"/v1/access/zones?at={text(START + 3 * HOUR)}",
    f"/v1/access/zones/yard/history?{RANGE}&step=5m",
    f"/v1/access/doors/g1/openings?{RANGE}",
    f"/v1/access/passages?{RANGE}",
    f"/v1/access/persons/tok:access:2026-09:{'a' * 32}/places?{RANGE}",
    f"/v1/parcels/banks?at={text(START + 3 * HOUR)}",
    f"/v1/parcels/p-bank/cells?at={text(START + 3 * HOUR)}",
    f"/v1/parcels/p-bank/parcels?{RANGE}",
    f"/v1/parcels/dwell?{RANGE}",
    f"/v1/solar/roof?{RANGE}&by=quarter",
    f"/v1/solar/roof?{RANGE}",
    f"/v1/solar/inverters/i1?{RANGE}",
    f"/v1/solar/inverters/i1/states?{RANGE}",
    "/v1/registry/device",
    "/v1/registry/device/m2",
    "/v1/quotas?year=2026",
    "/v1/quotas/d?year=2026",
    f"/v1/quotas/d?year=2026&at={text(START + 2 * HOUR)}",
    "/v1/devices",
    "/v1/devices/m1",
    "/v1/devices/m1/gaps",
    "/v1/alerts",
    "/v1/alerts/a",
    f"/v1/conditions?{RANGE}",
    f"/v1/conditions?{RANGE}&domain=access&subject=g1",
)  # fmt: skip
BUDGET = {
    "department": "d",
    "year": 2026,
    "medium": "electricity",
    "budget": 40_000,
    "weights": ["0"] * 8 + ["0.25"] * 4,
}
DEPARTMENT = [
    change("department", "d", DAY0, {"site": "s", "area_m2": 100, "headcount": 10}),
    change("point", "p-sub", DAY0, {"type": "meter", "site": "s", "medium": "electricity", "parent": "p-main", "department": "d"}),
    change("quota", "q", DAY0, BUDGET),
]  # fmt: skip


@asynccontextmanager
async def asking(settings: Settings, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, **more)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api,
    ):
        yield api


async def test_the_answers_of_then(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All routes that answer known_at: as answered at K, after much has come that changes what they say now."""
    settings = Settings(database_url=database)
    chance, begun = Random(11), micros(datetime.now(UTC)) - HOUR
    first = [
        *PLACES,
        *DEPARTMENT,
        *DEVICES,
        *events(chance, 400),
        *ALTERATIONS[:2],
        (HISTORY, told("raised", "a", START)),
    ]
    later = [*events(Random(12), 400, 60), *ALTERATIONS[2:], (HISTORY, told("cleared", "a", START + HOUR))]
    later += [change("quota", "q", DAY0, {**BUDGET, "budget": 20_000}), (HISTORY, told("raised", "b", START + HOUR))]
    known_at = moment(begun + len(first) - 1)
    with House(database, DOMAINS) as house:
        async with asking(settings, recall=recall_from(settings)) as api:
            _feed(house, first, begun)
            monkeypatch.setattr(Database, "now", lambda self: known_at)
            then = [await api.get(path) for path in ASKED]
            assert [(path, a.text) for path, a in zip(ASKED, then, strict=True) if a.status_code != 200] == []
            _feed(house, later, begun + 1_000_000)
            differs = 0
            for path, before in zip(ASKED, then, strict=True):
                known = await api.get(
                    f"{path}{'&' if '?' in path else '?'}known_at={known_at.isoformat().replace('+', '%2B')}"
                )
                assert known.status_code == 200, (path, known.text)
                assert (path, known.json()) == (path, before.json())
                differs += (await api.get(path)).json() != before.json()
            assert differs > len(ASKED) // 2
            at = await api.get(f"/v1/devices/m1?at={text(micros(known_at))}")
            assert at.json() == then[ASKED.index("/v1/devices/m1")].json()


async def test_what_can_not_be_answered_is_said(database: str) -> None:
    """Too much, ahead of now, too many at once, or started without: each a problem with a sentence."""
    settings = Settings(database_url=database, api_known_points=10, api_query_s=5.0)
    begun = micros(datetime.now(UTC)) - HOUR
    with House(database, DOMAINS) as house:
        _feed(house, [*PLACES, *DEVICES, *events(Random(13), 200)], begun)
    path = f"/v1/energy/site/s?{RANGE}&by=day&known_at="
    early, ahead = "2026-01-01T00:00:00Z", text(micros(datetime.now(UTC) + timedelta(days=1)))
    async with asking(settings, recall=recall_from(settings)) as api:
        answer = await api.get(path + text(begun + 100))
        assert (answer.status_code, "COMPOUND_API_KNOWN_POINTS" in answer.json()["detail"]) == (400, True)
        assert (await api.get(path + ahead)).status_code == 400
        assert (await api.get(path + early)).json()["type"].endswith("not-found")
        places = api._transport.app.state.services.places  # type: ignore[attr-defined]
        await asyncio.gather(*(places.acquire() for _ in range(settings.api_known)))
        assert (await api.get(path + early)).json()["type"].endswith("busy")
    async with asking(settings) as api:
        assert "processors" in (await api.get(path + early)).json()["detail"]


def _feed(house: House, given: list[Any], recorded: int) -> None:
    """Through all domains and into the book, and settled."""
    with connect(house.url, "test", autocommit=True) as conn:
        keep(conn, feed(house, given, recorded))
    house.now = recorded + len(given)
    house._members["quotas"][0].worker.domain.forget()
    for _ in range(3):  # the clear sky of a site is filled in slices
        house.settle()
