"""Deliveries: in order, again until a good answer, given up at last, and nothing lost by a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import msgspec
import paho.mqtt.client as mqtt
import pytest

from compound.events import HISTORY
from compound.settings import Settings
from compound.store.db import connect
from compound.timeutil import micros
from processors.alerts import create
from processors.alerts.channel import Channel, Message, Refused
from processors.alerts.mqtt import MqttChannel
from processors.alerts.sender import Sender
from processors.alerts.webhook import WebhookChannel
from tests.services.mqtt import MqttBroker
from tests.support.alerts import told
from tests.support.bench import Bench

NOW = datetime.now(UTC)
AT = micros(NOW)


class Far:
    """A channel that answers as it is told."""

    def __init__(self, *faults: str | None) -> None:
        self.faults = list(faults)
        self.got: list[Message] = []

    def send(self, message: Message) -> None:
        self.got.append(message)
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise Refused(fault)

    def close(self) -> None:
        pass


class Desk(Bench):
    """Alerts with a sender whose clock the test sets."""

    def __init__(self, url: str, attempts: int = 5) -> None:
        self.settings = Settings(database_url=url, alert_webhook_url="http://127.0.0.1:9/", alert_attempts=attempts)
        super().__init__(url, create(self.settings))
        self.now = NOW
        self.sender = Sender("webhook", Far, self.settings, clock=lambda: self.now)

    def send(self, channel: Channel, seconds: float = 0) -> int:
        """Send all that is due after `seconds` more; how many attempts that were."""
        self.now += timedelta(seconds=seconds)
        count = 0
        while self.sender.turn(self.conn, channel):
            count += 1
        return count

    def states(self) -> list[tuple[str, str, int]]:
        found = self.rows("SELECT event, state, attempts FROM alerts.delivery ORDER BY number")
        return [(event, state, attempts) for event, state, attempts in found]


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    made = Desk(database)
    yield made
    made.close()


def test_each_event_once_in_order_under_its_own_key(desk: Desk) -> None:
    far = Far()
    desk.arrive(told("raised", "a", AT), told("cleared", "a", AT), at=AT, topic=HISTORY)
    assert desk.send(far) == 2
    assert [message.key for message in far.got] == ["a-raised-1", "a-cleared-1"]
    said = msgspec.json.decode(far.got[0].body)
    assert (said["specversion"], said["type"], said["data"]["alert"]) == ("1.0", "alert.raised.v1", "a")
    assert desk.send(far, 3600) == 0
    assert [each.data["outcome"] for each in desk.told()] == ["delivered", "delivered"]


def test_cleared_waits_for_raised(desk: Desk) -> None:
    far = Far("HTTP 500", "HTTP 500")
    desk.arrive(told("raised", "a", AT), told("cleared", "a", AT), at=AT, topic=HISTORY)
    desk.arrive(told("raised", "b", AT, subject="other"), at=AT, topic=HISTORY)
    desk.send(far)
    assert [message.key for message in far.got] == ["a-raised-1", "b-raised-1"]
    desk.send(far, 60)
    assert [message.key for message in far.got][2:] == ["a-raised-1", "a-cleared-1", "b-raised-1"]


def test_it_is_given_up_after_the_last_attempt_and_shown(desk: Desk) -> None:
    far = Far(*["HTTP 503"] * 5)
    desk.arrive(told("raised", "a", AT), at=AT, topic=HISTORY)
    waits = [0, 1, 3, 5, 10, 20, 3600]
    for seconds in waits:
        desk.send(far, seconds)
    assert desk.states() == [("a-raised-1", "dead", 5)]
    (said,) = desk.told()
    assert (said.data["outcome"], said.data["error"]) == ("dead", "HTTP 503")


def test_a_rebuilt_projection_sends_nothing_again(desk: Desk) -> None:
    raised = told("raised", "a", AT)
    desk.arrive(raised, at=AT, topic=HISTORY)
    desk.send(Far())
    (delivered,) = desk.told()
    with desk.conn.transaction():
        desk.conn.execute("TRUNCATE alert, event, delivery")
    desk.arrive(raised, delivered.event, at=AT, topic=HISTORY)
    assert desk.states() == [("a-raised-1", "delivered", 1)]
    assert desk.send(Far(), 60) == 0


def test_a_webhook_counts_only_by_its_answer() -> None:
    answers = [httpx.Response(200, json={"errcode": 45009}), httpx.Response(200, json={"errcode": 0})]
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers[len(asked) - 1]

    channel = WebhookChannel("https://example.invalid/send?key=secret", 1, httpx.MockTransport(answer))
    message = Message("key-1", "a", "s", "security", b"{}")
    with pytest.raises(Refused, match="errcode 45009"):
        channel.send(message)
    channel.send(message)
    channel.close()
    assert [request.headers["idempotency-key"] for request in asked] == ["key-1", "key-1"]


def test_a_webhook_that_can_not_be_reached_says_so_without_its_address() -> None:
    channel = WebhookChannel("http://127.0.0.1:9/send?key=secret", 1)
    with pytest.raises(Refused) as refused:
        channel.send(Message("k", "a", "s", "security", b"{}"))
    channel.close()
    assert "secret" not in str(refused.value)


def test_mqtt_counts_when_the_broker_acknowledged(mqtt_broker: MqttBroker) -> None:
    got: list[tuple[str, bytes, bool]] = []
    there, subscribed = threading.Event(), threading.Event()
    listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="desk", protocol=mqtt.MQTTv5)

    def on_message(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        got.append((message.topic, bytes(message.payload), message.retain))
        there.set()

    listener.on_message = on_message
    listener.on_subscribe = lambda *_: subscribed.set()
    listener.connect(mqtt_broker.host, mqtt_broker.port)
    listener.loop_start()
    listener.subscribe("compound/alerts/v1/#", qos=1)
    assert subscribed.wait(60)
    channel = MqttChannel(Settings(mqtt_url=f"mqtt://{mqtt_broker.host}:{mqtt_broker.port}"))
    channel.send(Message("k", "abc", "s", "security", b'{"id":"k"}'))
    assert there.wait(60)
    assert got == [("compound/alerts/v1/s/security/abc", b'{"id":"k"}', False)]
    channel.close()
    listener.disconnect()
    listener.loop_stop()


def test_mqtt_without_a_broker_is_refused() -> None:
    channel = MqttChannel(Settings(mqtt_url="mqtt://127.0.0.1:9", alert_timeout_s=0.3))
    with pytest.raises(Refused, match="not reached"):
        channel.send(Message("k", "abc", "s", "security", b"{}"))
    channel.close()


class Gateway(HTTPServer):
    """A webhook's far end, which may kill the sender before it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.keys: list[str] = []
        self.victim: subprocess.Popen[bytes] | None = None
        self.victim_died = threading.Event()
        self.done = threading.Event()


