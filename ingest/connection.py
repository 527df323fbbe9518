"""The session at the broker: connected again whenever it is lost, read in bulk, acknowledged in order."""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from compound.mqtt import Broker
from ingest.client import BulkClient
from ingest.intake import Message
from ingest.mailbox import Batch, Mailbox
from ingest.metrics import Metrics

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
UNSUPPORTED_VERSION: Final = "Unsupported protocol version"
ONLY_WHEN_NEW: Final = 1
"""Retain handling: retained messages come with a subscription the session did not have yet."""

MOST_BYTES: Final = 64 * 2**20
"""So many bytes of payloads wait at most in memory; then nothing is read until some are acknowledged."""
CONNECT_S: Final = 10.0
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 5.0
STEADY_S: Final = 10.0
"""A connection that lasted so long was a good one: the next attempt needs no waiting."""
GOODBYE_S: Final = 2.0
"""So long the broker has to close the connection after our goodbye."""
TICK_MS: Final = 250
FEW: Final = 200
"""Reads of fewer messages are held apart by the time to gather."""


class Session(NamedTuple):
    """Name and limits of the session; `expiry_s` 0xFFFFFFFF is for ever.

    Without `filters` it is left for good: nothing is subscribed, and it ends with our goodbye.
    """

    client_id: str
    filters: Sequence[str]
    former: Sequence[str]
    """Subscriptions that it may have had under other settings, to be given up."""
    in_flight: int
    expiry_s: int
    keepalive_s: int
    gather_s: float


