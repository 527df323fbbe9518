"""Moving and losing: what the embedded default has collected goes on elsewhere, and what is lost comes back as far as it can."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from compound.events import TOPICS
from compound.log.kafka import KafkaLog
from compound.log.port import Slot
from compound.timeutil import text
from tests.e2e.running import Running, command, wait_for
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import MqttBroker
from tests.services.timescale import TimescaleServer

SITE = """
from: 2026-01-01
site: {s: {latitude: 36.65, longitude: 117.0}}
point: {p: {type: meter, site: s, medium: electricity, role: main}}
device: {m: {kind: meter, site: s, point: p, rated_w: 100000000, step: 1}}
"""
STEP_WH = 7
BOOK = "SELECT topic, generation, partition, next_offset FROM book.partition WHERE NOT closed"
DAY = timedelta(days=1)
PORTS = ("--api-port", "0", "--mqtt-port", "0")


class Meter:
    """A meter that goes on reporting whatever happens to the platform: 7 Wh more in each message, acknowledged by the broker."""

    def __init__(self, broker: MqttBroker) -> None:
        self.sent = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "m", protocol=mqtt.MQTTv5)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._client.disconnect()
        self._client.loop_stop()

    def stop(self) -> None:
        """Report no more; all that was reported is with the broker."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        boot = time.time_ns() // 1_000_000_000
        while not self._stop.wait(0.02):
            now = text(time.time_ns() // 1000)
            body = f'{{"time":"{now}","boot":{boot},"seq":{self.sent},"import_wh":{1000 + STEP_WH * self.sent}}}'
            self._client.publish("compound/v1/s/meter/m/reading", body, qos=1).wait_for_publish(30)
            self.sent += 1


def shown(up: Running) -> tuple[int, int]:
    """Readings that count, and the energy between the first and the last of them, Wh."""
    day = datetime.now(UTC).date()
    points = up.pages(
        "/v1/meters/m/points", **{"from": f"{day - DAY}T00:00Z", "to": f"{day + DAY}T00:00Z", "limit": 1000}
    )
    values = [item["value"] for item in points if item["verdict"] == "accepted"]
    return len(values), max(values, default=0) - min(values, default=0)


@pytest.fixture
def timescale(run_folder: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of a real TimescaleDB."""
    server = TimescaleServer(run_folder / f"timescale-{tmp_path.name}")
    server.start()
    yield server.url
    server.stop()


@pytest.mark.timeout(1200)
def test_p1_p2_the_embedded_compound_moves_under_load(
    tmp_path: Path, mosquitto: MqttBroker, kafka_bootstrap: str, timescale: str
) -> None:
    """Embedded PostgreSQL to TimescaleDB and Kafka while the meter goes on: nothing lost, nothing twice, the chain goes on."""
    broker = ("--mqtt-url", f"mqtt://{mosquitto.host}:{mosquitto.port}")
    site = tmp_path / "site.yaml"
    site.write_text(SITE)
    data = tmp_path / "data"
    with Running(data, "--no-simulate", *PORTS, *broker) as up:
        up.run("apply", str(site))
        meter = Meter(mosquitto)
        with meter:
            wait_for(lambda: shown(up)[0] > 100, 60)
            assert up.stop() == 0
            heads = tmp_path / "heads.json"
            log = f"kafka://{kafka_bootstrap}"
            moved = command("move", "--data", str(data), "--to-database", timescale, "--to-log", log)
            assert moved.returncode == 0, moved.stdout + moved.stderr
            assert "no difference" in " ".join(moved.stdout.split())
            left = command("up", "--data", str(data), "--no-simulate", *PORTS, *broker)
            assert (left.returncode, "was moved elsewhere" in left.stderr) == (2, True), left.stderr
            with Running(data, "--no-simulate", *PORTS, *broker, "--log", log, "--database-url", timescale) as there:
                before = shown(there)[0]
                wait_for(lambda: shown(there)[0] > before + 100, 60)
                meter.stop()
                wait_for(lambda: shown(there)[0] == meter.sent, 60)
                assert shown(there) == (meter.sent, STEP_WH * (meter.sent - 1))
                assert there.get("/v1/devices/m/gaps")["items"] == []
                there.run("audit", "--write-heads", str(heads))
                assert '"generation": 2' in heads.read_text()


def archived(up: Running, kafka: KafkaNode) -> None:
    """Wait until all is read, and the book holds all that Kafka does."""
    up.settle()
    database = json.loads((up.data / "up.json").read_bytes())["database_url"]
    log = KafkaLog(kafka.bootstrap, database)

    def whole() -> bool:
        with psycopg.connect(database) as conn:
            book = {Slot(*row[:3]): row[3] for row in conn.execute(BOOK)}
        return all(book.get(slot, 0) >= head for slot, head in log.heads(TOPICS).items())

    wait_for(whole, 180, pause_s=0.5)
    log.close()


@pytest.mark.timeout(1800)
def test_p9_what_is_lost_comes_back_as_the_operations_manual_says(tmp_path: Path, own_kafka: KafkaNode) -> None:
    """docs/operations.md, "After a loss": the database, then Kafka, then both; each time `verify` and the noted heads hold."""
    data, kept = tmp_path / "data", tmp_path / "backup"
    options = ("--scenario", "all-faults", "--history", "1", *PORTS, "--log", f"kafka://{own_kafka.bootstrap}")
    first, later = tmp_path / "first.json", tmp_path / "later.json"
    with Running(data, *options) as up:
        archived(up, own_kafka)
        up.run("audit", "--write-heads", str(first))
        up.run("backup", str(kept))
        time.sleep(5)
        archived(up, own_kafka)
        up.run("audit", "--write-heads", str(later))
    lose_database(data)
    restored = command("restore", str(kept), "--data", str(data))
    assert restored.returncode == 0, restored.stderr
    assert "no difference" in restored.stdout
    with Running(data, *options) as up:
        archived(up, own_kafka)
        up.run("verify")
        up.run("audit", "--check-heads", str(later))
    lose_kafka(own_kafka)
    with Running(data, *options) as up:
        up.settle()
        up.run("verify")
        up.run("audit", "--check-heads", str(later))
    lose_database(data)
    lose_kafka(own_kafka)
    assert command("restore", str(kept), "--data", str(data)).returncode == 0
    with Running(data, *options, "--no-simulate") as up:
        up.settle()
        up.run("audit", "--check-heads", str(first))


def lose_database(data: Path) -> None:
    shutil.rmtree(data / "postgres")


def lose_kafka(node: KafkaNode) -> None:
    node.kill()
    shutil.rmtree(node.folder)
    node.start()
