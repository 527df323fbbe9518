"""Devices: state, gaps, and events out of the book."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from compound.events import Event, to_record
from compound.log.open import open_log
from compound.log.port import Log
from compound.timeutil import micros
from tests.integration.api.rows import T0, at, item, site, stale, text

WIDE = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-31T00:00:00Z"}


@pytest.fixture
def devices(conn) -> None:
    """`m1` lives and lost three numbers, `m2` is registered and silent, `m3` was never heard, `x9` is not registered."""
    site(conn)
    for name in ("m1", "m2", "m3"):
        item(conn, "point", f"p-{name}", {"type": "meter", "site": "demo", "medium": "electricity"})
        data = {"kind": "meter", "site": "demo", "point": f"p-{name}", "rated_w": 1000}
        item(conn, "device", name, data)
        conn.execute("INSERT INTO liveness.watch VALUES (%s, 'meter', 0, 'demo', %s, 1800, '{}')", (name, T0))
    for name in ("m1", "m2", "x9"):
        conn.execute(
            "INSERT INTO liveness.device (device, kind, site, first_seen, last_seen, newest, boot, messages)"
            " VALUES (%s, 'meter', 'demo', %s, %s, %s, 2, 10)",
            (name, at(0), at(1), at(1)),
        )
    conn.execute("INSERT INTO liveness.channel VALUES ('m1', 'reading', %s)", (at(1),))
    conn.execute("INSERT INTO liveness.seq VALUES ('m1', 1, '{[0,5),[7,10)}'), ('m1', 2, '{[0,1),[2,3)}')")
    conn.execute("INSERT INTO liveness.lost VALUES ('m2', 'silent', '', %s, NULL)", (at(1),))


async def test_states(client, devices):
    found = (await client.get("/v1/devices")).json()["items"]
    assert [(each["id"], each["state"], each["registered"]) for each in found] == [
        ("m1", "alive", True), ("m2", "silent", True), ("m3", "never", True), ("x9", "alive", False)
    ]  # fmt: skip
    assert [each["id"] for each in (await client.get("/v1/devices?state=silent")).json()["items"]] == ["m2"]
    assert (await client.get("/v1/devices?kind=gate")).json()["items"] == []
    assert (await client.get("/v1/devices?state=dead")).status_code == 422


async def test_one_device(client, conn, devices):
    stale(conn, "energy", "meter", "m1")
    found = (await client.get("/v1/devices/m1")).json()
    assert (found["lost"], found["stale"], found["data"]["rated_w"], found["point"]) == (3, True, 1000, "p-m1")
    assert found["channels"] == [{"channel": "reading", "last_seen": text(at(1)), "silent_since": None}]
    assert (await client.get("/v1/devices/x9")).json()["data"] is None
    assert (await client.get("/v1/devices/none")).status_code == 404


async def test_gaps_in_pages(client, devices):
    first = (await client.get("/v1/devices/m1/gaps", params={"limit": 1})).json()
    rest = (await client.get("/v1/devices/m1/gaps", params={"cursor": first["next"]})).json()
    assert first["items"] + rest["items"] == [
        {"boot": 1, "first": 5, "last": 6, "count": 2}, {"boot": 2, "first": 1, "last": 1, "count": 1}
    ]  # fmt: skip


@pytest.fixture
def log(database: str) -> Iterator[Log]:
    made = open_log("", database, 2)
    yield made
    made.close()


def event(device: str, number: int) -> Event:
    data = msgspec.json.encode({"seq": number})
    return Event(
        f"{device}-{number}", f"compound/v1/demo/meter/{device}", "meter.reading.v1", micros(at(number)), device, data
    )


async def test_events_out_of_the_book(client, log, devices, monkeypatch):
    log.append([to_record("meter", event(name, number)) for number in range(30) for name in ("m1", "m2", "x9")])
    (now, then) = _around_now()
    monkeypatch.setattr("api.book.SCANNED", 7)
    params = {"from": now, "to": then, "limit": 4}
    seen: list[int] = []
    pages = 0
    while True:
        page = (await client.get("/v1/devices/m1/events", params=params)).json()
        seen += [each["data"]["seq"] for each in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == list(range(30))
    assert pages >= 8
    (first, *_) = (await client.get("/v1/devices/m1/events", params={"from": now, "to": then})).json()["items"]
    assert (first["id"], first["type"], first["time"]) == ("m1-0", "meter.reading.v1", text(at(0)))
    assert (await client.get("/v1/devices/m1/events", params=WIDE)).json()["items"] == []


async def test_events_go_on_in_the_next_generation(client, log, devices):
    log.append([to_record("meter", event("m1", number)) for number in range(3)])
    log.recreate("meter", 3)
    log.append([to_record("meter", event("m1", number)) for number in range(3, 6)])
    now, then = _around_now()
    first = (await client.get("/v1/devices/m1/events", params={"from": now, "to": then, "limit": 3})).json()
    rest = (await client.get("/v1/devices/m1/events", params={"from": now, "to": then, "cursor": first["next"]})).json()
    assert [each["address"]["generation"] for each in first["items"] + rest["items"]] == [1, 1, 1, 2, 2, 2]


async def test_on_kafka_the_book_holds_what_the_archiver_copied(client, conn, log, devices):
    log.append([to_record("meter", event("m1", 1))])
    conn.execute("UPDATE book.generation SET log = 'kafka', topic_id = topic")
    now, then = _around_now()
    found = (await client.get("/v1/devices/m1/events", params={"from": now, "to": then})).json()
    assert [each["address"]["offset"] for each in found["items"]] == [0]


def _around_now() -> tuple[str, str]:
    now = datetime.now(UTC)
    return text(now - timedelta(days=1)), text(now + timedelta(days=1))
