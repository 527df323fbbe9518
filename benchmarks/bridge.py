"""The bridge alone, MQTT to Kafka with validation: CPU a message in a burst and at a steady rate.

    python -m benchmarks.bridge [--messages 100000] [--rate 5000] [--seconds 10] [--log memory|kafka]

Same load as the peers' figures (docs/benchmarks.md): Mosquitto, QoS 1, 150 byte readings of 1,000 devices, Kafka with
acks=all. The burst waits in the session before ingest starts. CPU is that of ingest's process, user and system, from
its first message to its last; `--profile FILE` writes where its threads spend it.
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
from pathlib import Path

from ops.embedded.process import free_port, listens, spawn, stop, wait_until
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import mosquitto_program

DEVICES = 1000
CONFIG = "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n"
TICKS = os.sysconf("SC_CLK_TCK")

INGEST = """
import signal, sys, threading
from compound.log_setup import configure
from compound.settings import load
from ingest.main import bridge, run
configure("warning")
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
settings = load()
if settings.log_url == "":
    from tests.support.memory_log import MemoryLog
    log = MemoryLog()
    log.append = lambda records: []
    work = lambda: bridge(settings, log, stop)
else:
    work = lambda: run(settings, stop)
if len(sys.argv) > 1:
    import cProfile
    threading.setprofile_all_threads if False else None
    profile = cProfile.Profile()
    profile.runcall(work)
    profile.dump_stats(sys.argv[1])
else:
    work()
"""


def packets(count: int, first: int) -> bytes:
    """MQTT 3.1.1 PUBLISH packets, QoS 1."""
    out = bytearray()
    for number in range(first, first + count):
        device, seq = number % DEVICES, number // DEVICES
        payload = json.dumps(
            {
                "time": f"2026-11-02T08:{seq // 60 % 60:02d}:{seq % 60:02d}.{device:03d}Z",
                "boot": 3,
                "seq": seq,
                "import_wh": 123_456_789 + 250 * seq,
                "export_wh": 4_321,
                "power_w": 12_345,
                "serial": f"SN-{device:012d}",
            }
        ).encode()
        topic = f"compound/v1/demo/meter/m-{device:04d}/reading".encode()
        body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", number % 65535 + 1) + payload
        out += bytes([0x32, len(body) & 0x7F | 0x80, len(body) >> 7]) + body
    return bytes(out)


class Sender:
    """Publishes as fast as the socket takes it; the broker's acknowledgements are counted, 4 bytes each."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = b"load"
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(name)) + name
        self._socket.sendall(bytes([0x10, len(body)]) + body)
        assert self._socket.recv(4)[3] == 0

        self._unanswered = 0

    def send(self, count: int, first: int) -> None:
        """Publish; at most 200 messages wait for their acknowledgement."""
        while count:
            step = min(count, 100)
            self._socket.sendall(packets(step, first))
            self._unanswered += 4 * step
            self._hear(400)
            count, first = count - step, first + step

    def finish(self) -> None:
        """Wait for the acknowledgements that are still out."""
        self._hear(0)

    def _hear(self, most: int) -> None:
        while self._unanswered > most:
            self._unanswered -= len(self._socket.recv(self._unanswered))


def cpu(pid: int) -> float:
    """Seconds of CPU of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def metric(port: int, name: str) -> int:
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    lines = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return int(float(lines[0].split()[1])) if lines else 0


def acknowledged(port: int) -> int:
    return metric(port, "ingest_messages_acknowledged_total")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--log", choices=("kafka", "memory"), default="kafka")
    parser.add_argument("--profile", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port, metrics = free_port(), free_port()
        (folder / "mosquitto.conf").write_text(CONFIG.format(port=port))
        broker = spawn([mosquitto_program(), "-c", folder / "mosquitto.conf"], log=folder / "mosquitto.log")
        wait_until(lambda: listens(port), broker, name="Mosquitto", log=folder / "mosquitto.log")
        node = KafkaNode(folder / "kafka")
        if options.log == "kafka":
            node.start()
        env = {
            **os.environ,
            "COMPOUND_LOG_URL": f"kafka://{node.bootstrap}" if options.log == "kafka" else "",
            "COMPOUND_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "COMPOUND_MQTT_URL": f"mqtt://127.0.0.1:{port}",
            "COMPOUND_KEYS": str(folder / "keys"),
            "COMPOUND_INGEST_METRICS_PORT": str(metrics),
        }
        command = [sys.executable, "-c", INGEST, *([options.profile] if options.profile else [])]

        def ingest() -> subprocess.Popen[bytes]:
            process = subprocess.Popen(command, env=env)
            wait_until(lambda: listens(metrics), process, name="ingest", log=folder / "mosquitto.log", timeout_s=30)
            return process

        process = ingest()
        time.sleep(1)
        stop(process, signal.SIGTERM)
        sender = Sender(port)
        sender.send(options.messages, 0)
        sender.finish()

        process = ingest()
        began = time.monotonic()
        idle = cpu(process.pid)
        while acknowledged(metrics) < options.messages:
            time.sleep(0.1)
        took = time.monotonic() - began
        used = cpu(process.pid) - idle
        print(
            f"burst: {options.messages / took:,.0f}/s, {used / options.messages * 1e6:.1f} µs CPU a message", flush=True
        )

        appends = metric(metrics, "ingest_append_seconds_count")
        at = time.monotonic()
        start = cpu(process.pid)
        count = options.rate * options.seconds
        step = max(1, options.rate // 500)
        for number in range(0, count, step):
            sender.send(step, options.messages + number)
            at += 1 / 500
            time.sleep(max(0.0, at - time.monotonic()))
        while acknowledged(metrics) < options.messages + count:
            time.sleep(0.1)
        used = cpu(process.pid) - start
        appends = metric(metrics, "ingest_append_seconds_count") - appends
        print(f"steady {options.rate}/s: {used / count * 1e6:.1f} µs CPU a message, {count / appends:.0f} an append")
        stop(process, signal.SIGTERM)
        node.kill()
        stop(broker, signal.SIGTERM)


if __name__ == "__main__":
    main()
