"""The proof of the whole: a compound with every fault at once for 30 days, and no difference to the truth, on both logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.running import Running

DAYS = "30"


@pytest.mark.timeout(900)
def test_all_faults_on_the_postgresql_log(tmp_path: Path) -> None:
    """The log in the database: `verify` finds nothing, and the book's chain holds."""
    with _up(tmp_path) as up:
        _prove(up)
        up.run("audit")


@pytest.mark.timeout(900)
def test_all_faults_on_kafka(tmp_path: Path, kafka_bootstrap: str) -> None:
    """Apache Kafka by one option; `audit` says in one sentence that the book comes later."""
    with _up(tmp_path, "--log", f"kafka://{kafka_bootstrap}") as up:
        _prove(up)
        assert "archiver" in up.run("audit", code=2, errors=True)


def _up(tmp_path: Path, *options: str) -> Running:
    ports = ("--api-port", "0", "--mqtt-port", "0")
    return Running(tmp_path / "data", "--scenario", "all-faults", "--history", DAYS, *ports, *options)


def _prove(up: Running) -> None:
    up.settle(timeout_s=300)
    differences = up.run("verify")
    assert "difference" in differences
    raised = up.json("status")["alerts"]
    assert raised, "the faults were noticed"
