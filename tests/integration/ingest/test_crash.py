"""P1: what ingest has acknowledged survives its death at any point, and what it has not comes again."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from compound.events import HISTORY, QUARANTINE, event_id
from compound.log.port import Stored
from tests.integration.ingest.conftest import Ground
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import device, meter, publish, until

CARD = "6217000099998888"


def ids(found: list[Stored]) -> list[str]:
    return [dict(stored.headers)["ce_id"].decode() for stored in found]


def resident(pid: int) -> int:
    """Bytes of memory a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def subscribed(ground: Ground, broker: MqttBroker) -> None:
    """A first run, so that the session is there."""
    with ground.running(broker):
        until(lambda: ground.heads(HISTORY))


def test_killed_between_append_and_acknowledgement_nothing_is_lost_and_nothing_new_made(
    ground: Ground, mqtt_broker: MqttBroker
):
    subscribed(ground, mqtt_broker)
    sent = [meter(number % 7, number) for number in range(1500)]
    with device(mqtt_broker) as client:
        publish(client, sent)
    for die_after in (1, 40, 200):
        with ground.running(mqtt_broker, "--die-after", str(die_after), ingest_batch=60) as process:
            assert process.wait(60) == -signal.SIGKILL
    with ground.running(mqtt_broker):
        until(lambda: len(set(ids(ground.read("meter")))) == len(sent))
    found = ground.read("meter")
    assert set(ids(found)) == {event_id(topic, payload) for topic, payload in sent}
    assert len(found) > len(sent)  # the deaths did hit between append and acknowledgement
    for number in range(7):  # first copies of a device stand in the order of sending
        seqs = [json.loads(stored.value)["seq"] for stored in found if stored.key == f"m-{number}".encode()]
        assert list(dict.fromkeys(seqs)) == list(range(number, len(sent), 7))


def test_killed_at_any_moment_of_a_stream_nothing_is_lost(ground: Ground, mosquitto: MqttBroker):
    subscribed(ground, mosquitto)
    chance = random.Random(3)
    sent = [meter(number % 7, number) for number in range(4000)]
    with device(mosquitto) as client:
        for start in range(0, len(sent), 1000):
            publish(client, sent[start : start + 1000])
            with ground.running(mosquitto, ingest_batch=20) as process:
                time.sleep(chance.random() * 0.1)
                process.kill()
                process.wait()
    with ground.running(mosquitto):
        until(lambda: len(set(ids(ground.read("meter")))) == len(sent))


def test_a_clean_end_acknowledges_what_it_appended(ground: Ground, mqtt_broker: MqttBroker):
    subscribed(ground, mqtt_broker)
    sent = [meter(1, number) for number in range(1800)]
    with device(mqtt_broker) as client:
        for start in range(0, len(sent), 600):
            with ground.running(mqtt_broker):
                publish(client, sent[start : start + 600])
    with ground.running(mqtt_broker):
        until(lambda: ground.heads("meter") >= len(sent))
    assert len(ground.read("meter")) == len(sent)


@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_memory_stays_bounded_while_the_log_is_away(ground: Ground, mosquitto: MqttBroker):
    subscribed(ground, mosquitto)
    padding = "x" * 8000
    with ground.running(mosquitto, "--away", ingest_drain_s=1.0) as process, device(mosquitto) as client:
        until(lambda: b"log unavailable" in ground.output.read_bytes())
        before = resident(process.pid)
        for start in range(0, 5000, 1000):
            publish(client, (meter(1, number, serial=padding) for number in range(start, start + 1000)))
        time.sleep(1)
        grown = resident(process.pid) - before
    assert grown < 24 * 2**20  # 40 MB were sent, 1,000 messages may be in flight


@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_no_personal_number_reaches_the_log_or_the_output(ground: Ground, embedded_broker: MqttBroker):
    gate = "compound/v1/demo/gate/g-1"
    at = {"time": "2026-11-02T08:00:00Z", "boot": 1}
    messages: list[tuple[str, object]] = [
        (f"{gate}/event", {**at, "seq": 1, "event": "grant", "card": CARD}),
        (f"{gate}/event", {**at, "seq": 2, "event": "grant", "card": int(CARD)}),
        (f"{gate}/event", {**at, "seq": 3, "event": CARD}),
        (f"{gate}/event", {**at, "seq": 4, "event": "grant", CARD: CARD}),
        (f"{gate}/{CARD}", {**at, "seq": 5, "event": "opened"}),
        (f"compound/v1/{CARD}", CARD),
    ]
    with ground.running(embedded_broker, log_level="debug"), device(embedded_broker) as client:
        until(lambda: ground.heads(HISTORY))
        publish(client, [(topic, json.dumps(payload).encode()) for topic, payload in messages])
        publish(client, [(f"{gate}/event", f'{{"card":"{CARD}"'.encode())])
        until(lambda: ground.heads(QUARANTINE) == 6 and ground.heads("gate") == 1)
    for topic in ("gate", QUARANTINE, HISTORY):
        for stored in ground.read(topic):
            assert CARD not in repr(stored)
    assert CARD not in ground.output.read_text()
