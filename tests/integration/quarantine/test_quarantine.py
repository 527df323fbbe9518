"""The quarantine's projection, and sending again through a real broker."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from compound.events import COMMANDS, QUARANTINE, Event, Received
from compound.keys import Keys
from compound.quarantine import MESSAGE, Quarantined, retry_command, seal
from compound.registry.timeline import build
from compound.settings import Settings
from compound.store.db import Connection, connect
from processors.quarantine import create
from processors.quarantine.resend import BrokerAway, Resender
from processors.runtime.domain import Tx

TOPIC = "compound/v1/demo/meter/m1/reading"


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database, "test", "quarantine", autocommit=True) as made:
        yield made


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database, keys=tmp_path / "keys", mqtt_url="mqtt://127.0.0.1:1")


def message(settings: Settings, payload: bytes = b"{", recorded: int = 5, *, cut: bool = False) -> Received:
    identity, sealed = seal(Keys(settings.keys), "2026-10", TOPIC, payload)
    data = Quarantined("not JSON", "2026-10-12T02:00:00Z", len(payload), "2026-10", sealed, TOPIC, cut=cut)
    event = Event(identity, "compound/v1/demo/meter/m1", MESSAGE, 1, identity, msgspec.json.encode(data))
    return Received(event, QUARANTINE, 1, 0, 0, recorded)


def wish(identity: str, recorded: int) -> Received:
    return Received(retry_command(identity, "li", recorded), COMMANDS, 1, 0, 0, recorded)


def apply(conn: Connection, settings: Settings, *events: Received) -> None:
    with conn.transaction():
        create(settings).apply(Tx(conn, "quarantine", build([]), 0), events)


def state(conn: Connection) -> list[tuple[object, ...]]:
    return conn.execute("SELECT state, reason, copies, retried_by, retry_failed FROM entry").fetchall()


def now(conn: Connection) -> int:
    row = conn.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").fetchone()
    assert row
    return int(row[0])


def test_copies_count_once(conn, settings):
    apply(conn, settings, message(settings), message(settings, recorded=9))
    assert state(conn) == [("held", "not JSON", 2, None, None)]
    row = conn.execute(
        "SELECT topic, extract(epoch FROM recorded) * 1e6, sealed LIKE %s FROM message", ("%{%",)
    ).fetchone()
    assert row == (TOPIC, 9, False)


def test_an_event_that_is_none_is_passed_over(conn, settings):
    bad = message(settings)
    bad = msgspec.structs.replace(bad, event=msgspec.structs.replace(bad.event, data=b"{"))
    apply(conn, settings, bad, message(settings))
    assert len(state(conn)) == 1


def test_a_wish_waits_while_the_broker_is_away(conn, settings):
    held = message(settings)
    apply(conn, settings, held, wish(held.event.id, now(conn)))
    assert [row[0] for row in state(conn)] == ["retrying"]
    with pytest.raises(BrokerAway):
        Resender(settings).turn(conn)
    assert [row[0] for row in state(conn)] == ["retrying"]


def test_what_cannot_be_sent_again_says_why(conn, settings, tmp_path):
    cut, lost = message(settings, cut=True), message(settings, b"[")
    apply(conn, settings, cut, lost, wish(cut.event.id, now(conn)), wish(lost.event.id, now(conn)))
    (tmp_path / "keys" / "quarantine-2026-10.key").unlink()
    assert Resender(settings).turn(conn) == 2
    failed = conn.execute("SELECT retry_failed FROM entry ORDER BY cut").fetchall()
    assert "the key of quarantine in 2026-10" in failed[0][0]
    assert "longer than what is kept" in failed[1][0]


def test_an_old_wish_has_failed(conn, settings):
    """A rebuild reads all commands again and must send nothing; and who asked while the broker was away is told."""
    held = message(settings)
    apply(conn, settings, held, wish(held.event.id, now(conn) - 2 * 3600 * 1_000_000))
    assert Resender(settings).turn(conn) == 0
    assert [(row[0], str(row[4])[-9:]) for row in state(conn)] == [("held", "ask again")]


def test_a_message_is_sent_again(conn, settings, embedded_broker):
    settings = settings.model_copy(update={"mqtt_url": f"mqtt://127.0.0.1:{embedded_broker.port}"})
    heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
    subscribed = threading.Event()
    listener = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    listener.on_connect = lambda client, *_: client.subscribe(TOPIC, qos=1)
    listener.on_subscribe = lambda *_: subscribed.set()
    listener.on_message = lambda _client, _data, found: heard.put((found.topic, bytes(found.payload)))
    listener.connect("127.0.0.1", embedded_broker.port)
    listener.loop_start()
    assert subscribed.wait(60)
    held = message(settings, b'{"time": 1}')
    apply(conn, settings, held, wish(held.event.id, now(conn)))
    assert Resender(settings).turn(conn) == 1
    assert heard.get(timeout=60) == (TOPIC, b'{"time": 1}')
    listener.disconnect()
    listener.loop_stop()
    assert [row[0] for row in state(conn)] == ["retried"]
    assert Resender(settings).turn(conn) == 0
    apply(conn, settings, message(settings, b'{"time": 1}', now(conn) + 1_000_000))  # ingest put it back
    assert [(row[0], row[2]) for row in state(conn)] == [("held", 2)]
