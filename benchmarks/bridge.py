"""The bridge alone, MQTT to Kafka with validation: CPU a message in a burst and at a steady rate.

    python -m benchmarks.bridge [--messages 100000] [--rate 5000] [--seconds 10] [--nowhere]

The load of the peers' figures (docs/benchmarks.md): Mosquitto, QoS 1, readings of about 150 bytes from 1,000 devices,
Kafka with acks=all. The burst waits in the session before ingest starts. CPU is that of ingest's process, user and
system, by its threads; `intake` is measured apart, on the same messages. `--nowhere` leaves Kafka out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ingest.intake import Message
from ops.embedded.process import free_port, listens, spawn, stop, wait_until
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import mosquitto_program
from tests.support.intake import Desk

DEVICES = 1000
CONFIG = "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n"
TICKS = os.sysconf("SC_CLK_TCK")

NOWHERE = """
from compound.settings import load
from ingest.main import bridge
from ops.cli_roles import stop_on_signals
from tests.support.memory_log import MemoryLog

log = MemoryLog()
log.append = lambda records: []
bridge(load(), log, stop_on_signals())
"""
ROLE = """
from compound.settings import load
from ingest.main import run
from ops.cli_roles import stop_on_signals

run(load(), stop_on_signals())
"""


class Cost(NamedTuple):
    """What one run cost: messages a second, and µs of CPU a message, by thread and in all."""

    rate: float
    threads: dict[str, float]
    batch: float

    @property
    def total(self) -> float:
        return sum(self.threads.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {value:.1f}" for name, value in sorted(self.threads.items()))
        return f"{self.rate:,.0f}/s, {self.total:.1f} µs CPU a message ({parts}), {self.batch:.0f} messages an append"


def reading(number: int) -> tuple[bytes, bytes]:
    """Topic and payload of a message."""
    device, seq = number % DEVICES, number // DEVICES
    data = {
        "time": f"2026-11-02T08:{seq // 60 % 60:02d}:{seq % 60:02d}.{device:03d}Z",
        "boot": 3,
        "seq": seq,
        "import_wh": 123_456_789 + 250 * seq,
        "export_wh": 4_321,
        "power_w": 12_345,
        "serial": f"SN-{device:012d}",
    }
    return f"compound/v1/demo/meter/m-{device:04d}/reading".encode(), json.dumps(data).encode()


class Sender:
    """Publishes in MQTT 3.1.1, as cheaply as can be; acknowledgements are counted, 4 bytes each."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04load")
        assert self._socket.recv(4)[3] == 0
        self._unanswered = 0
        self._number = 0

    def send(self, count: int) -> None:
        """Publish; at most 200 messages wait for their acknowledgement."""
        while count:
            step = min(count, 100)
            self._socket.sendall(b"".join(self._packet() for _ in range(step)))
            self._unanswered += 4 * step
            self.hear(400)
            count -= step

    def _packet(self) -> bytes:
        topic, payload = reading(self._number)
        self._number += 1
        body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", self._number % 65535 + 1) + payload
        return bytes([0x32, len(body) & 0x7F | 0x80, len(body) >> 7]) + body

    def hear(self, most: int = 0) -> None:
        """Wait until at most so many bytes of acknowledgements are out."""
        while self._unanswered > most:
            self._unanswered -= len(self._socket.recv(self._unanswered))


class Ingest:
    """The process that is measured."""

    def __init__(self, folder: Path, mqtt: int, kafka: str) -> None:
        self._metrics = free_port()
        env = {
            **os.environ,
            "COMPOUND_LOG_URL": f"kafka://{kafka}" if kafka else "",
            "COMPOUND_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "COMPOUND_MQTT_URL": f"mqtt://127.0.0.1:{mqtt}",
            "COMPOUND_KEYS": str(folder / "keys"),
            "COMPOUND_INGEST_METRICS_PORT": str(self._metrics),
        }
        command = [sys.executable, "-c", ROLE if kafka else NOWHERE]
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(lambda: listens(self._metrics), self.process, name="ingest", log=folder / "none", timeout_s=30)

    def metric(self, name: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return int(float(line.split()[1]))
        return 0

    def until(self, acknowledged: int) -> None:
        while self.metric("compound_ingest_messages_acknowledged_total") < acknowledged:
            time.sleep(0.1)

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU by thread: the batcher's is the main one, Kafka's client has its own."""
        used = {"kafka": 0.0, "batcher": 0.0, "network": 0.0}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(") ", 1)
            seconds = sum(map(int, fields.split()[11:13])) / TICKS
            main = int(task.name) == self.process.pid
            used["kafka" if name.startswith("rdk") else "batcher" if main else "network"] += seconds
        return used

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM)

    @contextmanager
    def measured(self, messages: int) -> Iterator[list[Cost]]:
        """The cost of what the block waits for, put into the list it gets."""
        out: list[Cost] = []
        before, appends, began = self.cpu(), self.metric("compound_ingest_append_seconds_count"), time.monotonic()
        yield out
        took, used = time.monotonic() - began, self.cpu()
        threads = {name: (used[name] - before[name]) / messages * 1e6 for name in used}
        out.append(
            Cost(messages / took, threads, messages / (self.metric("compound_ingest_append_seconds_count") - appends))
        )


def measure(messages: int, rate: int, seconds: int, *, kafka: bool = True) -> tuple[Cost, Cost]:
    """The cost in a burst of `messages`, and at `rate` a second for `seconds`."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "mosquitto.conf").write_text(CONFIG.format(port=port))
        log = folder / "mosquitto.log"
        broker = spawn([mosquitto_program(), "-c", folder / "mosquitto.conf"], log=log)
        wait_until(lambda: listens(port), broker, name="Mosquitto", log=log)
        node = KafkaNode(folder / "kafka")
        if kafka:
            node.start()
        try:
            return _measure(folder, port, node.bootstrap if kafka else "", messages, rate, seconds)
        finally:
            node.kill()
            stop(broker, signal.SIGTERM)


def _measure(folder: Path, mqtt: int, kafka: str, messages: int, rate: int, seconds: int) -> tuple[Cost, Cost]:
    first = Ingest(folder, mqtt, kafka)  # makes the session
    time.sleep(1)
    first.stop()
    sender = Sender(mqtt)
    sender.send(messages)
    sender.hear()
    ingest = Ingest(folder, mqtt, kafka)
    with ingest.measured(messages) as burst:
        ingest.until(messages)
    count = rate * seconds
    with ingest.measured(count) as steady:
        at = time.monotonic()
        for _ in range(0, count, max(1, rate // 500)):
            sender.send(max(1, rate // 500))
            at += 1 / 500
            time.sleep(max(0.0, at - time.monotonic()))
        ingest.until(messages + count)
    ingest.stop()
    return burst[0], steady[0]


def intake(messages: int = 20_000) -> float:
    """µs of CPU a message in `Intake.records`: parsing, validation, id, headers."""
    sent = [Message(*reading(number), 1, False) for number in range(messages)]
    with tempfile.TemporaryDirectory() as name:
        desk = Desk(Path(name))
        began = time.process_time()
        for start in range(0, messages, 100):
            desk.intake.records(sent[start : start + 100])
        return (time.process_time() - began) / messages * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--nowhere", action="store_true")
    options = parser.parse_args()
    burst, steady = measure(options.messages, options.rate, options.seconds, kafka=not options.nowhere)
    print(f"burst:  {burst}")
    print(f"steady: {steady}")
    print(f"intake: {intake():.1f} µs of the batcher's")


if __name__ == "__main__":
    main()
