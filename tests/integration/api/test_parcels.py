"""Parcels routes over segments as the projection writes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.rows import at, item, segment, site, text

RANGE = {"from": "2026-10-01T00:00:00Z", "to": "2026-10-02T00:00:00Z"}


@pytest.fixture(autouse=True)
def bank(conn):
    """A bank of two cells: a parcel went from `c1` after two hours, one lies in `c2`."""
    site(conn)
    item(conn, "point", "b1", {"type": "locker", "site": "demo", "cells": {"c1": "S", "c2": "M"}})
    item(conn, "device", "lk1", {"kind": "locker", "site": "demo", "point": "b1"})
    gone: dict[str, Any] = {"bank": "b1", "cell": "c1", "size": "S", "uncertain": False}
    lies: dict[str, Any] = {"bank": "b1", "cell": "c2", "size": "M", "uncertain": False}
    segment(conn, "parcels", "lk1", "c1", "parcel", at(1), at(3), parcel="x", outcome="collected", dwell_s=7200, **gone)
    segment(conn, "parcels", "lk1", "c1", "state", at(1), at(3), state="occupied", **gone)
    segment(conn, "parcels", "lk1", "c1", "state", at(3), None, state="free", **gone)
    segment(conn, "parcels", "lk1", "c2", "parcel", at(2), None, parcel=None, outcome=None, dwell_s=None, **lies)
    segment(conn, "parcels", "lk1", "c2", "state", at(2), None, state="occupied", **lies)


async def test_banks_cells_and_fill(client):
    (bank,) = (await client.get("/v1/parcels/banks", params={"at": text(at(2.5))})).json()["items"]
    assert (bank["id"], bank["now"]["occupied"], bank["now"]["fill"]) == ("b1", 2, 1)
    assert (bank["device"], [(size["size"], size["occupied"]) for size in bank["sizes"]]) == (
        "lk1",
        [("M", 1), ("S", 1)],
    )
    cells = (await client.get("/v1/parcels/b1/cells", params={"at": text(at(30))})).json()["items"]
    assert [(cell["cell"], cell["state"], cell["overdue_h"]) for cell in cells] == [
        ("c1", "free", None),
        ("c2", "occupied", 24),
    ]
    fill = (await client.get("/v1/parcels/b1/fill", params={"at": text(at(4))})).json()["items"]
    assert [(size["size"], size["fill"]) for size in fill] == [("M", 1), ("S", 0)]


async def test_parcels_and_dwell(client):
    found = (await client.get("/v1/parcels/b1/parcels", params=RANGE)).json()["items"]
    assert [(each["cell"], each["end"], each["outcome"]) for each in found] == [
        ("c1", text(at(3)), "collected"),
        ("c2", None, None),
    ]
    (dwell,) = (await client.get("/v1/parcels/dwell", params={**RANGE, "bank": "b1"})).json()["items"]
    assert (dwell["outcome"], dwell["parcels"], dwell["dwell_p50_s"]) == ("collected", 1, 7200)


@pytest.mark.parametrize("path", ["cells", "fill", "parcels"])
async def test_an_unknown_bank_is_a_problem(client, path):
    answer = await client.get(f"/v1/parcels/b9/{path}", params=RANGE if path == "parcels" else {})
    assert answer.status_code == 404
