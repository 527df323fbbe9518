"""The bridge between a real broker and a log in memory: acknowledging, outages, draining."""

from __future__ import annotations

import json
from pathlib import Path

from compound.events import HISTORY, QUARANTINE
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import bridging, device, meter, publish, settings, until
from tests.support.memory_log import MemoryLog


def seqs(log: MemoryLog) -> list[int]:
    return [json.loads(one.event.data)["seq"] for one in log.events("meter")]


def test_messages_reach_the_log_in_order(mqtt_broker: MqttBroker, tmp_path: Path):
    log = MemoryLog()
    log.delay_s = 0.01
    with bridging(settings(mqtt_broker, tmp_path), log), device(mqtt_broker) as client:
        until(lambda: log.events(HISTORY))
        publish(client, [meter(1, seq) for seq in range(3000)])
        until(lambda: len(seqs(log)) >= 3000)
        assert seqs(log) == list(range(3000))
        assert log.appends < 1500
        first = log.events("meter")[0].event
        assert (first.source, first.subject, first.type) == ("compound/v1/demo/meter/m-1", "m-1", "meter.reading.v1")


def test_an_outage_of_the_log_loses_nothing_and_acknowledges_nothing(mqtt_broker: MqttBroker, tmp_path: Path):
    log = MemoryLog()
    found = settings(mqtt_broker, tmp_path, ingest_in_flight=50, ingest_drain_s=1.0)
    with device(mqtt_broker) as client:
        with bridging(found, log):
            until(lambda: log.events(HISTORY))
            log.away = True
            publish(client, [meter(1, seq) for seq in range(500)])
        assert seqs(log) == []  # ended with the log away: all of it is the broker's still
        log.away = False
        with bridging(found, log):
            until(lambda: len(set(seqs(log))) == 500)
            log.away = True
            publish(client, [meter(1, seq) for seq in range(500, 600)])
            log.away = False
            until(lambda: len(set(seqs(log))) == 600)
        assert list(dict.fromkeys(seqs(log))) == list(range(600))


def test_what_is_acknowledged_does_not_come_again(mqtt_broker: MqttBroker, tmp_path: Path):
    log = MemoryLog()
    found = settings(mqtt_broker, tmp_path)
    with device(mqtt_broker) as client:
        for start in (0, 100, 200):
            beats = len(log.events(HISTORY)) + 1
            with bridging(found, log):
                until(lambda beats=beats: len(log.events(HISTORY)) == beats)  # type: ignore[misc]
                publish(client, [meter(1, seq) for seq in range(start, start + 100)])
        with bridging(found, log):
            until(lambda: len(log.events(HISTORY)) == 4)
        assert seqs(log) == list(range(300))


def test_a_broker_that_dies_is_found_again(mqtt_broker: MqttBroker, tmp_path: Path):
    log = MemoryLog()
    with bridging(settings(mqtt_broker, tmp_path), log):
        until(lambda: log.events(HISTORY))
        mqtt_broker.kill()
        mqtt_broker.start()
        with device(mqtt_broker) as client:
            number = 0
            while not seqs(log):  # what is published before ingest has subscribed again, nobody keeps
                publish(client, [meter(1, number)])
                number += 1


def test_what_cannot_be_read_is_in_quarantine_and_acknowledged(mqtt_broker: MqttBroker, tmp_path: Path):
    log = MemoryLog()
    found = settings(mqtt_broker, tmp_path)
    bad = [("compound/v1/demo/meter/m-1/reading", b"{"), ("compound/v1/what", b"1"), ("dlt645/v1/demo/g", b"")]
    with device(mqtt_broker) as client:
        with bridging(found, log):
            until(lambda: log.events(HISTORY))
            publish(client, bad)
            until(lambda: len(log.events(QUARANTINE)) == 3)
        with bridging(found, log):
            until(lambda: len(log.events(HISTORY)) == 2)
            publish(client, [meter(1, 0)])
            until(lambda: seqs(log))
        assert len(log.events(QUARANTINE)) == 3
