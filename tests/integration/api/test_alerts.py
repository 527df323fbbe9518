"""Alerts: the lists, an alert's history, acknowledging."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.integration.api.rows import at, text


def alert(conn, id_: str, phase: str, raised: datetime, **fields: Any) -> None:
    row: dict[str, Any] = {
        "domain": "access",
        "rule": "held",
        "subject": "g1",
        "what": "door",
        "category": "security",
        "priority": "medium",
        "start": raised,
        "notify": True,
        "times": 1,
        "detail": Jsonb({"opened": "x"}),
        **fields,
        "id": id_,
        "phase": phase,
        "raised": raised,
    }
    columns = ", ".join(row)
    conn.execute(f"INSERT INTO alerts.alert ({columns}) VALUES ({', '.join(f'%({name})s' for name in row)})", row)


@pytest.fixture
def alerts(conn) -> None:
    alert(conn, "a1", "raised", at(1))
    alert(conn, "a2", "cleared", at(2), cleared=at(3))
    alert(conn, "a3", "cleared", at(3), category="maintenance", rule="silent", domain="liveness", subject="m1")
    alert(conn, "a4", "raised", at(4), acknowledged=at(5), acknowledged_by="li", note="")
    conn.execute("INSERT INTO alerts.alert (id) VALUES ('a5')")  # a command came first
    conn.execute(
        "INSERT INTO alerts.event VALUES ('a1', 'e1', 'alert.raised.v1', 's', %s, %s, 0, '{\"alert\": \"a1\"}')",
        (at(1), at(1)),
    )
    conn.execute(
        "INSERT INTO alerts.delivery (event, channel, alert, state, next_at) VALUES ('e1', 'mqtt', 'a1', 'waiting', now())"
    )


async def ids(client, **params: Any) -> list[str]:
    found: list[str] = []
    params["limit"] = 2
    while True:
        page = (await client.get("/v1/alerts", params=params)).json()
        found += [each["id"] for each in page["items"]]
        if page["next"] is None:
            return found
        params["cursor"] = page["next"]


async def test_lists(client, alerts):
    assert await ids(client) == ["a4", "a3", "a2", "a1"]
    assert await ids(client, state="open") == ["a4", "a2", "a1"]
    assert await ids(client, state="unacknowledged") == ["a2"]
    assert await ids(client, category="maintenance") == ["a3"]
    assert await ids(client, subject="m1", rule="silent") == ["a3"]


async def test_one_with_its_history(client, alerts):
    found = (await client.get("/v1/alerts/a1")).json()
    assert (found["state"], found["raised"], found["detail"]) == ("raised", text(at(1)), {"opened": "x"})
    assert [each["type"] for each in found["events"]] == ["alert.raised.v1"]
    assert [(each["channel"], each["state"]) for each in found["deliveries"]] == [("mqtt", "waiting")]
    assert (await client.get("/v1/alerts/a5")).status_code == 404


async def test_acknowledging_appends_an_event(client, conn, alerts):
    answer = await client.post("/v1/alerts/a1/acknowledge", json={"who": "li", "note": "seen"})
    assert (answer.status_code, answer.json()["state"]) == (202, "raised")  # no projection runs here
    ((key, value),) = conn.execute("SELECT key, value FROM book.event WHERE topic = 'commands'").fetchall()
    assert (key, value) == (b"a1", b'{"alert":"a1","who":"li","note":"seen"}')


async def test_acknowledging_again_changes_nothing(client, conn, alerts):
    for id_ in ("a3", "a4"):
        assert (await client.post(f"/v1/alerts/{id_}/acknowledge", json={"who": "wang"})).status_code == 200
    assert conn.execute("SELECT count(*) FROM book.event").fetchone() == (0,)
    assert (await client.post("/v1/alerts/none/acknowledge", json={"who": "wang"})).status_code == 404
    assert (await client.post("/v1/alerts/a1/acknowledge", json={"note": "who?"})).status_code == 422


async def test_status(client, conn, alerts):
    found = (await client.get("/v1/status")).json()
    assert found["open_alerts"] == {"medium": 3}
    assert (found["devices"], found["quarantine"], found["unknown_devices"]) == ({}, {}, 0)
