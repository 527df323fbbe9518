"""Conditions of every domain in one list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.rows import at, item, segment, site, text

RANGE = {"from": text(at(0)), "to": text(at(24))}


@pytest.fixture(autouse=True)
def conditions(conn):
    site(conn)
    ahead = datetime.now(UTC) + timedelta(days=1)
    segment(conn, "parking", "d1", "spot", "overstay", at(1), None, at(1), spot="s1")
    segment(conn, "parking", "d1", "spot", "state", at(1), None, state="occupied")
    segment(conn, "access", "g1", "door", "held", at(2), at(3), at(2))
    person: dict[str, Any] = {"zone": "z"}
    segment(conn, "access", "tok:x", "place", "anti-passback", at(2), at(2.1), at(2), table="person_segment", **person)
    segment(conn, "parcels", "lk", "c1", "overdue-24", at(4), at(30), at(4))
    segment(conn, "parcels", "lk", "c1", "overdue-48", ahead, None, ahead)
    segment(conn, "solar", "i1", "state", "inverter-fault", at(5), None, at(5))
    conn.execute("INSERT INTO liveness.lost VALUES ('m1', 'silent', '', %s, %s)", (at(6), at(7)))
    item(conn, "quota", "q1", {"department": "d1", "year": 2026, "medium": "electricity", "budget": 1, "weights": []})
    conn.execute(
        "INSERT INTO quotas.figure VALUES ('q1', 'month', %s, %s, 'dep', 'electricity', 'consumption', 2026, %s, 1, 1, 1, 1, 1,"
        " 1, 1, 1, false, 0)",
        (at(0), at(700), at(100)),
    )
    conn.execute(
        "INSERT INTO quotas.level VALUES ('q1', 'month', %s, 'notice', 'dep', 'electricity', %s)", (at(0), at(8))
    )
    conn.execute("INSERT INTO energy.series (subject, what) VALUES ('m2', 'import_wh')")
    conn.execute("INSERT INTO energy.segment SELECT id, 0, %s, %s, 0, 0, 3, false FROM energy.series", (at(8), at(9)))


async def found(client, **params: Any) -> list[tuple[str, str]]:
    seen: list[tuple[str, str]] = []
    asked = {**RANGE, "limit": 3, **params}
    while True:
        page = (await client.get("/v1/conditions", params=asked)).json()
        seen += [(each["domain"], each["rule"]) for each in page["items"]]
        if page["next"] is None:
            return seen
        asked["cursor"] = page["next"]


async def test_all_domains_in_order_of_time(client):
    assert await found(client) == [
        ("parking", "overstay"),
        ("access", "anti-passback"),
        ("access", "held"),
        ("parcels", "overdue-24"),
        ("solar", "inverter-fault"),
        ("liveness", "silent"),
        ("quotas", "quota-notice"),
        ("energy", "break"),
    ]


async def test_filters(client):
    assert await found(client, domain="access") == [("access", "anti-passback"), ("access", "held")]
    assert await found(client, rule="held") == [("access", "held")]
    assert await found(client, subject="lk") == [("parcels", "overdue-24")]
    touching = {"from": text(at(25)), "to": text(at(26))}
    assert await found(client, **touching, domain="parcels") == [("parcels", "overdue-24")]
    assert await found(client, **touching, domain="access") == []
