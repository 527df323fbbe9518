"""What Mosquitto says of its queue: told in health and metrics while the log is away, and by heartbeats once it is back."""

from __future__ import annotations

import json
from pathlib import Path

from compound.events import HISTORY
from ops.embedded.process import free_port
from tests.integration.ops.test_metrics import get
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import bridging, device, meter, publish, settings, until
from tests.support.memory_log import MemoryLog

SENT = 600


def test_a_broker_that_fills_while_the_log_is_away(mosquitto: MqttBroker, tmp_path: Path) -> None:
    log, port = MemoryLog(), free_port()
    found = settings(
        mosquitto, tmp_path, ingest_metrics_port=port, mqtt_queue=1000, ingest_in_flight=10, ingest_heartbeat_s=0.2
    )

    def newest() -> dict[str, object]:
        said: dict[str, object] = json.loads(log.events(HISTORY)[-1].event.data)
        return said

    with bridging(found, log), device(mosquitto) as client:
        until(lambda: log.events(HISTORY) and "waiting" in newest())
        assert newest()["most"] == 1000
        log.away = True
        until(lambda: "The log is away" in get(port, "/health/ready")[1])
        publish(client, [meter(1, seq) for seq in range(SENT)])
        until(lambda: "The broker holds" in get(port, "/health/ready")[1])
        assert "drops from 1,000 on" in get(port, "/health/ready")[1]
        assert "compound_ingest_broker_share 0." in get(port, "/metrics")[1]
        log.away = False
        until(lambda: len(log.events("meter")) == SENT)
        until(lambda: newest()["waiting"] == 0)
        assert get(port, "/health/ready")[0] == 200
        assert "compound_ingest_broker_messages 0.0" in get(port, "/metrics")[1]


def test_a_broker_that_says_nothing_is_asked_and_left(embedded_broker: MqttBroker, tmp_path: Path) -> None:
    """It ends the connection of whoever asks; the session does not notice."""
    log = MemoryLog()
    with bridging(settings(embedded_broker, tmp_path, ingest_heartbeat_s=0.1), log), device(embedded_broker) as client:
        until(lambda: log.events(HISTORY))  # subscribed
        publish(client, [meter(1, 0)])
        until(lambda: len(log.events("meter")) == 1 and len(log.events(HISTORY)) > 10)
    assert all("waiting" not in json.loads(one.event.data) for one in log.events(HISTORY))
