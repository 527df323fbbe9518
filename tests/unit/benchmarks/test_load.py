"""The load's messages keep the contract, and the report says what was found."""

import json

import msgspec
import yaml
from paho.mqtt.enums import MQTTProtocolVersion

from benchmarks import load, report
from benchmarks.house import Figures
from benchmarks.way import Way
from compound.registry.file import read
from ingest.client import BulkClient
from ingest.decoders.base import Observed
from ingest.decoders.native import Native

NOW = 1_795_000_000_000_000


def messages(count: int, each: int, meters: int = 3):
    """What a subscriber gets of the load's packets."""
    client = BulkClient("test", MQTTProtocolVersion.MQTTv5)
    assert client._take_packets(load.Meters(meters, 1_795_000_000, NOW).packets(count, each)) == 0
    return client.inbox


def test_every_reading_keeps_the_contract():
    native = Native(lambda category, value, time: value)
    for each in (1, 10):
        for message in messages(7, each):
            decode = native.open(message.topic.decode())
            assert callable(decode)
            found = list(decode(message.payload, 2**62))
            assert len(found) == each
            assert all(isinstance(item, Observed) for item in found)


def test_a_meter_counts_on_and_its_times_and_registers_grow():
    sent = [json.loads(m.payload) for m in messages(9, 10) if b"load-00000" in m.topic]
    readings = [reading for payload in sent for reading in payload]
    assert [r["seq"] for r in readings] == list(range(1, 31))
    for field in ("time", "import_wh"):
        values = [r[field] for r in readings]
        assert values == sorted(set(values))
    assert all(payload[-1]["import_wh"] % 10 == 0 for payload in sent)  # how the newest of a message is known again


def test_its_meters_can_be_registered(tmp_path):
    file = tmp_path / "load.yaml"
    file.write_text(load.registry(5))
    assert len(read(file)) == 11
    assert yaml.safe_load(file.read_text())["device"]["load-00004"]["kind"] == "meter"


def test_the_report_shows_what_was_found(tmp_path, monkeypatch):
    run = Figures(1000, 9000.0, 0.2, 0.0, {"broker": 5.0, "PostgreSQL": 40.0}, {"log": 9.0}, 2.4, 12.0, 34.0)
    ways = [Way("PostgreSQL", each, 1000, run, run, run, run, ["energy"]) for each in (1, 10)]
    machine = {"date": "today", "commit": "abc", "CPU": "one"}
    said = msgspec.json.encode(ways).decode()
    found = {"way-postgresql": report.Found("python -m benchmarks.way", machine, 0.1, said)}
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "benchmarks.md")
    report.write(found)
    first = report.DOCUMENT.read_text()
    assert "9,000/s: p50 12, p99 34" in first
    report.write(found)
    assert report.DOCUMENT.read_text() == first
