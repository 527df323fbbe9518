"""The role as a process: TLS and passwords, a log that is not there yet, health, settings."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from compound.events import HISTORY
from compound.log.port import Address, Record
from compound.settings import Settings
from ingest.main import bridge
from ops.embedded.process import free_port, listens, spawn, stop, wait_until
from tests.integration.ingest.conftest import Ground
from tests.services.mqtt import MqttBroker, mosquitto_program
from tests.support.ingest_rig import PROMPT, bridging, meter, settings, until
from tests.support.memory_log import MemoryLog

CONFIG = """
listener {port} 127.0.0.1
cafile {folder}/ca.pem
certfile {folder}/ca.pem
keyfile {folder}/key.pem
allow_anonymous false
password_file {folder}/passwords
max_queued_messages 0
user root
"""


def certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A Mosquitto with TLS and passwords: its port and the folder of its files."""
    port = free_port()
    certificate(tmp_path)
    program = Path(mosquitto_program()).with_name("mosquitto_passwd")
    passwd = program if program.exists() else Path("/usr/bin/mosquitto_passwd")
    subprocess.run([passwd, "-c", "-b", tmp_path / "passwords", "ingest", "s3cret"], check=True)
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "mosquitto.conf").write_text(CONFIG.format(port=port, folder=tmp_path))
    log = tmp_path / "mosquitto.log"
    process = spawn([mosquitto_program(), "-c", tmp_path / "mosquitto.conf"], log=log)
    wait_until(lambda: listens(port), process, name="Mosquitto", log=log)
    yield port, tmp_path
    stop(process)


def test_tls_and_a_password(secured: tuple[int, Path]):
    port, folder = secured
    found = Settings(
        mqtt_url=f"mqtts://ingest@127.0.0.1:{port}",
        mqtt_password_file=folder / "password",
        mqtt_ca_file=folder / "ca.pem",
        keys=folder / "keys",
        **PROMPT,
    )
    log = MemoryLog()
    with bridging(found, log):
        until(lambda: log.events(HISTORY))
        client = Client(CallbackAPIVersion.VERSION2)
        client.tls_set(ca_certs=str(folder / "ca.pem"))
        client.username_pw_set("ingest", "s3cret")
        client.connect("127.0.0.1", port)
        client.loop_start()
        for number in range(500):
            topic, payload = meter(1, number, serial="x" * 64)
            client.publish(topic, payload, qos=1)
        until(lambda: len(log.events("meter")) == 500)
        client.disconnect()
        client.loop_stop()
    assert [json.loads(one.event.data)["seq"] for one in log.events("meter")] == list(range(500))


def test_a_wrong_password_is_tried_again_and_said(secured: tuple[int, Path], capsys: pytest.CaptureFixture[str]):
    port, folder = secured
    (folder / "wrong").write_text("guess")
    found = Settings(
        mqtt_url=f"mqtts://ingest@127.0.0.1:{port}",
        mqtt_password_file=folder / "wrong",
        mqtt_ca_file=folder / "ca.pem",
        keys=folder / "keys",
        **PROMPT,
    )
    with bridging(found, MemoryLog()):
        until(lambda: "broker refuses" in capsys.readouterr().out)


def test_it_waits_for_a_log_that_is_not_there_yet(database: str, tmp_path: Path, embedded_broker: MqttBroker):
    away = Ground(f"kafka://127.0.0.1:{free_port()}", database, tmp_path)
    process = subprocess.Popen(
        [*_role()], env=away.environment(embedded_broker), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        assert process.stderr is not None
        assert b"waiting for it" in process.stderr.readline() + process.stderr.readline() + process.stderr.readline()
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def test_health_and_metrics(embedded_broker: MqttBroker, tmp_path: Path):
    port = free_port()
    log = MemoryLog()
    with bridging(settings(embedded_broker, tmp_path, ingest_metrics_port=port), log):
        until(lambda: log.events(HISTORY))
        assert _status(port, "/health/live") == 200
        assert _status(port, "/health/ready") == 200
        assert _status(port, "/other") == 404
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
        assert 'compound_ingest_records_appended_total{topic="history"} 1.0' in text
        assert "compound_ingest_in_flight 0.0" in text
        embedded_broker.kill()
        until(lambda: _status(port, "/health/ready") == 503)
        assert _status(port, "/health/live") == 200


def test_an_error_that_waiting_cannot_mend_ends_the_role(embedded_broker: MqttBroker, tmp_path: Path):
    class Broken(MemoryLog):
        def append(self, records: Sequence[Record]) -> list[Address]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bridge(settings(embedded_broker, tmp_path), Broken(), threading.Event())
    assert not any(thread.name == "mqtt" for thread in threading.enumerate())


def _role() -> list[str]:
    return [sys.executable, "-m", "ops.cli", "ingest"]


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