class Connection:
    """Fills `mailbox` and acknowledges what is given back in it. `run` has a thread of its own; the two questions may be
    asked from others.
    """

    def __init__(self, broker: Broker, session: Session, mailbox: Mailbox, metrics: Metrics) -> None:
        self._broker = broker
        self._session = session
        self._mailbox = mailbox
        self._metrics = metrics
        self._out = structlog.get_logger("ingest")
        self._protocol = V5
        self._client = BulkClient(session.client_id, V5)
        self._connections = 0
        self._answered = self._refused = self._subscribed = False
        self._held = self._held_bytes = 0
        self._moved_at = float("inf")
        self.known: bool | None = None
        """Whether the broker had this session when it last answered; None before."""

    @property
    def idle_s(self) -> float:
        """For how long nothing has come, with all acknowledged that came before; 0 while not connected."""
        return max(time.monotonic() - self._moved_at, 0.0) if self._answered and not self._held else 0.0

    @property
    def receiving(self) -> bool:
        """Whether messages can arrive now."""
        return self._subscribed

    def holds(self, batch: Batch) -> bool:
        """Whether `batch` can still be acknowledged; else the broker sends it again."""
        return batch.connection == self._connections and self._answered

    def run(self, stop: threading.Event, drained: threading.Event) -> None:
        """Keep the session. From `stop` on nothing more is read; after `drained` the last acknowledgements go out."""
        wait = FIRST_WAIT_S
        while not stop.is_set():
            began = time.monotonic()
            if self._connect(stop):
                self._serve(stop, drained)
            self._disconnected()
            if time.monotonic() - began > STEADY_S:
                wait = FIRST_WAIT_S
            stop.wait(wait * random.uniform(0.5, 1))
            wait = min(2 * wait, LONGEST_WAIT_S)
        self._mailbox.end()

    # -- connecting

    def _connect(self, stop: threading.Event) -> bool:
        """Connect and ask for the subscriptions; False where the broker can't be reached or refuses."""
        self._connections += 1
        self._answered = self._refused = False
        self._held = self._held_bytes = 0
        self._mailbox.forget()
        self._client = client = self._new_client()
        try:
            client.connect(self._broker.host, self._broker.port, self._session.keepalive_s, **self._asking())
        except (OSError, ValueError) as error:
            self._out.warning("broker not reached", error=str(error))
            return False
        poller, sock = select.poll(), client.socket()
        assert isinstance(sock, socket.socket)
        # an acknowledgement that waits for more bytes holds up a broker with few messages in flight
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poller.register(sock, select.POLLIN)
        deadline = time.monotonic() + CONNECT_S
        while not self._answered and client.socket() is sock:
            if stop.is_set() or time.monotonic() > deadline:
                return False
            if poller.poll(TICK_MS):
                client.loop_read()
            if client.want_write():
                client.loop_write()
        if not self._answered:
            self._other_version("the connection ended before an answer")
        return self._answered and not self._refused

    def _new_client(self) -> BulkClient:
        client = BulkClient(self._session.client_id, self._protocol)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.connect_timeout = CONNECT_S
        self._broker.admit(client)
        return client

    def _asking(self) -> dict[str, Any]:
        """What MQTT 5 can be asked for; with 3.1.1 the session simply stays, as the client was made so."""
        if self._protocol != V5:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session.expiry_s
        properties.ReceiveMaximum = self._session.in_flight
        return {"clean_start": False, "properties": properties}

    def _on_connect(
        self, client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._answered = True
        if reason.is_failure:
            self._refused = True
            if str(reason) == UNSUPPORTED_VERSION:
                self._other_version(str(reason))
            else:
                self._out.error("broker refuses", reason=str(reason))
            return
        self._out.info("connected", mqtt=self._protocol.name, session_present=flags.session_present)
        self.known, self._moved_at = flags.session_present, time.monotonic()
        if not self._session.filters:
            client.unsubscribe(list(self._session.former))
            return
        # a session that was there has its subscriptions; they are asked for again as they may have changed since
        self._subscribed = flags.session_present
        if self._protocol == V5:
            options = SubscribeOptions(qos=1, retainHandling=ONLY_WHEN_NEW)
            client.subscribe([(each, options) for each in self._session.filters])
        else:
            client.subscribe([(each, 1) for each in self._session.filters])

    def _on_subscribe(
        self, client: Client, _: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        refused = [name for name, code in zip(self._session.filters, reasons, strict=True) if code.is_failure]
        if refused:
            self._refused, self._subscribed = True, False
            self._out.error("broker refuses a subscription", filters=refused)
            return
        if self.known:  # only now: in between, messages must fall to one subscription or the other
            client.unsubscribe(list(self._session.former))
        self._subscribed = True

    def _other_version(self, why: str) -> None:
        self._protocol = V311 if self._protocol == V5 else V5
        self._out.warning("trying another MQTT version", why=why, mqtt=self._protocol.name)

    # -- while connected

    def _serve(self, stop: threading.Event, drained: threading.Event) -> None:
        """Read, acknowledge and keep alive until the connection is lost or all is drained."""
        client, mailbox = self._client, self._mailbox
        sock, watched = client.socket(), -1
        poller = select.poll()
        poller.register(mailbox, select.POLLIN)
        keepalive_at, ended = 0.0, False
        self._metrics.connections.inc()
        self._metrics.connected.set(1)
        self._deliver()
        while sock is not None and client.socket() is sock and not self._refused:
            if stop.is_set() and not ended:
                ended = True
                mailbox.end()
            wanted = (0 if ended or self._full() else select.POLLIN) | (select.POLLOUT if client.want_write() else 0)
            if wanted != watched:
                poller.register(sock, wanted)
                watched = wanted
            state = dict(poller.poll(TICK_MS)).get(sock.fileno(), 0)
            if state & ~select.POLLOUT:
                if ended:
                    return  # the broker has gone while we drained
                client.loop_read()
                if 0 < self._deliver() < FEW:
                    # more is coming, and costs less when it is read, appended and acknowledged together
                    time.sleep(self._session.gather_s)
            self._acknowledge()
            if client.want_write():
                client.loop_write()
            if time.monotonic() > keepalive_at:
                keepalive_at = time.monotonic() + 1
                client.loop_misc()
            if ended and drained.is_set():
                self._leave()

    def _full(self) -> bool:
        # a broker that keeps to the receive maximum never gets here (Mosquitto 2.0.11 may send more)
        return self._held >= 2 * self._session.in_flight or self._held_bytes >= MOST_BYTES

    def _deliver(self) -> int:
        """Pass on what was read; how many messages it was."""
        messages = self._client.inbox
        if not messages:
            return 0
        self._client.inbox = []
        self._moved_at = time.monotonic()
        self._held += len(messages)
        self._held_bytes += _bytes_of(messages)
        self._metrics.received.inc(len(messages))
        self._metrics.in_flight.set(self._held)
        self._mailbox.put(Batch(self._connections, messages))
        return len(messages)

    def _acknowledge(self) -> None:
        """Acknowledge what is durable. What came on an older connection can't be: the broker sends it again."""
        self._mailbox.listen()
        for batch in self._mailbox.durable():
            if batch.connection == self._connections and self._client.socket() is not None:
                self._client.acknowledge([message.mid for message in batch.messages if message.mid])
                self._held -= len(batch.messages)
                self._held_bytes -= _bytes_of(batch.messages)
                self._metrics.acknowledged.inc(len(batch.messages))
                self._metrics.in_flight.set(self._held)

    def _leave(self) -> None:
        """Say goodbye; the session stays, unless it is left for good."""
        self._acknowledge()
        deadline = time.monotonic() + 1
        while self._client.want_write() and time.monotonic() < deadline:
            self._client.loop_write()
        self._client.leave(GOODBYE_S, for_good=not self._session.filters)

    def _on_disconnect(
        self, client: Client, _: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._out.info("disconnected", reason=str(reason), by_broker=flags.is_disconnect_packet_from_server)

    def _disconnected(self) -> None:
        self._answered = self._subscribed = False
        self._metrics.connected.set(0)
        self._client.close()


def _bytes_of(messages: Sequence[Message]) -> int:
    return sum(len(message.payload) for message in messages)
