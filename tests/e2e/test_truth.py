"""The proof of the whole: a compound with every fault at once for 30 days, and no difference to the truth, on both logs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from compound.events import TOPICS
from compound.log.kafka import KafkaLog
from tests.e2e.running import Running, wait_for

DAYS = "30"


@pytest.mark.timeout(900)
def test_all_faults_on_the_postgresql_log(tmp_path: Path) -> None:
    """The log in the database: `verify` finds nothing, and the book's chain holds."""
    begun = datetime.now(UTC)
    with _up(tmp_path) as up:
        _prove(up, begun)
        up.run("audit")


@pytest.mark.timeout(900)
def test_all_faults_on_kafka(tmp_path: Path, kafka_bootstrap: str) -> None:
    """Apache Kafka by one option: `verify` finds nothing, and the book that the archiver wrote holds all of it."""
    begun = datetime.now(UTC)
    with _up(tmp_path, "--log", f"kafka://{kafka_bootstrap}") as up:
        _prove(up, begun)
        wait_for(lambda: up.json("audit")["rows"] >= _records(kafka_bootstrap), 60, pause_s=2)
        up.run("audit")


def _up(tmp_path: Path, *options: str) -> Running:
    ports = ("--api-port", "0", "--mqtt-port", "0")
    return Running(tmp_path / "data", "--scenario", "all-faults", "--history", DAYS, *ports, *options)


def _prove(up: Running, begun: datetime) -> None:
    up.settle()
    assert "No difference" in up.run("verify")
    alerts = up.get("/v1/alerts?limit=1000")["items"]
    assert {alert["domain"] for alert in alerts} >= {"access", "energy", "parcels", "parking", "quotas", "solar"}
    rung = [alert for alert in alerts if alert["notify"] and alert["end"]]
    assert not [alert for alert in rung if datetime.fromisoformat(alert["end"]) < begun], "a bell for what was over"


def _records(bootstrap: str) -> int:
    """How many Kafka holds now."""
    log = KafkaLog(bootstrap, None)
    found = sum(log.heads(TOPICS).values())
    log.close()
    return found
