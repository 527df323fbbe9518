"""The proof of the whole: a compound with faults, and no difference to the truth.

Every fault at once for 30 days on the embedded default; faults that are not over yet, a day of them, on Kafka, TimescaleDB and
Mosquitto. These together, ten days of it, in test_compose.py; the crossings, under blows, in test_chaos.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import pytest
import yaml

from compound.events import TOPICS
from compound.log.kafka import KafkaLog
from tests.e2e.running import Running, wait_for
from tests.services.timescale import TimescaleServer
from tests.support.deployed_mosquitto import Deployed


@pytest.mark.timeout(1800)
def test_all_faults_on_the_postgresql_log(tmp_path: Path) -> None:
    """The log in the database: `verify` finds nothing, and the book's chain holds."""
    begun = datetime.now(UTC)
    with _up(tmp_path) as up:
        _prove(up, begun)
        up.run("audit")


@pytest.mark.timeout(1200)
def test_every_part_another_by_one_option_each(
    tmp_path: Path,
    run_folder: Path,
    kafka_bootstrap: str,
    own_timescale: TimescaleServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Apache Kafka, TimescaleDB, and Mosquitto with TLS and passwords: a day with faults that are not over, and the
    archiver's book holds all of it.
    """
    folder = run_folder / f"mosquitto-{tmp_path.name}"
    folder.mkdir()
    broker = Deployed(folder, more_rights="\nuser whole\ntopic readwrite #\n")
    (tmp_path / "password").write_text(broker.give("whole"))
    monkeypatch.setenv("COMPOUND_MQTT_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("COMPOUND_MQTT_CA_FILE", str(broker.secrets.file("ca.crt")))
    with psycopg.connect(own_timescale.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE compound")
    where = (
        "--mqtt-url",
        f"mqtts://whole@localhost:{broker.inside}",
        "--database-url",
        own_timescale.url_of("compound"),
        "--log",
        f"kafka://{kafka_bootstrap}",
    )
    try:
        with _up(tmp_path, *where, days="1", scenario=_open_faults(tmp_path)) as up:
            up.settle()
            assert "No difference" in up.run("verify")
            wanted = _records(kafka_bootstrap)
            wait_for(lambda: up.json("audit")["rows"] >= wanted, 180, pause_s=2)
            up.run("audit")
    finally:
        broker.close()


OPEN: Final[dict[timedelta, tuple[dict[str, Any], ...]]] = {
    timedelta(hours=5): (
        {"kind": "lost", "devices": ["m-b2-hvac", "inv-5", "sp-p1-050", "g-b3"]},
        {"kind": "clock", "device": "m-b4", "days": 366},
        {"kind": "clock", "device": "m-b1-lift", "days": -9800},
        {"kind": "stuck", "device": "m-b5-pmp"},
        {"kind": "silent-channel", "device": "g-b4", "channel": "reading"},
        {"kind": "inverter-fault", "device": "inv-7", "evt1": 1},
        {"kind": "crash", "devices": ["inv-4", "sp-p1-120", "m-b2-f3"]},
        {"kind": "duplicates", "device": "m-b2"},
    ),
    timedelta(hours=2): (
        {"kind": "offline", "devices": ["m-b1-f3", "sp-p1-040", "g-n2"]},
        {"kind": "shuffled", "devices": ["202610002041", "lk-3", "inv-8"]},
        {"kind": "spike", "device": "m-b4-din", "height": 900000},
        {"kind": "replacement", "device": "m-dc", "recorded": False, "start": 0, "serial": "DSZ-26-0777"},
    ),
}
"""So long ago began faults that go on for hours; the second kind leaves open what the time since brought."""


def _open_faults(tmp_path: Path) -> str:
    """A scenario in which everything that can last lasts now."""
    zone = ZoneInfo("Asia/Shanghai")
    now = datetime.now(zone)
    faults = []
    for ago, each in OPEN.items():
        start = now - ago
        day = (start.date() - (now.date() - timedelta(days=1))).days
        faults += [{**fault, "day": day, "at": f"{start:%H:%M}", "lasts": "12h"} for fault in each]
    path = tmp_path / "open.yaml"
    path.write_text(yaml.safe_dump({"about": "Faults that are not over.", "faults": faults}))
    return str(path)


def _up(tmp_path: Path, *options: str, days: str = "30", scenario: str = "all-faults") -> Running:
    ports = ("--api-port", "0", "--mqtt-port", "0")
    return Running(tmp_path / "data", "--scenario", scenario, "--history", days, *ports, *options)


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
