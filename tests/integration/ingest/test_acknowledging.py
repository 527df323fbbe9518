"""PUBACKs as they stand on the wire, with a broker that the test plays itself."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from compound.settings import Settings
from tests.support.ingest_rig import PROMPT, bridging, meter, until
from tests.support.memory_log import MemoryLog

UNPINGED: Final = {**PROMPT, "mqtt_keepalive_s": 120}
"""No PINGREQ comes between what the tests look at."""


def session(server: socket.socket) -> socket.socket:
    """The next connection by which messages come, its CONNECT read; the one that asks for the broker's load is refused."""
    while True:
        found, _ = server.accept()
        found.settimeout(60)
        connect = found.recv(4096)
        assert connect[0] == 0x10
        if b"-load" not in connect:
            return found
        found.close()


class Wire:
    """The broker's end of one connection, in MQTT 5."""

    def __init__(self, server: socket.socket, *, session_present: bool = False) -> None:
        self._socket = session(server)
        self._socket.sendall(bytes([0x20, 3, session_present, 0, 0]))
        subscribe = self._packet(0x82)
        self._socket.sendall(b"\x90\x06" + subscribe[:2] + b"\x00\x01\x01\x01")
        if session_present:  # filters of another share or of before are taken off the session
            self._packet(0xA2)

    def _packet(self, kind: int) -> bytes:
        """The next packet, which must be of this kind, without its header; packets may come in one piece or in many."""
        assert self._exactly(1)[0] == kind
        length = shift = 0
        while (digit := self._exactly(1)[0]) & 0x80:
            length, shift = length | (digit & 0x7F) << shift, shift + 7
        return self._exactly(length | digit << shift)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("ingest closed the connection")
            data += piece
        return data

    def publish(self, *mids: int) -> None:
        for mid in mids:
            topic, payload = meter(1, mid)
            body = struct.pack("!H", len(topic)) + topic.encode() + struct.pack("!HB", mid, 0) + payload
            self._socket.sendall(bytes([0x32, len(body) & 0x7F | 0x80, len(body) >> 7]) + body)

    def acknowledged(self, count: int) -> list[int]:
        """The ids of the next PUBACKs."""
        words = struct.unpack(f"!{2 * count}H", self._exactly(4 * count))
        assert set(words[::2]) == {0x4002}
        return list(words[1::2])

    def silent(self, seconds: float) -> bool:
        self._socket.settimeout(seconds)
        try:
            return not self._socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(60)

    def end(self) -> bytes:
        """What comes until the connection is closed."""
        data = b""
        while chunk := self._socket.recv(100):
            data += chunk
        return data

    def close(self) -> None:
        self._socket.close()


@contextmanager
def playing(folder: Path, log: MemoryLog, **others: object) -> Iterator[socket.socket]:
    """Ingest that connects to the test; ends when the block does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        found = Settings(mqtt_url=f"mqtt://127.0.0.1:{port}", keys=folder, **{**UNPINGED, **others})
        with bridging(found, log):
            yield server


def test_acknowledged_in_the_order_of_arrival_and_only_when_the_log_holds_it(tmp_path: Path):
    log = MemoryLog()
    with playing(tmp_path, log) as server:
        wire = Wire(server)
        until(lambda: log.stored)
        log.away = True
        wire.publish(9, 3, 7)
        wire.publish(1, 65535)
        assert wire.silent(0.5)
        log.away = False
        assert wire.acknowledged(5) == [9, 3, 7, 1, 65535]
        assert len(log.events("meter")) == 5
        wire.publish(4)
        assert wire.acknowledged(1) == [4]
        wire.close()


def test_what_came_on_a_lost_connection_is_not_acknowledged_on_the_next(tmp_path: Path):
    log = MemoryLog()
    with playing(tmp_path, log) as server:
        first = Wire(server)
        until(lambda: log.stored)
        log.away = True
        first.publish(1, 2, 3)
        assert first.silent(0.3)
        first.close()
        second = Wire(server, session_present=True)
        second.publish(1, 2)  # the broker gives other messages these ids, or the same again
        log.away = False
        assert second.acknowledged(2) == [1, 2]
        assert second.silent(0.3)
        second.close()


def test_no_more_is_read_than_may_be_held(tmp_path: Path):
    log = MemoryLog()
    with playing(tmp_path, log, ingest_in_flight=10) as server:
        wire = Wire(server)
        until(lambda: log.stored)
        log.away = True
        wire.publish(*range(1, 30))  # more than the receive maximum, as Mosquitto 2.0.11 may
        assert wire.silent(0.3)
        wire.publish(*range(30, 60))
        assert wire.silent(0.3)
        log.away = False
        assert wire.acknowledged(59) == list(range(1, 60))
        wire.close()


def test_at_its_end_it_acknowledges_what_it_appended_and_says_goodbye(tmp_path: Path):
    log = MemoryLog()
    log.delay_s = 2.0
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        found = Settings(mqtt_url=f"mqtt://127.0.0.1:{port}", keys=tmp_path, **UNPINGED)
        with bridging(found, log) as stop:
            wire = Wire(server)
            until(lambda: log.stored)
            wire.publish(1, 2, 3)
            assert wire.silent(0.1)
            stop.set()
            assert wire.acknowledged(3) == [1, 2, 3]
            assert wire.end() == b"\xe0\x00"
            wire.close()
    assert len(log.events("meter")) == 3


@pytest.mark.parametrize("answer", [b"\x20\x03\x00\x87\x00", b"\x20\x02\x00\x05", b"\x50\x02\x00\x01", b""])
def test_a_broker_that_refuses_is_asked_again(tmp_path: Path, answer: bytes):
    with playing(tmp_path, MemoryLog()) as server:
        for _ in range(2):
            with session(server) as found:
                found.sendall(answer)
        session(server).close()
