"""Ingest on the real logs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compound.log.open import open_log
from compound.log.port import Log, LogUnavailable, Slot, Stored
from tests.services.databases import Databases
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import until


class Ground:
    """A log that is there, and ingest processes that append to it."""

    def __init__(self, log_url: str, database: str, folder: Path) -> None:
        self.log_url, self.database, self.folder = log_url, database, folder
        self.output = folder / "ingest.log"

    def log(self) -> Log:
        return open_log(self.log_url, self.database, 4)

    def read(self, topic: str) -> list[Stored]:
        """All that stands in a topic."""
        log = self.log()
        reader = log.reader("test", [topic], lambda slots: dict.fromkeys(slots, 0))
        found: list[Stored] = []
        ends = {slot: end for slot, end in log.heads([topic]).items() if end}
        while sum(ends.values()) > len(found):
            found += reader.poll(1000, 0.5)
        reader.close()
        log.close()
        return found

    def heads(self, topic: str) -> int:
        """How many records a topic holds; none while the log is not reached, as just after its start."""
        try:
            log = self.log()
        except LogUnavailable:
            return 0
        ends: dict[Slot, int] = log.heads([topic])
        log.close()
        return sum(ends.values())

    def environment(self, broker: MqttBroker, **settings: object) -> dict[str, str]:
        ours = {
            "log_url": self.log_url,
            "database_url": self.database,
            "mqtt_url": f"mqtt://{broker.host}:{broker.port}",
            "keys": self.folder / "keys",
            **settings,
        }
        return {**os.environ, **{f"COMPOUND_{name.upper()}": str(value) for name, value in ours.items()}}

    def start(self, broker: MqttBroker, *arguments: str, **settings: object) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as output:
            command = [sys.executable, "-m", "tests.support.ingest_process", *arguments]
            return subprocess.Popen(command, env=self.environment(broker, **settings), stdout=output, stderr=output)

    @contextmanager
    def running(self, broker: MqttBroker, *arguments: str, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
        """Ingest while the block runs, connected; ended by SIGTERM, and cleanly, unless it has died."""
        written = self.output.stat().st_size if self.output.exists() else 0
        process = self.start(broker, *arguments, **settings)
        try:
            until(lambda: process.poll() is not None or b'"connected"' in self.output.read_bytes()[written:])
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0, self.output.read_text()
        finally:
            process.kill()
            process.wait()


@pytest.fixture(params=["postgresql", "timescaledb", "kafka"])
def ground(request: pytest.FixtureRequest, servers: Callable[[str], Databases], tmp_path: Path) -> Iterator[Ground]:
    """The log in either database, or Kafka, beside which ingest uses none."""
    databases = servers("postgresql" if request.param == "kafka" else request.param)
    url = databases.create()
    log_url = f"kafka://{request.getfixturevalue('kafka_bootstrap')}" if request.param == "kafka" else ""
    yield Ground(log_url, url, tmp_path)
    databases.drop(url)
