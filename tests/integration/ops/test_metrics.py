"""Each role, scraped as Prometheus does: exactly the documented names, and health with its reason."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from prometheus_client.parser import text_string_to_metric_families

from compound.metrics import METRICS
from ops.embedded.process import free_port
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import until

ROOT = Path(__file__).parents[3]
ROLES = {"ingest": [], "processors": ["--only", "registry,parking"], "archiver": [], "api": []}


@contextmanager
def running(role: str, **settings: object) -> Iterator[int]:
    """`compound ROLE` while the block runs; the port of its metrics."""
    port = free_port()
    ours = {("api_port" if role == "api" else f"{role}_metrics_port"): port, **settings}
    env = {**os.environ, **{f"COMPOUND_{name.upper()}": str(value) for name, value in ours.items()}}
    process = subprocess.Popen([sys.executable, "-m", "ops.cli", role, *ROLES[role]], cwd=ROOT, env=env)
    try:
        yield port
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def get(port: int, path: str) -> tuple[int, str]:
    """Status and text; 0 while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except URLError:
        return 0, ""


@pytest.mark.parametrize("role", ROLES)
def test_exactly_the_documented_names(
    role: str, database: str, embedded_broker: MqttBroker, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    log = f"kafka://{request.getfixturevalue('kafka_bootstrap')}" if role == "archiver" else ""
    broker = f"mqtt://{embedded_broker.host}:{embedded_broker.port}"
    with running(role, database_url=database, log_url=log, mqtt_url=broker, keys=tmp_path) as port:
        until(lambda: get(port, "/health/ready")[0] == 200, 180)
        status, text = get(port, "/metrics")
        assert status == 200
        found = {
            f"{family.name}_total" if family.type == "counter" else family.name: family
            for family in text_string_to_metric_families(text)
            if not family.name.startswith("process_")
        }
        wanted = {each.name: each for each in METRICS if each.role == role}
        assert found.keys() == wanted.keys()
        for name, each in wanted.items():
            assert (found[name].type, found[name].documentation) == (each.type.__name__.lower(), each.help)
        assert "process_resident_memory_bytes" in text


def test_health_says_why(embedded_broker: MqttBroker, tmp_path: Path) -> None:
    """Alive and not ready, with the reason, while the database is away; SIGTERM ends it all the same."""
    nowhere = f"postgresql://u@127.0.0.1:{free_port()}/d"
    with running("processors", database_url=nowhere) as port:
        until(lambda: get(port, "/health/live")[0] == 200, 180)
        assert get(port, "/health/ready") == (503, "It waits for the log.\n")
        assert get(port, "/other")[0] == 404
