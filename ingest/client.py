"""paho-mqtt, reading and acknowledging in bulk.

paho reads a packet with three system calls and hands it through a dozen Python calls; that is most of what a message
costs from broker to log. This subclass reads what the socket holds at once and takes the PUBLISH packets out of it
itself; everything else (connecting, TLS, keep-alive, subscribing, closing) stays paho's. It leans on few inner names
of paho; paho is pinned by the lock file, and the tests of this file fail when those names change.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Sequence
from typing import Final

from paho.mqtt.client import Client, MQTTErrorCode
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.intake import Message

CHUNK: Final = 256 * 1024
"""Most bytes of one read."""

_PUBLISH = 0x30
_PUBACK = 0x40
_PUBACK_START = 0x4002
"""First two bytes of a PUBACK: its type, and its length without a reason code (that is: success)."""


class BulkClient(Client):
    """A paho client whose received messages gather in `inbox`, each to be acknowledged by `acknowledge`.

    Not for several threads: all calls come from the one that runs its loop. Messages of QoS 0 have mid 0.
    """

    def __init__(self, client_id: str, protocol: MQTTProtocolVersion) -> None:
        v5 = protocol == MQTTProtocolVersion.MQTTv5
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=protocol,
            clean_session=None if v5 else False,
            manual_ack=True,
        )
        self.inbox: list[Message] = []
        self._v5 = v5
        self._parts: list[bytes] = []
        """Bytes of a packet that is not whole yet,"""
        self._parts_held = 0
        """how many they are,"""
        self._parts_wanted = 0
        """and how many are needed before it is worth looking again."""

    def close(self) -> None:
        """Close the connection without a word, if it is still open."""
        self._sock_close()

    def leave(self, patience_s: float, *, for_good: bool = False) -> None:
        """Say goodbye, and read on until the broker has closed, for `patience_s` at most; what comes is left unread.
        `for_good`: the broker shall forget the session (MQTT 5).

        A connection closed with bytes unread is reset, and a reset overtakes acknowledgements that the broker has not
        read yet: it would send those messages again.
        """
        sock = self.socket()
        if sock is None:
            return
        with socket.socket(fileno=os.dup(sock.fileno())) as kept:
            self.disconnect(properties=_the_end() if for_good and self._v5 else None)
            if self.socket() is None:  # the goodbye is written, and paho has closed its side
                _read_to_the_end(kept, time.monotonic() + patience_s)

    def acknowledge(self, mids: Sequence[int]) -> None:
        """PUBACK `mids` in this order, in one write."""
        words = [_PUBACK_START] * (2 * len(mids))
        words[1::2] = mids
        self._packet_queue(_PUBACK, struct.pack(f"!{len(words)}H", *words), 0, 1)

    def _packet_read(self) -> MQTTErrorCode:
        """Read once and handle every whole packet of it. Called by paho's `loop_read`."""
        try:
            chunk = self._sock_recv(CHUNK)
            pending = getattr(self._sock, "pending", None)
            while chunk and pending and pending():  # TLS gives one record at a time, and poll can't see the others
                chunk += self._sock_recv(CHUNK)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_AGAIN
        except OSError:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        if not chunk:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        self._last_bytes_received = time.monotonic()
        try:
            return self._take_packets(chunk) if not self._parts else self._take_parts(chunk)
        except IndexError:  # lengths that don't fit each other
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _take_parts(self, chunk: bytes) -> MQTTErrorCode:
        self._parts.append(chunk)
        self._parts_held += len(chunk)
        if self._parts_held < self._parts_wanted:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        data = b"".join(self._parts)
        self._parts = []
        return self._take_packets(data)

    def _take_packets(self, data: bytes) -> MQTTErrorCode:
        position, end = 0, len(data)
        while True:
            start, length = _remaining_length(data, position + 1)
            if length < 0 or start + length > end:
                break
            head = data[position]
            position = start + length
            if head & 0xF0 == _PUBLISH:
                rc = self._take(head, data, start, position)
            else:
                rc = self._leave_to_paho(head, data[start:position])
            if rc:
                return rc
        if length == _TOO_LONG:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if position < end:
            self._parts = [data[position:]]
            self._parts_held = end - position
            self._parts_wanted = start - position + max(length, 1)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _take(self, head: int, data: bytes, start: int, end: int) -> MQTTErrorCode:
        """The PUBLISH between `start` and `end` into the inbox."""
        body = start + 2 + (data[start] << 8 | data[start + 1])
        topic = data[start + 2 : body]
        mid = 0
        qos = head & 0x06
        if qos == 0x02:
            mid = data[body] << 8 | data[body + 1]
            body += 2
        elif qos:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL  # we never subscribe with QoS 2
        if self._v5:
            # the properties are skipped: none of them changes what a message says (topic aliases are never agreed to)
            if data[body] == 0:
                body += 1
            else:
                properties, length = _remaining_length(data, body)
                body = properties + length
        if body > end:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self.inbox.append(Message(topic, data[body:end], mid, head & 0x01 == 1))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _leave_to_paho(self, head: int, body: bytes) -> MQTTErrorCode:
        self._in_packet = {
            "command": head,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        try:
            return self._packet_handle()
        except MalformedPacket:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL


def _the_end() -> Properties:
    properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    return properties


def _read_to_the_end(sock: socket.socket, deadline: float) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            if not sock.recv(CHUNK):
                return


_TOO_LONG = -2


def _remaining_length(data: bytes, position: int) -> tuple[int, int]:
    """MQTT's variable byte integer at `position`: (where it ends, its value); the value is -1 while bytes are
    missing, and -2 when it has more than the four that are allowed.
    """
    value = shift = 0
    for at in range(position, min(position + 4, len(data))):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return at + 1, value
        shift += 7
    return position, _TOO_LONG if len(data) >= position + 4 else -1
