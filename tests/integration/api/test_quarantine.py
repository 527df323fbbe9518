"""Quarantine routes, with the projection run by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compound.keys import Keys
from compound.log.open import open_log
from compound.log.port import Log
from compound.quarantine import RETRY, seal
from tests.integration.api.rows import at, text


@pytest.fixture
def entries(conn, tmp_path: Path) -> list[str]:
    """Two messages, one of them too long to be kept, and a device that nobody registered."""
    found = []
    for number, payload in enumerate((b"{", b"[" * 20)):
        identity, sealed = seal(Keys(tmp_path / "keys"), "2026-10", "compound/v1/demo/meter/m/reading", payload)
        conn.execute(
            "INSERT INTO quarantine.message VALUES (%s, %s, NULL, 't', NULL, %s, %s, '2026-10', %s, %s, %s, %s, 1)",
            (
                identity,
                ("not JSON", "too long")[number],
                len(payload),
                number == 1,
                sealed,
                at(0),
                at(number),
                at(number),
            ),
        )
        found.append(identity)
    conn.execute("INSERT INTO liveness.waiting VALUES ('x9', 'meter', %s, 1, 1, %s)", (at(2), at(2)))
    return found


@pytest.fixture
def log(database: str) -> Iterator[Log]:
    made = open_log("", database, 2)
    yield made
    made.close()


async def test_the_list(client, entries):
    first = (await client.get("/v1/quarantine", params={"limit": 2})).json()
    rest = (await client.get("/v1/quarantine", params={"cursor": first["next"]})).json()
    assert [(each["id"], each["reason"]) for each in first["items"] + rest["items"]] == [
        ("device.x9", "unknown device"), (entries[1], "too long"), (entries[0], "not JSON")
    ]  # fmt: skip
    (unknown,) = (await client.get("/v1/quarantine", params={"reason": "unknown device"})).json()["items"]
    assert (unknown["device"], unknown["count"], unknown["recorded"]) == ("x9", 1, text(at(2)))
    assert (await client.get("/v1/quarantine/device.x9")).json() == unknown
    assert (await client.get("/v1/quarantine/none")).status_code == 404


async def test_a_retry_becomes_a_command(client, conn, entries, log):
    answer = await client.post(f"/v1/quarantine/{entries[0]}/retry", json={"who": "li"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "held"
    ((headers, value),) = conn.execute("SELECT headers, value FROM book.event WHERE topic = 'commands'").fetchall()
    assert RETRY.encode() in headers
    assert b'"who":"li"' in value
    conn.execute("INSERT INTO quarantine.position VALUES ('commands', 1, 0, 2)")
    conn.execute("INSERT INTO quarantine.retry VALUES (%s, 'c', 'li', now())", (entries[0],))
    again = await client.post(f"/v1/quarantine/{entries[0]}/retry", json={})
    assert (again.status_code, again.json()["state"]) == (200, "retrying")


async def test_what_can_not_be_retried_says_why(client, entries):
    cut = await client.post(f"/v1/quarantine/{entries[1]}/retry", json={})
    assert (cut.status_code, "can't be sent again" in cut.json()["detail"]) == (409, True)
    device = await client.post("/v1/quarantine/device.x9/retry", json={})
    assert (device.status_code, "Register the device 'x9'" in device.json()["detail"]) == (409, True)
