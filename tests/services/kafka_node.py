"""One Apache Kafka node (KRaft) for the tests: from its jars by the machine's own Java, or as a container."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ops.embedded.process import ServiceError, free_port, spawn, stop, tail, wait_until
from tests.services.docker import KAFKA_IMAGE, Container, engine_answers

CACHE = Path(__file__).parent / ".cache"
JARS = CACHE / "kafka-4.1.0"

_CLUSTER = "4L6g3nShT-eMCtK--X86sw"

# Starts in 2.2 s instead of 3.8 and takes 150 MB instead of 190: a test is over before the better compiler pays.
_JAVA = ("-Xmx512m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.enable": "false",
    "broker.session.timeout.ms": "2000",  # a node started again after a kill waits for its former self
    "broker.heartbeat.interval.ms": "500",
    "log.segment.delete.delay.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
}


class KafkaNode:
    """A broker and controller in one process on loopback; `bootstrap` is its address."""

    def __init__(self, folder: Path, *, java: tuple[str, ...] = _JAVA) -> None:
        self.folder = folder
        self._java = java
        self._port, self._controller = free_port(), free_port()
        self._container: Container | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.bootstrap = f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, with the data of a former start if there is any; ServiceError when it can't be."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "kafka.log"
        self.process = self._start_container(log) if engine_answers() else self._start_java(log)
        wait_until(self._answers, self.process, name="Kafka", log=log, timeout_s=60)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        if self._container is not None:
            self._container.kill()
        elif self.process is not None:
            stop(self.process, signal.SIGKILL)
        self._container = self.process = None

    def clear(self) -> None:
        """Make it as new: no topics, no consumer groups. A group whose members were killed costs a fresh start."""
        admin = self._admin()
        groups = [group.group_id for group in admin.list_consumer_groups().result().valid]
        topics = [name for name in admin.list_topics(timeout=60).topics if not name.startswith("__")]
        try:
            _await(admin.delete_consumer_groups(groups) if groups else {})
            _await(admin.delete_topics(topics) if topics else {})
        except KafkaException:
            self.kill()
            shutil.rmtree(self.folder)
            self.start()
            return
        deadline = time.monotonic() + 60
        while any(name in self._admin().list_topics(timeout=60).topics for name in topics):
            if time.monotonic() > deadline:
                raise ServiceError("Kafka did not delete the topics of the test before.")
            time.sleep(0.02)

    def _start_container(self, log: Path) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        data.chmod(0o777)  # the image's own user writes here
        settings = {**_SETTINGS, **self._listeners(bind="0.0.0.0", port=9092, controller=9093), "log.dirs": "/data"}
        env = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
        self._container = Container(
            KAFKA_IMAGE, log=log, ports={self._port: 9092}, env=env | {"CLUSTER_ID": _CLUSTER}, mounts={data: "/data"}
        )
        return self._container.process

    def _start_java(self, log: Path) -> subprocess.Popen[bytes]:
        listeners = self._listeners(bind="127.0.0.1", port=self._port, controller=self._controller)
        settings = {**_SETTINGS, **listeners, "log.dirs": str(self.folder / "data")}
        config = self.folder / "server.properties"
        config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        if not (self.folder / "data").exists():
            self._format(config, log)
        return spawn([*self._program(), "kafka.Kafka", config], log=log)

    def _format(self, config: Path, log: Path) -> None:
        """Lay a formatted data folder; the first one is kept in the cache, for formatting costs a JVM's start."""
        blank = CACHE / f"formatted-{JARS.name}"
        if not blank.exists():
            draft = self.folder / "data"
            command = [*self._program(), "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(config)]
            with log.open("ab") as output:
                done = subprocess.run(command, stdout=output, stderr=output, check=False)
            if done.returncode != 0:
                raise ServiceError(f"Kafka's data folder can't be formatted: {tail(log)}")
            shutil.copytree(draft, self.folder / "blank")
            try:
                (self.folder / "blank").rename(blank)
            except OSError:  # another worker was first
                shutil.rmtree(self.folder / "blank", ignore_errors=True)
            return
        shutil.copytree(blank, self.folder / "data")

    def _program(self) -> list[str]:
        if not (JARS / "complete").exists():
            raise ServiceError("Apache Kafka's jars are not there; run `make services`.")
        return ["java", *self._java, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{JARS}/*"]

    def _listeners(self, *, bind: str, port: int, controller: int) -> dict[str, str]:
        return {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{bind}:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
        }

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def _answers(self) -> bool:
        try:
            self._admin().list_topics(timeout=1)
        except KafkaException:
            return False
        return True


def _await(futures: Mapping[str, Future[Any]]) -> None:
    for future in futures.values():
        future.result(timeout=60)
