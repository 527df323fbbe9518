"""Kafka away: nothing is acknowledged, nobody spins or grows or ends, health says why, and all goes on by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from ops.embedded.process import free_port
from tests.integration.ops.test_metrics import get
from tests.services.databases import Databases
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import device, meter, publish
from tests.support.pressure import MOST_RSS, idles, rss
from tests.support.processes import Processes, until

ROLES = ("ingest", "archiver", "processors")


def figure(port: int, name: str) -> float:
    """A role's metric."""
    families = text_string_to_metric_families(get(port, "/metrics")[1])
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def seqs(url: str) -> list[int]:
    """Numbers of the readings in the book."""
    with psycopg.connect(url) as conn:
        return [json.loads(row[0])["seq"] for row in conn.execute("SELECT value FROM book.event WHERE topic = 'meter'")]


def heard(url: str) -> int:
    """Readings that the processors have taken in."""
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT coalesce(sum(messages), 0) FROM liveness.device").fetchone()
    return int(row[0]) if row else 0


def test_kafka_goes_away_and_comes_back(
    own_kafka: KafkaNode, embedded_broker: MqttBroker, servers: Callable[[str], Databases], tmp_path: Path
) -> None:
    url = servers("postgresql").create()
    ports = {role: free_port() for role in ROLES}
    house = Processes(
        url,
        f"kafka://{own_kafka.bootstrap}",
        mqtt_url=f"mqtt://{embedded_broker.host}:{embedded_broker.port}",
        keys=tmp_path / "keys",
        session_s=10,
        **{f"{role}_metrics_port": port for role, port in ports.items()},
    )
    try:
        only = ("--only", "registry,liveness")
        roles = {role: house.start("ops.cli", role, *(only if role == "processors" else ())) for role in ROLES}
        pids = [process.pid for process in roles.values()]
        until(lambda: all(get(port, "/health/ready")[0] == 200 for port in ports.values()))
        with device(embedded_broker) as client:
            publish(client, [meter(1, seq) for seq in range(300)])
            until(lambda: heard(url) == 300 and len(seqs(url)) == 300)
            before = [rss(pid) for pid in pids]
            own_kafka.kill()
            acknowledged = figure(ports["ingest"], "compound_ingest_messages_acknowledged_total")
            publish(client, [meter(1, seq) for seq in range(300, 3000)])
            until(lambda: all(get(port, "/health/ready")[0] == 503 for port in ports.values()))
            reasons = {role: get(port, "/health/ready")[1] for role, port in ports.items()}
            assert "nothing is acknowledged" in reasons["ingest"]
            assert "Kafka" in reasons["archiver"]
            assert "liveness: " in reasons["processors"]
            assert figure(ports["ingest"], "compound_ingest_messages_acknowledged_total") == acknowledged
            assert idles(*pids)
            assert all(rss(pid) < min(was + 100 * 2**20, MOST_RSS) for pid, was in zip(pids, before, strict=True))
            own_kafka.start()
            publish(client, [meter(1, seq) for seq in range(3000, 3300)])
            until(lambda: all(get(port, "/health/ready")[0] == 200 for port in ports.values()))
            until(lambda: set(seqs(url)) == set(range(3300)) and heard(url) >= 3300)
        assert all(process.poll() is None for process in roles.values())
    finally:
        house.end()
