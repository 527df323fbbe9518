"""Commands with the processors running: the answer comes when the projection has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from compound.events import HISTORY, Event, to_record
from compound.log.open import open_log
from compound.settings import Settings
from processors.main import run

NOW = 1_791_000_000_000_000


@pytest.fixture
def settings(database: str, tmp_path) -> Settings:
    return Settings(database_url=database, api_wait_s=20, keys=tmp_path, mqtt_url="mqtt://127.0.0.1:1")


@pytest.fixture
def processors(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(settings, stop, ("registry", "alerts")))
    thread.start()
    yield
    stop.set()
    thread.join(60)


async def test_applied_items_are_there_when_the_answer_is(client, processors):
    data = {"site": "demo", "name": {"zh": "北", "en": "North"}}
    items = [{"kind": "carpark", "id": name, "from": "2026-10-01T00:00:00+08:00", "data": data} for name in ("n", "s")]
    answer = await client.post("/v1/registry", json={"items": items})
    assert (answer.status_code, answer.json()) == (200, {"appended": 2, "projected": True, "version": 2})
    found = (await client.get("/v1/registry/carpark", params={"at": "2026-10-01T00:00:00+08:00"})).json()["items"]
    assert [(each["id"], each["from"], each["data"]) for each in found] == [
        ("n", "2026-09-30T16:00:00Z", data), ("s", "2026-09-30T16:00:00Z", data)
    ]  # fmt: skip


async def test_an_acknowledged_alert_is_so_when_the_answer_is(client, processors, settings):
    told = (
        b'{"alert":"a1","domain":"access","rule":"held","subject":"g1","what":"door","start":"2026-10-01T00:00:00Z",'
        b'"category":"security","priority":"medium","notify":false,"detail":{}}'
    )
    log = open_log("", settings.database_url, 1)
    log.append([to_record(HISTORY, Event("e1", "test", "alert.raised.v1", NOW, "g1", told), "a1")])
    log.close()
    for _ in range(100):
        if (await client.get("/v1/alerts/a1")).status_code == 200:
            break
        threading.Event().wait(0.1)
    answer = await client.post("/v1/alerts/a1/acknowledge", json={"who": "li"})
    assert (answer.status_code, answer.json()["state"]) == (200, "acknowledged")
    again = await client.post("/v1/alerts/a1/acknowledge", json={"who": "wang"})
    assert again.json()["acknowledged_by"] == "li"
