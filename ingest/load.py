"""What the broker says of itself: how many messages it holds, and how near that is to where it begins to drop them.

Mosquitto does, below $SYS; the embedded broker ends the connection of whoever asks. So this is a connection of its own,
apart from the session that messages come by, and it goes on while the log is away and nothing else is read.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from compound.mqtt import Broker
from ingest.metrics import Metrics

STORED: Final = "$SYS/broker/store/messages/count"
"""All that waits for a session, each message once, and the retained ones."""
RETAINED: Final = "$SYS/broker/retained messages/count"
NEAR: Final = 0.5
"""From this share of the limit on it is said."""
AGAIN_S: Final = 5.0
"""Pause before a connection that was lost is made again,"""
MUTE_S: Final = 600.0
"""and where the broker was asked and said nothing."""
CONNECT_S: Final = 10.0
SAYS_S: Final = 30.0
"""So long is waited for a first word; Mosquitto's sys_interval is 10 s."""
TICK_S: Final = 0.5


class Load:
    """Listens in a thread of its own (`run`); what it heard may be asked from others."""

    def __init__(self, broker: Broker, client_id: str, most: int, metrics: Metrics) -> None:
        """`most`: messages that the broker keeps for a session before it drops some; 0: any number."""
        self._broker = broker
        self._client_id = f"{client_id}-load"
        self.most = most
        self._metrics = metrics
        self._counts: dict[str, int] = {}
        self._near = False
        self._out = structlog.get_logger("ingest")

    @property
    def waiting(self) -> int | None:
        """Messages that wait at the broker for some session; None where it does not say."""
        counts = self._counts
        return max(counts[STORED] - counts[RETAINED], 0) if len(counts) == 2 else None

    def near(self) -> str | None:
        """What to say when the limit is near; None while it is not."""
        waiting = self.waiting
        if waiting is None or not self.most or waiting < NEAR * self.most:
            return None
        return f"The broker holds {waiting:,} messages and drops from {self.most:,} on."

    def run(self, stop: threading.Event) -> None:
        """Listen until `stop`; a broker that is away is waited for."""
        while not stop.is_set():
            said = self._listen(stop)
            self._counts = {}
            self._note()
            stop.wait(AGAIN_S if said else MUTE_S)

    def _listen(self, stop: threading.Event) -> bool:
        """One connection; False where the broker took it and said nothing."""
        client = Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_connect = _subscribe
        client.on_message = self._heard
        client.connect_timeout = CONNECT_S
        self._broker.admit(client)
        try:
            client.connect(self._broker.host, self._broker.port)
        except (OSError, ValueError):
            return True  # it is away, which `Connection` says
        deadline = time.monotonic() + SAYS_S
        while not stop.is_set() and (self._counts or time.monotonic() < deadline):
            if client.loop(TICK_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        said = bool(self._counts)
        client.disconnect()
        client.loop(TICK_S)
        return said

    def _heard(self, client: Client, _: Any, message: MQTTMessage) -> None:
        if message.payload.isdigit():
            self._counts = {**self._counts, message.topic: int(message.payload)}
            self._note()

    def _note(self) -> None:
        waiting = self.waiting or 0
        self._metrics.broker_messages.set(waiting)
        self._metrics.broker_share.set(waiting / self.most if self.most else 0)
        why = self.near()
        if why and not self._near:
            self._out.warning("the broker's queue fills", why=why)
        self._near = why is not None


def _subscribe(client: Client, *_: Any) -> None:
    client.subscribe([(STORED, 0), (RETAINED, 0)])
