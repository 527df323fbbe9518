"""A bridge in a thread of the test, and devices that talk to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from compound.log.port import Log
from compound.settings import Settings
from ingest.main import bridge
from tests.services.mqtt import MqttBroker

PROMPT: dict[str, Any] = {"ingest_heartbeat_s": 60.0, "ingest_drain_s": 20.0, "mqtt_keepalive_s": 5}


def settings(broker: MqttBroker, keys: Path, **others: Any) -> Settings:
    return Settings(mqtt_url=f"mqtt://{broker.host}:{broker.port}", keys=keys, **{**PROMPT, **others})


@contextmanager
def bridging(found: Settings, log: Log) -> Iterator[threading.Event]:
    """Bridge into `log` while the block runs; the event ends it early."""
    stop = threading.Event()
    failed: list[Exception] = []

    def run() -> None:
        try:
            bridge(found, log, stop)
        except Exception as failure:  # noqa: BLE001 - raised again at the end of the block
            failed.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
    if failed:
        raise failed[0]


@contextmanager
def device(broker: MqttBroker, client_id: str = "", v5: bool = True) -> Iterator[Client]:
    """A connected publisher."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
    )
    client.max_inflight_messages_set(1000)
    client.connect(broker.host, broker.port)
    client.loop_start()
    until(client.is_connected)
    yield client
    client.disconnect()
    client.loop_stop()


def meter(number: int, seq: int, **others: Any) -> tuple[str, bytes]:
    """Topic and payload of a reading."""
    data = {"time": "2026-11-02T08:00:00Z", "boot": 1, "seq": seq, "import_wh": 1000 + seq, **others}
    return f"compound/v1/demo/meter/m-{number}/reading", json.dumps(data).encode()


def publish(client: Client, messages: Iterable[tuple[str, bytes]]) -> None:
    """Publish with QoS 1 and wait until the broker has them."""
    sent: list[MQTTMessageInfo] = [client.publish(topic, payload, qos=1) for topic, payload in messages]
    for info in sent:
        info.wait_for_publish(60)


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
