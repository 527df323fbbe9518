"""MQTT brokers for the tests: the embedded one and Eclipse Mosquitto, behind one interface."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Protocol

from ops.embedded.broker import EmbeddedBroker
from ops.embedded.process import ServiceError, free_port, listens, spawn, stop, wait_until
from tests.services.docker import MOSQUITTO_IMAGE, Container, engine_answers

KINDS = ("iotcore", "mosquitto")

_SBIN = "/usr/sbin:/usr/local/sbin"

# Its defaults drop what is beyond 1,000 queued messages of a session; DESIGN sizes the limit as rate x outage.
_MOSQUITTO_CONFIG = """
listener {port} {address}
allow_anonymous true
max_queued_messages 0
max_packet_size 65536
persistence false
"""


class MqttBroker(Protocol):
    """A broker on loopback, one of KINDS, taking MQTT 5 on `port`; sessions live as long as its process."""

    kind: str
    host: str
    port: int

    def start(self) -> None:
        """Start it, after `kill` again on the same port; ServiceError when it can't be."""

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""


class Iotcore:
    """The broker that `compound up` runs."""

    kind = "iotcore"
    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self._broker = EmbeddedBroker(folder, port=free_port(), port_v4=0)

    @property
    def port(self) -> int:
        return self._broker.port

    def start(self) -> None:
        self._broker.start()

    def kill(self) -> None:
        if self._broker.process is not None:
            stop(self._broker.process, signal.SIGKILL)


class Mosquitto:
    """Eclipse Mosquitto: the machine's own, or a container where a Docker engine answers."""

    kind = "mosquitto"
    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._container: Container | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        log = self._folder / "mosquitto.log"
        config = self._folder / "mosquitto.conf"
        if engine_answers():
            config.write_text(_MOSQUITTO_CONFIG.format(port=1883, address="0.0.0.0"))
            mounts = {config: "/mosquitto/config/mosquitto.conf"}
            self._container = Container(MOSQUITTO_IMAGE, log=log, ports={self.port: 1883}, mounts=mounts)
            self._process = self._container.process
        else:
            config.write_text(_MOSQUITTO_CONFIG.format(port=self.port, address="127.0.0.1") + "user root\n")
            self._process = spawn([mosquitto_program(), "-c", config], log=log)
        wait_until(lambda: listens(self.port), self._process, name="Mosquitto", log=log)

    def kill(self) -> None:
        if self._container is not None:
            self._container.kill()
        elif self._process is not None:
            stop(self._process, signal.SIGKILL)


def make_broker(kind: str, folder: Path) -> Iotcore | Mosquitto:
    """A broker of that kind, not started yet."""
    return Iotcore(folder) if kind == "iotcore" else Mosquitto(folder)


def mosquitto_program() -> str:
    """Mosquitto's path; Debian keeps it in sbin, which is not always on PATH. ServiceError when it isn't installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SBIN)
    if found is None:
        raise ServiceError("Mosquitto is not installed; run `make services`.")
    return found
