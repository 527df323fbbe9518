"""Reading in bulk: whatever pieces the bytes come in, the same messages; and the leaning on paho's inner names."""

from __future__ import annotations

import random
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from ingest.client import BulkClient
from ingest.intake import Message
from tests.support.ingest_rig import until

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def publish(message: Message, *, v5: bool, properties: bytes = b"") -> bytes:
    head = 0x30 | (0x02 if message.mid else 0) | message.retain
    body = struct.pack("!H", len(message.topic)) + message.topic
    if message.mid:
        body += struct.pack("!H", message.mid)
    if v5:
        body += varint(len(properties)) + properties
    body += message.payload
    return bytes([head]) + varint(len(body)) + body


@contextmanager
def connected(protocol: MQTTProtocolVersion) -> Iterator[tuple[BulkClient, socket.socket]]:
    """A client whose broker is this test."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = BulkClient("test", protocol)
        client.connect("127.0.0.1", server.getsockname()[1])
        broker, _ = server.accept()
        with closing(broker):
            broker.recv(4096)
            broker.sendall(b"\x20\x03\x01\x00\x00" if protocol == V5 else b"\x20\x02\x01\x00")
            client.loop_read()
            assert client.is_connected()
            yield client, broker
            client.close()


def messages(chance: random.Random, count: int) -> list[Message]:
    return [
        Message(
            topic=b"t" * chance.randint(1, 300),
            payload=chance.randbytes(chance.choice([0, 1, 100, 200, 20_000])),
            mid=chance.choice([0, 1, 65535]),
            retain=chance.random() < 0.5,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("protocol", [V5, V311])
def test_messages_come_whole_from_bytes_in_any_pieces(protocol: MQTTProtocolVersion):
    chance = random.Random(str(protocol))
    sent = messages(chance, 60)
    stream = b"".join(
        publish(
            each, v5=protocol == V5, properties=chance.choice([b"", b"\x01\x01", b"\x26\x00\x01a\x00\xc8" + b"v" * 200])
        )
        for each in sent
    )
    with connected(protocol) as (client, broker):
        at = 0
        while at < len(stream):
            step = chance.choice([1, 2, 3, 50, 5000, 50_000])
            broker.sendall(stream[at : at + step])
            at += step
            while client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS and _more(client):
                pass
        while len(client.inbox) < len(sent):
            assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert client.inbox == sent


def _more(client: BulkClient) -> bool:
    sock = client.socket()
    assert sock is not None
    return bool(select.select([sock], [], [], 0)[0])


def test_other_packets_go_to_paho_in_the_midst_of_messages():
    with connected(V5) as (client, broker):
        one = Message(b"t", b"1", 1, False)
        seen: list[int] = []
        client.on_subscribe = lambda *args: seen.append(args[2])
        result, mid = client.subscribe("x/#", qos=1)
        assert result == MQTTErrorCode.MQTT_ERR_SUCCESS
        suback = bytes([0x90, 4]) + struct.pack("!HBB", mid or 0, 0, 1)
        broker.sendall(publish(one, v5=True) + suback + publish(one, v5=True))
        while len(client.inbox) < 2:
            client.loop_read()
        assert seen == [mid]


def test_acknowledgements_go_out_in_order():
    with connected(V5) as (client, broker):
        client.acknowledge([7, 3, 65535])
        assert broker.recv(100) == b"\x40\x02\x00\x07\x40\x02\x00\x03\x40\x02\xff\xff"


@pytest.mark.parametrize(
    "stream",
    [
        b"\x32\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x34\x06\x00\x01t\x00\x01\x00",  # QoS 2, never subscribed to
        b"\x32\x04\x00\x09ab",  # a topic longer than its packet
        b"\x32\x00",
    ],
)
def test_a_broker_that_breaks_the_protocol_is_left(stream: bytes):
    with connected(V5) as (client, broker):
        broker.sendall(stream)
        assert client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS
        assert client.socket() is None


def test_a_lost_connection_is_noticed():
    with connected(V5) as (client, broker):
        broker.close()
        client.loop_read()
        assert client.socket() is None


@pytest.mark.parametrize("protocol", [V5, V311])
def test_leaving_with_messages_unread_resets_nothing(protocol: MQTTProtocolVersion):
    """A reset would overtake the acknowledgement."""
    with connected(protocol) as (client, broker):
        broker.sendall(publish(Message(b"t", b"1", 1, False), v5=protocol == V5))
        until(lambda: _more(client))
        client.loop_read()
        client.acknowledge([1])
        broker.sendall(publish(Message(b"t", b"2", 2, False), v5=protocol == V5))
        until(lambda: _more(client))
        client.leave(0.2)
        received = b""
        while chunk := broker.recv(4096):
            received += chunk
    assert received.startswith(b"\x40\x02\x00\x01\xe0")
