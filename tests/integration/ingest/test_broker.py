"""What differs between brokers and versions: 3.1.1, shared subscriptions, retained messages, wills, takeover."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from compound.events import HISTORY
from ops.embedded.broker import EmbeddedBroker
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import bridging, device, meter, publish, settings, until
from tests.support.memory_log import MemoryLog

STATUS = "compound/v1/demo/gate/g-1/status"
ONLINE = b'{"time":"2026-11-02T08:00:00Z","boot":1,"state":"online"}'


def seqs(log: MemoryLog) -> list[int]:
    return [json.loads(one.event.data)["seq"] for one in log.events("meter")]


class OldBroker:
    """The embedded broker's port that speaks MQTT 3.1.1 only."""

    kind = "iotcore"
    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self._broker = EmbeddedBroker(folder, port_v4=0)
        self.port = 0

    def start(self) -> None:
        self._broker.start()
        self.port = self._broker.port_v4 or 0

    def kill(self) -> None:
        self._broker.stop()


@pytest.fixture
def old_broker(run_folder: Path, tmp_path: Path) -> Iterator[MqttBroker]:
    broker = OldBroker(run_folder / f"old-{tmp_path.name}")
    broker.start()
    yield broker
    broker.kill()


def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(old_broker: MqttBroker, tmp_path: Path):
    found = settings(old_broker, tmp_path)
    log = MemoryLog()
    with device(old_broker, v5=False) as client:
        with bridging(found, log):
            until(lambda: log.events(HISTORY))
            publish(client, [meter(1, seq) for seq in range(300)])
            until(lambda: len(seqs(log)) >= 300)
        publish(client, [meter(1, seq) for seq in range(300, 600)])  # the session stays without MQTT 5, too
        with bridging(found, log):
            until(lambda: len(seqs(log)) >= 600)
    assert seqs(log) == list(range(600))


def test_several_ingests_share_the_messages(mqtt_broker: MqttBroker, tmp_path: Path):
    log, other = MemoryLog(), MemoryLog()
    first = settings(mqtt_broker, tmp_path, mqtt_client_id="ingest-1", mqtt_share="ingest")
    second = settings(mqtt_broker, tmp_path, mqtt_client_id="ingest-2", mqtt_share="ingest")
    with bridging(first, log), bridging(second, other), device(mqtt_broker) as client:
        until(lambda: log.events(HISTORY) and other.events(HISTORY))
        publish(client, [meter(number % 9, number) for number in range(500)])
        until(lambda: len(seqs(log)) + len(seqs(other)) >= 500)
        assert sorted(seqs(log) + seqs(other)) == list(range(500))
        assert seqs(log)
        assert seqs(other)


def test_a_retained_status_comes_marked_to_a_new_session_and_live_to_an_old_one(
    mqtt_broker: MqttBroker, tmp_path: Path
):
    log = MemoryLog()
    found = settings(mqtt_broker, tmp_path)
    with device(mqtt_broker) as client:
        client.publish(STATUS, ONLINE, qos=1, retain=True).wait_for_publish(60)
        with bridging(found, log):
            until(lambda: len(log.events("gate")) == 1)
            client.publish(STATUS, ONLINE.replace(b"08:00", b"08:01"), qos=1, retain=True)
            until(lambda: len(log.events("gate")) == 2)
    replay, live = log.events("gate")
    assert json.loads(replay.event.data)["retained"] is True
    assert "retained" not in json.loads(live.event.data)


def test_a_last_will_is_an_event_of_the_time_it_arrived(mqtt_broker: MqttBroker, tmp_path: Path):
    log = MemoryLog()
    with bridging(settings(mqtt_broker, tmp_path), log):
        until(lambda: log.events(HISTORY))
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.will_set(STATUS, b'{"boot":4,"state":"offline","will":true}', qos=1, retain=True)
        client.connect(mqtt_broker.host, mqtt_broker.port)
        client.loop_start()
        until(client.is_connected)
        sock = client.socket()
        assert isinstance(sock, socket.socket)
        client.loop_stop()
        sock.shutdown(socket.SHUT_RDWR)  # dies without a word
        until(lambda: log.events("gate"))
    [will] = log.events("gate")
    assert json.loads(will.event.data) == {"boot": 4, "state": "offline", "will": True}
    assert abs(will.event.time - will.recorded) < 60_000_000


def test_the_heartbeat_says_that_ingest_receives(mqtt_broker: MqttBroker, tmp_path: Path):
    log = MemoryLog()
    found = settings(mqtt_broker, tmp_path, ingest_heartbeat_s=0.2)
    with bridging(found, log):
        until(lambda: len(log.events(HISTORY)) >= 3)
        mqtt_broker.kill()
        until(lambda: _quiet(log))
        mqtt_broker.start()
        before = len(log.events(HISTORY))
        until(lambda: len(log.events(HISTORY)) > before)
    beat = log.events(HISTORY)[0].event
    assert (beat.type, beat.subject) == ("ingest.alive.v1", "compound-ingest")


def _quiet(log: MemoryLog) -> bool:
    """No heartbeat for five of its pauses."""
    before = len(log.events(HISTORY))
    time.sleep(1)
    return len(log.events(HISTORY)) == before
