"""Connections, gateways, CSV and load against real brokers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from compound.mqtt import Broker
from simulators.connection import Broken, Connection
from simulators.csv_send import Sender
from simulators.csv_source import Source
from simulators.gateways import Gateways
from simulators.load import Load
from simulators.wire import devices
from tests.services.mqtt import MqttBroker

Heard = list[tuple[str, bytes, bool]]


@pytest.fixture
def broker(mqtt_broker: MqttBroker) -> Broker:
    return Broker(mqtt_broker.host, mqtt_broker.port)


@pytest.fixture
def heard(mqtt_broker: MqttBroker) -> Iterator[Heard]:
    """Everything that is published, in order."""
    found: Heard = []
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener", protocol=mqtt.MQTTv5)
    client.on_message = lambda _, __, message: found.append((message.topic, bytes(message.payload), message.retain))
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(mqtt_broker.host, mqtt_broker.port)
    client.loop_start()
    client.subscribe("#", qos=1)
    assert subscribed.wait(10)
    yield found
    client.disconnect()
    client.loop_stop()


def _wait(heard: Heard, number: int) -> None:
    deadline = time.monotonic() + 20
    while len(heard) < number and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_flush_means_that_all_is_acknowledged(broker: Broker, heard: Heard) -> None:
    connection = Connection(broker, "many").open()
    for number in range(500):
        connection.publish("t", str(number))
    connection.flush()
    assert connection.acknowledged == 500
    _wait(heard, 500)
    connection.close()
    assert [int(payload) for _, payload, _ in heard] == list(range(500))


def test_a_dead_device_leaves_its_will_and_a_goodbye_does_not(broker: Broker, heard: Heard) -> None:
    polite = Connection(broker, "polite", will=("w/polite", "gone")).open()
    dying = Connection(broker, "dying", will=("w/dying", "gone")).open()
    polite.close()
    dying.die()
    _wait(heard, 1)
    time.sleep(0.2)
    assert [(topic, payload) for topic, payload, _ in heard] == [("w/dying", b"gone")]


def test_gateways_share_connections_and_speak_for_every_device(broker: Broker, heard: Heard) -> None:
    boots = dict.fromkeys(devices(), 3)
    gateways = Gateways(broker, "sim", ["m-light"])
    gateways.open(boots)
    gateways.online(boots, 1_795_000_000_000_000)
    gateways.flush()
    native = [device for device in devices().values() if device.status_topic]
    _wait(heard, len(native) + 1)
    assert {topic for topic, _, _ in heard} == {device.status_topic for device in native}
    assert gateways.statuses == len(heard) == len(native) + 1
    heard.clear()
    gateways.kill("m-light")
    _wait(heard, 1)
    gateways.publish(devices()["m-light"], "t", "a copy of what it said before")
    gateways.flush()
    gateways.revive("m-light", 4)
    gateways.flush()
    _wait(heard, 3)
    gateways.close()
    (_, will, _), copy, (_, online, _) = heard
    assert copy == ("t", b"a copy of what it said before", False)
    assert msgspec.json.decode(will) == {"boot": 3, "state": "offline", "will": True}
    assert msgspec.json.decode(online)["boot"] == 4


def test_a_csv_file_arrives_whole_in_arrays(broker: Broker, heard: Heard, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    rows = [f"2026-01-{1 + n // 96:02d}T{n % 96 // 4:02d}:{n % 4 * 15:02d}:00Z,{n}.5" for n in range(960)]
    file.write_text("\n".join(["t,v", *rows, "nonsense,1"]) + "\n")
    connection = Connection(broker, "csv").open()
    sent = Sender(connection, "readings").send(Source(file, "t", "v", "interval-end", "kWh"), 900)
    connection.close()
    assert sent.rows == 960
    assert [row.line for row in sent.rejected] == [962]
    deadline = time.monotonic() + 20
    while sum(payload.count(b"seq") for _, payload, _ in heard) < 960 and time.monotonic() < deadline:
        time.sleep(0.01)
    objects = [each for _, payload, _ in heard for each in msgspec.json.decode(payload)]
    assert sum(each["interval_wh"] for each in objects) == sum(n * 1000 + 500 for n in range(960))
    assert max(len(payload) for _, payload, _ in heard) <= 16 * 1024


def test_load_keeps_to_its_number(broker: Broker, heard: Heard) -> None:
    connection = Connection(broker, "load").open()
    load = Load(connection, devices=5, per_message=4)
    assert load.run(readings=100) == 100
    connection.close()
    _wait(heard, 25)
    assert len({topic for topic, _, _ in heard}) == 5
    assert sum(len(msgspec.json.decode(payload)) for _, payload, _ in heard) == 100
    assert len(load.registry()) == 11


def test_without_a_broker_the_reason_is_said() -> None:
    with pytest.raises(Broken, match=r"No MQTT broker answers at 127\.0\.0\.1:1"):
        Connection(Broker("127.0.0.1", 1), "nobody").open()
