"""A compound of real processes, each to be killed and paused: services started by hand, roles kept by the supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx

from compound.settings import Settings
from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.process import ServiceError, free_port, listens, spawn, stop, wait_until
from ops.up.folder import DataFolder, Running
from ops.up.start import HEAVY, REST
from ops.up.supervisor import Role, Supervisor
from ops.workers import own_settings
from tests.services import timescale, trixie
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import mosquitto_program

ROOT = Path(__file__).parents[2]
SESSION_S = 6.0
MEMORY_S = 120.0
"""So long a service gets to come back: PostgreSQL recovers, Kafka waits for its former self."""

# Saved after every round of the broker's loop: what a SIGKILL can take is what came in that round.
_MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_packet_size 65536
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
user root
"""


class Service(Protocol):
    """What can be killed from outside and started again."""

    process: subprocess.Popen[bytes] | None

    def start(self) -> object:
        """Start it, with the data of a former start if there is any. Raises ServiceError."""


class Mosquitto:
    """Eclipse Mosquitto with persistence; it comes back with what it had saved."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again. Raises ServiceError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config, log = self._folder / "mosquitto.conf", self._folder / "mosquitto.log"
        config.write_text(_MOSQUITTO.format(port=self.port, folder=self._folder))
        self.process = spawn([mosquitto_program(), "-c", config], log=log)
        wait_until(lambda: listens(self.port), self.process, name="Mosquitto", log=log)


def _server(kind: str, folder: Path) -> EmbeddedPostgres:
    if kind == "postgresql":
        return EmbeddedPostgres(folder)
    return EmbeddedPostgres(folder, settings=timescale.SETTINGS, programs=trixie.programs())


class House:
    """PostgreSQL, Mosquitto, Kafka where the log is there, two of each role that can share, and the API."""

    def __init__(
        self,
        folder: Path,
        log: Literal["postgresql", "kafka"],
        database: Literal["postgresql", "timescaledb"] = "postgresql",
    ) -> None:
        self.data = DataFolder(folder)
        for made in (self.data.path, self.data.logs, self.data.keys):
            made.mkdir(parents=True, exist_ok=True)
        self._postgres = _server(database, self.data.postgres)
        self._mosquitto = Mosquitto(self.data.path / "mosquitto")
        self._kafka = KafkaNode(self.data.path / "kafka") if log == "kafka" else None
        self._services: dict[str, Service] = {"postgresql": self._postgres, "mosquitto": self._mosquitto}
        if self._kafka is not None:
            self._services["kafka"] = self._kafka
        self._api_port = free_port()
        self.roles: Supervisor | None = None
        self.said: list[str] = []

    @property
    def url(self) -> str:
        """The database."""
        return self._postgres.url_of("compound")

    def start(self) -> None:
        """Start everything and wait until the API is ready. Raises ServiceError."""
        self._postgres.start()
        migrate(self._postgres.make("compound"))
        self._mosquitto.start()
        if self._kafka is not None:
            self._kafka.start()
        log_url = f"kafka://{self._kafka.bootstrap}" if self._kafka else ""
        api, broker = f"http://127.0.0.1:{self._api_port}", f"mqtt://127.0.0.1:{self._mosquitto.port}"
        self.data.announce(Running(os.getpid(), api, broker, self.url, log_url))
        self.roles = Supervisor(self._environment(log_url, broker), self.data.logs, self.said.append)
        for role in self._working(log_url):
            self.roles.start(role)
        self._wait(lambda: httpx.get(f"{api}/health/ready", trust_env=False, timeout=5).status_code == 200)

    def _environment(self, log_url: str, broker: str) -> dict[str, str]:
        ours: dict[str, Any] = {
            "DATABASE_URL": self.url,
            "LOG_URL": log_url,
            "MQTT_URL": broker,
            "API_PORT": self._api_port,
            "KEYS": self.data.keys,
            "SESSION_S": SESSION_S,
        }
        theirs = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**theirs, **{f"COMPOUND_{name}": str(value) for name, value in ours.items()}}

    def _working(self, log_url: str) -> list[Role]:
        ingests = [
            Role(f"ingest-{number}", ["ingest"], env=own_settings("ingest", number, 2, Settings())) for number in (1, 2)
        ]
        return [
            Role("api", ["api"]),
            Role("processors-1", ["processors"]),
            Role("processors-2", ["processors", "--only", HEAVY]),
            Role("processors-3", ["processors", "--only", REST]),
            *ingests,
            *([Role("archiver-1", ["archiver"]), Role("archiver-2", ["archiver"])] if log_url else []),
        ]

    def targets(self) -> list[str]:
        """All that can be hit."""
        assert self.roles is not None
        return [role.name for role in self.roles.roles if role.name != "simulators"] + list(self._services)

    def simulate(self, history: int, rate: float, seed: int) -> None:
        """The simulators: all faults over days of history, then they end."""
        assert self.roles is not None
        args = ["simulate", "all-faults", "--data", str(self.data.path), "--no-live", "--seed", str(seed)]
        self.roles.start(Role("simulators", [*args, "--history", str(history), "--rate", str(rate)]))

    def simulating(self) -> bool:
        """Whether the simulators still send. Raises AssertionError when they failed."""
        assert self.roles is not None
        role = next(role for role in self.roles.roles if role.name == "simulators")
        assert role.crashes == 0, self.said
        return not role.finished

    def watch(self) -> None:
        """Start again what died."""
        assert self.roles is not None
        self.roles.watch()

    def signal(self, target: str, number: signal.Signals) -> None:
        """Send a signal to a process and its children; nothing where it is just being started again."""
        for pid in self._pids(target):
            with suppress(ProcessLookupError):
                os.killpg(pid, number)

    def _pids(self, target: str) -> list[int]:
        assert self.roles is not None
        if target in self._services:
            process = self._services[target].process
            return [process.pid] if process is not None else []
        pid = self.roles.pids().get(target)
        return [pid] if pid is not None else []

    def revive(self, target: str) -> None:
        """Start a killed service again; a role is started by the supervisor. Raises ServiceError."""
        if target not in self._services:
            return
        service = self._services[target]
        if service.process is not None:
            service.process.wait()
        deadline = time.monotonic() + MEMORY_S
        while True:
            try:
                service.start()
                return
            except ServiceError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """`compound ARGS --data …` to its end."""
        command = [sys.executable, "-m", "ops.cli", *args, "--data", str(self.data.path)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    def _wait(self, true: Any, timeout_s: float = 300.0) -> None:
        assert self.roles is not None
        deadline = time.monotonic() + timeout_s
        while True:
            self.roles.watch()
            try:
                if true():
                    return
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise ServiceError(f"The API was not ready after {timeout_s:.0f} s; see {self.data.logs}.")
            time.sleep(0.2)

    def stop(self) -> None:
        """End everything."""
        if self.roles is not None:
            self.roles.stop()
        if self._kafka is not None:
            self._kafka.kill()
        if self._mosquitto.process is not None:
            stop(self._mosquitto.process)
        self._postgres.stop()
        self.data.retire()
