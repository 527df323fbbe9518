"""The real logs taken away in the midst of a stream, and given back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compound.events import HISTORY, event_id
from compound.store.migrate import migrate
from tests.integration.ingest.conftest import Ground
from tests.services.databases import Databases
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import device, meter, publish, until

Outage = tuple[Ground, Callable[[], object], Callable[[], object]]


@pytest.fixture(params=["postgres", "kafka"])
def outage(request: pytest.FixtureRequest, servers: Callable[[str], Databases], tmp_path: Path) -> Outage:
    """A log of this test's own, how to take it away, and how to give it back."""
    if request.param == "postgres":
        server = request.getfixturevalue("own_postgres")
        migrate(server.url)
        return Ground("", server.url, tmp_path), server.stop, server.start
    node = request.getfixturevalue("own_kafka")
    ground = Ground(f"kafka://{node.bootstrap}", servers("postgresql").create(), tmp_path)
    return ground, node.kill, node.start


def test_a_log_that_goes_and_comes_back_loses_nothing(outage: Outage, mqtt_broker: MqttBroker):
    ground, take_away, give_back = outage
    sent = [meter(number % 5, number) for number in range(1500)]
    with ground.running(mqtt_broker) as process, device(mqtt_broker) as client:
        until(lambda: ground.heads(HISTORY))
        publish(client, sent[:500])
        take_away()
        publish(client, sent[500:1000])
        until(lambda: b"log unavailable" in ground.output.read_bytes())
        give_back()
        publish(client, sent[1000:])
        until(lambda: ground.heads("meter") >= len(sent))
        assert process.poll() is None
        wanted = {event_id(topic, payload) for topic, payload in sent}
        until(lambda: {dict(found.headers)["ce_id"].decode() for found in ground.read("meter")} == wanted)
