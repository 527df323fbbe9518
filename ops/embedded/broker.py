"""The embedded MQTT broker: rumqttd from the `iotcore` wheel, in a process of its own, on loopback only.

What it keeps, it keeps in memory: sessions, queues and retained messages end with its process. A session that lags
by more than `memory_bytes` loses the oldest messages, although they were acknowledged to their senders.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from ops.embedded.process import free_port, listens, spawn, stop, wait_until

_SEGMENTS = 16

# rumqttd reports every message on its logger; only silence keeps its log from growing with the data.
_PROGRAM = """
import logging, sys
logging.getLogger("rumqttd").setLevel(logging.CRITICAL + 1)
from iotcore import Broker
Broker(config_path=sys.argv[1]).run_forever()
"""

_LISTENER = """
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 5000
max_payload_size = {packet_bytes}
max_inflight_count = 100
dynamic_filters = false
"""


class EmbeddedBroker:
    """One broker: MQTT 5 on `port`, and MQTT 3.1.1 on `port_v4` when that is given (a listener speaks one version).

    `memory_bytes` counts topics and payloads that wait for one subscription; the process takes about 2.4 times that.
    `packet_bytes` is above the contract's 16 KiB, so that a payload that is too long still reaches the quarantine.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        port_v4: int | None = None,
        memory_bytes: int = 256 * 2**20,
        packet_bytes: int = 64 * 2**10,
        max_connections: int = 10_000,
    ) -> None:
        self.folder = folder
        self.port = port
        self.port_v4 = port_v4
        self.memory_bytes = memory_bytes
        self.packet_bytes = packet_bytes
        self.max_connections = max_connections
        self.log = folder / "broker.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout_s: float = 20.0) -> int:
        """Start it and wait until it takes connections; returns the port of MQTT 5. ServiceError when it doesn't."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        if self.port_v4 == 0:
            self.port_v4 = free_port()
        config = self.folder / "broker.toml"
        config.write_text(self._config())
        self.process = spawn(
            [sys.executable, "-c", _PROGRAM, config], log=self.log, death_signal=signal.SIGKILL, cwd=self.folder
        )
        wait_until(lambda: listens(self.port), self.process, name="The MQTT broker", log=self.log, timeout_s=timeout_s)
        return self.port

    def stop(self) -> None:
        """End it; there is nothing that it could save. Harmless when it isn't running."""
        if self.process is not None:
            stop(self.process, signal.SIGTERM, timeout_s=5)
            self.process = None

    def _config(self) -> str:
        """The TOML file of rumqttd."""
        router = (
            "id = 0\n[router]\nid = 0\n"
            f"max_connections = {self.max_connections}\n"
            "max_outgoing_packet_count = 200\n"
            f"max_segment_size = {max(1024, self.memory_bytes // _SEGMENTS)}\n"
            f"max_segment_count = {_SEGMENTS}\n"
        )
        listeners = [("v5", self.port)] + ([("v4", self.port_v4)] if self.port_v4 else [])
        return router + "".join(
            _LISTENER.format(version=version, port=port, packet_bytes=self.packet_bytes) for version, port in listeners
        )
