"""Quota routes over figures as the evaluator writes them."""

from __future__ import annotations

import pytest

from tests.integration.api.rows import at, item, site, text


@pytest.fixture(autouse=True)
def quota(conn):
    site(conn)
    item(conn, "department", "d1", {"site": "demo", "area_m2": 1, "headcount": 1})
    item(
        conn, "quota", "q1", {"department": "d1", "year": 2026, "medium": "electricity", "budget": 1000, "weights": []}
    )
    item(conn, "quota", "q2", {"department": "d1", "year": 2026, "medium": "water", "budget": 10, "weights": []})
    conn.execute(
        "INSERT INTO quotas.figure VALUES ('q1', 'month', %(a)s, %(b)s, 'd1', 'electricity', 'consumption', 2026, %(u)s, 1000,"
        " 870, 0.87, 800, 1.0875, 200, 1087.5, 0.99, false, 0)",
        {"a": at(0), "b": at(744), "u": at(600)},
    )
    conn.execute(
        "INSERT INTO quotas.level VALUES ('q1', 'month', %s, 'notice', 'd1', 'electricity', %s)", (at(0), at(500))
    )


async def test_quotas_of_a_year(client):
    found = (await client.get("/v1/quotas", params={"year": 2026})).json()["items"]
    assert [(each["quota"], each["unit"], each["total"]) for each in found] == [("q1", "Wh", None), ("q2", "l", None)]
    (month,) = found[0]["months"]
    assert (month["used"], month["forecast"], month["until"]) == (0.87, 1087.5, text(at(600)))
    assert month["levels"] == [{"level": "notice", "at": text(at(500))}]
    assert (await client.get("/v1/quotas", params={"year": 2025})).json()["items"] == []


async def test_quotas_of_a_department(client):
    params = {"year": 2026, "medium": "water"}
    (found,) = (await client.get("/v1/quotas/d1", params=params)).json()["items"]
    assert (found["quota"], found["timezone"], found["months"]) == ("q2", "Asia/Shanghai", [])
    assert (await client.get("/v1/quotas/d9")).status_code == 404
