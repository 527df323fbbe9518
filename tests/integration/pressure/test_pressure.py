"""What is away, full or too much: memory stays bounded, nothing spins, health says why, and all goes on by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from compound.log.postgres import PostgresLog
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.process import ServiceError, free_port
from tests.integration.ops.test_metrics import get
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import bridging, device, meter, settings
from tests.support.pressure import MOST_RSS, idles, rss
from tests.support.processes import Processes, spots, until

ARRAY = 100
"""Readings in a message."""


def start_again(server: EmbeddedPostgres) -> None:
    """After a crash; not before the processes of the former start have gone."""

    def started() -> bool:
        try:
            server.start()
        except ServiceError:
            return False
        return True

    until(started)


def test_the_database_goes_away_and_comes_back(own_postgres: EmbeddedPostgres) -> None:
    """Processors say so, wait without spinning, and take what comes afterwards."""
    migrate(own_postgres.url)
    port = free_port()
    house = Processes(own_postgres.url, processors_metrics_port=port)
    try:
        first = house.append(spots())
        process = house.processors()
        house.settle(first)
        assert own_postgres.process is not None
        os.killpg(own_postgres.process.pid, signal.SIGKILL)
        own_postgres.process.wait()
        until(lambda: get(port, "/health/ready")[0] == 503)
        until(lambda: "parking: " in get(port, "/health/ready")[1])
        assert 'compound_processor_waiting{domain="parking"} 1.0' in get(port, "/metrics")[1]
        assert idles(process.pid)
        assert rss(process.pid) < MOST_RSS
        start_again(own_postgres)
        until(lambda: get(port, "/health/ready")[0] == 200)
        second = house.append(spots())
        house.settle(first + second)
        process.terminate()
        assert process.wait(60) == 0
    finally:
        house.end()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 192 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    tmp_path.chmod(0o755)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m,mode=755", "tmpfs", folder], check=False)
    assert mounted.returncode == 0, "a test of a full disk mounts a small one, which needs root"
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_stops_acknowledging_and_loses_nothing(
    small_disk: Path, embedded_broker: MqttBroker, tmp_path: Path
) -> None:
    """Ingest keeps what it can't append with the broker; with room again it goes on, PostgreSQL started anew if it had to end."""
    server = EmbeddedPostgres(small_disk / "postgres", settings={"max_wal_size": "64MB", "wal_recycle": "off"})
    server.start()
    migrate(server.url)
    log = PostgresLog(server.url)
    log.ensure_topics(dict.fromkeys(("meter", "history", "quarantine"), 1))
    port, ballast = free_port(), small_disk / "ballast"
    try:
        with (
            bridging(settings(embedded_broker, tmp_path, ingest_metrics_port=port), log),
            device(embedded_broker) as client,
        ):
            until(lambda: get(port, "/health/ready")[0] == 200)
            _fill(ballast)
            sent = 0
            while get(port, "/health/ready")[0] == 200:
                readings = [meter(1, seq) for seq in range(sent, sent + ARRAY)]
                array = b"[" + b",".join(body for _, body in readings) + b"]"
                client.publish(readings[0][0], array, qos=1).wait_for_publish(60)
                sent += ARRAY
                assert sent < 100_000, "the disk does not get full"
            assert "The log is away" in get(port, "/health/ready")[1]
            assert idles(os.getpid())
            ballast.unlink()
            if server.process is not None and server.process.poll() is not None:
                start_again(server)
            until(lambda: get(port, "/health/ready")[0] == 200, 180)
            until(lambda: _seqs(server.url) >= set(range(sent)), 180)
    finally:
        ballast.unlink(missing_ok=True)
        log.close()
        server.stop()


def _fill(ballast: Path) -> None:
    """Leave hardly any room."""
    with ballast.open("wb") as out:
        free = os.statvfs(ballast).f_bavail * os.statvfs(ballast).f_bsize
        for _ in range(max(free - 3 * 2**20, 0) // 2**20):
            out.write(bytes(2**20))


def _seqs(url: str) -> set[int]:
    try:
        with psycopg.connect(url) as conn:
            rows = conn.execute("SELECT value FROM book.event WHERE topic = 'meter'").fetchall()
    except psycopg.OperationalError:
        return set()
    return {json.loads(value)["seq"] for (value,) in rows}


def test_a_device_at_a_thousand_times_its_rate_does_not_take_the_memory(database: str) -> None:
    """Its records go through in batches; others' are read all the same."""
    house = Processes(database, processors_batch=2000)
    try:
        records = spots()
        flood = [record for record in records if record.topic == "parking" and record.key == b"s1"]
        total = house.append(records)
        process = house.processors()
        house.settle(total)
        before = rss(process.pid)
        total += house.append(flood * (20_000 // len(flood)))
        total += house.append(records)
        house.settle(total)
        assert rss(process.pid) < before + 200 * 2**20
        assert process.poll() is None
    finally:
        house.end()