class Answer(BaseHTTPRequestHandler):
    """Takes the request; it has arrived whatever happens to who sent it."""

    def do_POST(self) -> None:
        gateway = self.server
        assert isinstance(gateway, Gateway)
        self.rfile.read(int(self.headers["content-length"]))
        gateway.keys.append(self.headers["idempotency-key"])
        if gateway.victim is not None:
            gateway.victim.kill()
            gateway.victim.wait()
            gateway.victim = None
            gateway.victim_died.set()
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
        gateway.done.set()

    def log_message(self, *_: object) -> None:
        pass


_SENDER = """
import threading
from compound.settings import load
from processors.alerts import create
create(load()).jobs[0][1](threading.Event())
"""


def test_killed_between_sending_and_marking_it_is_sent_again_under_the_same_key(database: str) -> None:
    """SIGKILL: at least once, and the far end can tell it is the same."""
    gateway = Gateway()
    thread = threading.Thread(target=gateway.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{gateway.server_port}/"
    desk = Bench(database, create(Settings(alert_webhook_url=url)))
    environment = {**os.environ, "COMPOUND_DATABASE_URL": database, "COMPOUND_ALERT_WEBHOOK_URL": url}
    children: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        children.append(subprocess.Popen([sys.executable, "-c", _SENDER], env=environment))
        return children[-1]

    try:
        gateway.victim = start()
        desk.arrive(told("raised", "a", AT), at=AT, topic=HISTORY)
        assert gateway.victim_died.wait(60)
        assert desk.rows("SELECT state FROM alerts.delivery") == [("waiting",)]
        start()
        assert gateway.done.wait(60)
        _wait_for(database, "delivered")
        assert gateway.keys == ["a-raised-1", "a-raised-1"]
    finally:
        for child in children:
            child.kill()
            child.wait()
        gateway.shutdown()
        gateway.server_close()
        thread.join()
        desk.close()


def _wait_for(url: str, state: str) -> None:
    pause = threading.Event()
    with connect(url, "test", autocommit=True) as conn:
        for _ in range(600):
            if conn.execute("SELECT 1 FROM alerts.delivery WHERE state = %s", (state,)).fetchone():
                return
            pause.wait(0.1)
    raise AssertionError(f"no delivery became {state}")
