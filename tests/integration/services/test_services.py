"""The services of the tests are what they say: real, fresh for each test, gone with the process that started them."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
import psycopg
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from paho.mqtt.enums import CallbackAPIVersion

from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.process import ServiceError, listens
from tests.services import fetch, mqtt
from tests.services.folder import make_run_folder
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import MqttBroker
from tests.services.timescale import TimescaleServer


def test_databases_are_migrated_and_apart(new_database: Callable[[], str]):
    first, second = new_database(), new_database()
    with psycopg.connect(first) as conn:
        conn.execute("CREATE TABLE public.mine (n int)")
        assert conn.execute("SELECT to_regclass('book.event')").fetchone() == ("book.event",)
    with psycopg.connect(second) as conn:
        assert conn.execute("SELECT to_regclass('public.mine')").fetchone() == (None,)


def test_databases_of_the_tests_are_as_durable_as_production(database: str):
    with psycopg.connect(database) as conn:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert conn.execute(f"SHOW {name}").fetchone() == ("on",), name


def test_postgres_asks_for_its_password_and_listens_on_loopback_alone(database: str):
    with psycopg.connect(database) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    password = database.split("compound:")[1].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.replace(password, "wrong"))


def test_postgres_keeps_what_was_committed_when_it_is_killed(own_postgres: EmbeddedPostgres):
    with psycopg.connect(own_postgres.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS n")
    own_postgres.kill()
    with psycopg.connect(own_postgres.start()) as conn:
        assert conn.execute("SELECT n FROM kept").fetchone() == (1,)


def test_timescaledb_is_real_and_keeps_what_was_committed_when_it_is_killed(own_timescale: TimescaleServer):
    with psycopg.connect(own_timescale.url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION timescaledb")
        conn.execute("CREATE TABLE kept (time timestamptz PRIMARY KEY)")
        conn.execute("SELECT create_hypertable('kept', by_range('time', INTERVAL '1 day'))")
        conn.execute("INSERT INTO kept SELECT now() + n * interval '1 day' FROM generate_series(1, 3) AS n")
    own_timescale.kill()
    with psycopg.connect(own_timescale.start()) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (3,)
        assert conn.execute("SELECT count(*) FROM show_chunks('kept')").fetchone() == (3,)


def test_a_second_postgres_on_the_same_folder_is_refused(own_postgres: EmbeddedPostgres):
    with pytest.raises(ServiceError, match=r"postmaster\.pid"):
        EmbeddedPostgres(own_postgres.folder).start()


def test_a_broker_delivers_what_it_acknowledged(mqtt_broker: MqttBroker):
    subscribed, arrived = threading.Event(), queue.Queue[bytes]()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="both", protocol=paho.MQTTv5)
    client.on_message = lambda _client, _data, message: arrived.put(bytes(message.payload))
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(mqtt_broker.host, mqtt_broker.port)
    client.loop_start()
    client.subscribe("compound/#", qos=1)
    assert subscribed.wait(60)
    client.publish("compound/v1/s/meter/m/reading", b"{}", qos=1).wait_for_publish(60)
    assert arrived.get(timeout=60) == b"{}"
    client.disconnect()
    client.loop_stop()


def test_a_broker_comes_back_on_its_port(mqtt_broker: MqttBroker):
    mqtt_broker.kill()
    assert not listens(mqtt_broker.port)
    mqtt_broker.start()
    assert listens(mqtt_broker.port)


@pytest.mark.parametrize("turn", [1, 2])
def test_kafka_is_empty_at_the_start_of_each_test(kafka_bootstrap: str, turn: int):
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    assert not [name for name in admin.list_topics(timeout=60).topics if not name.startswith("__")]
    admin.create_topics([NewTopic("meter", 4)])["meter"].result()
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "acks": "all"})
    producer.produce("meter", f"turn {turn}".encode(), partition=0)
    assert producer.flush(60) == 0
    consumer = Consumer({"bootstrap.servers": kafka_bootstrap, "group.id": "energy", "auto.offset.reset": "earliest"})
    consumer.subscribe(["meter"])
    message = consumer.poll(60)  # the group is left without a goodbye: the next test must not wait for it
    assert message is not None
    assert message.value() == f"turn {turn}".encode()


def test_kafka_keeps_its_records_when_it_is_killed(own_kafka: KafkaNode):
    admin = AdminClient({"bootstrap.servers": own_kafka.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("meter", 1)])["meter"].result()
    own_kafka.kill()
    own_kafka.start()
    assert (
        "meter"
        in AdminClient({"bootstrap.servers": own_kafka.bootstrap, "log_level": 0}).list_topics(timeout=60).topics
    )


_SESSION = """
import sys, time
from pathlib import Path
from tests.services.databases import Databases
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import make_broker
folder = Path(sys.argv[1])
databases, kafka = Databases(folder), KafkaNode(folder / "kafka")
brokers = [make_broker(kind, folder / kind) for kind in ("iotcore", "mosquitto")]
databases.start(); kafka.start(); [broker.start() for broker in brokers]
ports = [databases.server.port, kafka.bootstrap.split(":")[1], *(broker.port for broker in brokers)]
(folder / "ports.new").write_text(" ".join(map(str, ports)))
(folder / "ports.new").rename(folder / "ports")
time.sleep(150)
"""


def test_every_service_ends_when_the_tests_are_killed(run_folder: Path):
    folder = run_folder / "killed"
    folder.mkdir()
    session = subprocess.Popen([sys.executable, "-c", _SESSION, str(folder)])
    _until((folder / "ports").exists, seconds=90)
    ports = [int(port) for port in (folder / "ports").read_text().split()]
    assert len(ports) == 4
    assert all(map(listens, ports))
    session.send_signal(signal.SIGKILL)
    session.wait()
    _until(lambda: not any(map(listens, ports)))


@pytest.mark.parametrize("room", [True, False])
def test_folders_lie_in_memory_where_there_is_room_and_those_of_killed_sessions_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: bool
):
    disk, memory = tmp_path / "disk", tmp_path / "memory"
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    monkeypatch.setattr("tests.services.folder._MEMORY", memory)
    monkeypatch.setattr("tests.services.folder._ROOM", 0 if room else 1 << 62)
    left = [root / f"compound-tests-{2**22 + 1}-left" for root in (disk, memory)]
    alive = [root / f"compound-tests-{os.getpid()}-alive" for root in (disk, memory)]
    for folder in (*left, *alive):
        folder.mkdir(parents=True)
    assert make_run_folder().parent == (memory if room else disk)
    assert [folder.exists() for folder in (*left, *alive)] == [False, False, True, True]


def test_what_cannot_be_had_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(fetch, "engine_answers", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(mqtt, "_SBIN", "/nowhere")
    assert fetch.main() == 1
    assert capsys.readouterr().err == (
        "The tests' services are not complete: Mosquitto is missing: install it (Debian: apt-get install mosquitto),"
        " start a Docker engine, or run this as root on Debian or Ubuntu.\n"
    )


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.02)
