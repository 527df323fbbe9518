"""A database that takes its time: everything comes later, nothing breaks or grows, and the lag shows until it is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

from ops.embedded.process import free_port
from tests.integration.ops.test_metrics import get
from tests.integration.pressure.test_kafka_away import figure, heard
from tests.services.databases import Databases
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import device, meter, publish
from tests.support.pressure import idles, rss
from tests.support.processes import Processes, until
from tests.support.slow_way import slow_way

DELAY_S = 0.05
"""A question and its answer take twice as long."""
SENT = 600


def lag(url: str) -> int:
    """Records that liveness has not read, as the platform shows it to people and to Grafana."""
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT coalesce(sum(records), 0) FROM runtime.lag() WHERE domain = 'liveness'").fetchone()
    return int(row[0]) if row else 0


def test_a_slow_database_makes_lag_and_nothing_else(
    embedded_broker: MqttBroker, servers: Callable[[str], Databases], tmp_path: Path
) -> None:
    url = servers("postgresql").create()
    ingest_port, port = free_port(), free_port()
    with slow_way(url, DELAY_S) as slow:
        house = Processes(
            slow,
            mqtt_url=f"mqtt://{embedded_broker.host}:{embedded_broker.port}",
            keys=tmp_path / "keys",
            ingest_in_flight=100,
            processors_batch=200,
            ingest_metrics_port=ingest_port,
            processors_metrics_port=port,
        )
        try:
            roles = [
                house.start("ops.cli", "ingest"),
                house.start("ops.cli", "processors", "--only", "registry,liveness"),
            ]
            until(lambda: all(get(each, "/health/ready")[0] == 200 for each in (ingest_port, port)))
            before = [rss(role.pid) for role in roles]
            with device(embedded_broker) as client:
                publish(client, [meter(number % 7, number) for number in range(SENT)])
                until(lambda: lag(url) > 100)
                assert 0 < figure(ingest_port, "compound_ingest_in_flight") <= 200
                assert all(get(each, "/health/ready")[0] == 200 for each in (ingest_port, port))
                assert idles(*(role.pid for role in roles))
                until(lambda: heard(url) >= SENT)
            until(lambda: lag(url) == 0 and figure(port, "compound_processor_lag") == 0)
            assert figure(port, "compound_processor_fences_lost_total") == 0
            assert all(rss(role.pid) < was + 100 * 2**20 for role, was in zip(roles, before, strict=True))
            assert all(role.poll() is None for role in roles)
        finally:
            house.end()
