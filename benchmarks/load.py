"""Load: meters at a set rate, or as fast as the broker acknowledges, at the least cost to the machine that is measured.

    python -m benchmarks.load --registry FILE            write their registry file, for `compound apply`
    python -m benchmarks.load --mqtt mqtt://HOST:PORT --rate 5000 --seconds 10 --each 10

The meters take turns; `each` readings are one message (an array), spread over the time since the meter's last message.
The newest reading of a message carries the moment it was sent, so whatever stands in a table says when it left here.

Not by paho, as `compound simulate load`: at 10,000 messages a second it alone would take most of a core. MQTT 5 needs
little here: CONNECT, PUBLISH at QoS 1 with the acknowledgements counted, DISCONNECT; all on one connection.
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from simulators import clock

SITE: Final = "load"
RATED_W: Final = 100_000_000
"""So much that a step of 1 Wh fits at any rate."""
RISE_WH: Final = 1000
"""Registers begin at so much for each second since 1970, so a later run goes on above (up to so many readings a second
of one meter)."""
STEP_S: Final = 0.005
"""Pause between two looks at what is due."""
MOST: Final = 100
"""Messages of one write."""
WINDOW: Final = 400
"""Messages that may wait for their acknowledgement; beyond, nothing is sent."""

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _DISCONNECT = 0x10, 0x20, 0x32, 0x40, 0xE0


class Report(msgspec.Struct):
    """What was sent. Times are microseconds UTC; `seconds` ends with the last acknowledgement; `cpu_s` is of this process."""

    messages: int
    readings: int
    first: int
    last: int
    seconds: float
    cpu_s: float
    payload_bytes: int
    behind_s: float
    """How late the latest message went out against the set rate."""


class Rate(NamedTuple):
    """How much, how fast: `readings` in all, `a_second` of them (0: as fast as is acknowledged), `each` in a message."""

    readings: int
    a_second: float
    each: int


class Meters:
    """The meters' messages, in turns. A register rises by 1 Wh a reading."""

    def __init__(self, count: int, boot: int, began: int) -> None:
        """`boot`: number of this start, seconds since 1970. `began`: its time, microseconds UTC."""
        self.payload_bytes = 0
        self._topics = [f"compound/v1/{SITE}/meter/{device(n)}/reading".encode() for n in range(count)]
        self._middle = b'Z","boot":%d,"seq":' % boot
        self._last = [began - 1_000_000] * count
        self._seqs = [0] * count
        self._first = RISE_WH * boot
        self._next = self._packet = 0

    def packets(self, count: int, each: int) -> bytes:
        """The PUBLISH packets of the next `count` messages of `each` readings."""
        now, out = clock.now(), bytearray()
        for _ in range(count):
            n, self._packet = self._next, self._packet % 65535 + 1
            self._next = (n + 1) % len(self._topics)
            payload = b",".join(self._readings(n, now, each))
            if each > 1:
                payload = b"[%b]" % payload
            topic = self._topics[n]
            length = 2 + len(topic) + 3 + len(payload)
            out += bytes([_PUBLISH, *_varint(length)]) + struct.pack("!H", len(topic)) + topic
            out += struct.pack("!HB", self._packet, 0) + payload
            self.payload_bytes += len(payload)
        return bytes(out)

    def _readings(self, n: int, now: int, each: int) -> Iterator[bytes]:
        seq, last = self._seqs[n], self._last[n]
        now = max(now, last + each)
        self._seqs[n], self._last[n] = seq + each, now
        for number in range(1, each + 1):
            moment = last + (now - last) * number // each
            yield b'{"time":"%b%b%d,"import_wh":%d,"power_w":12345}' % (
                _text(moment), self._middle, seq + number, self._first + seq + number
            )  # fmt: skip


class Sender:
    """One connection; sends what the broker has acknowledged room for."""

    def __init__(self, url: str, client_id: str) -> None:
        """Connect. Raises OSError."""
        found = urlsplit(url)
        self._socket = socket.create_connection((found.hostname or "127.0.0.1", found.port or 1883), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard = bytearray()
        self.waiting = 0
        name = client_id.encode()
        body = b"\x00\x04MQTT\x05\x02\x02\x58\x00" + struct.pack("!H", len(name)) + name
        self._socket.sendall(bytes([_CONNECT, len(body)]) + body)
        while not self._take(_CONNACK):
            self._hear()

    def send(self, packets: bytes, messages: int) -> None:
        """Send once there is room."""
        while self.waiting + messages > WINDOW:
            self._listen()
        self._socket.sendall(packets)
        self.waiting += messages

    def finish(self) -> None:
        """Wait for the acknowledgements that are still out, and say goodbye."""
        while self.waiting:
            self._listen()
        self._socket.sendall(bytes([_DISCONNECT, 0]))
        self._socket.close()

    def _listen(self) -> None:
        self._hear()
        self.waiting -= self._take(_PUBACK)

    def _hear(self) -> None:
        heard = self._socket.recv(65536)
        if not heard:
            raise OSError("the broker has closed the connection")
        self._heard += heard

    def _take(self, wanted: int) -> int:
        """How many packets of this kind were heard; all whole packets are taken."""
        at = count = 0
        while at + 1 < len(self._heard) and at + 2 + self._heard[at + 1] <= len(self._heard):
            count += self._heard[at] & 0xF0 == wanted
            at += 2 + self._heard[at + 1]
        del self._heard[:at]
        return count


def run(sender: Sender, meters: Meters, rate: Rate) -> Report:
    """Send, wait for the last acknowledgement, report. Raises OSError."""
    messages, sent, behind = -(-rate.readings // rate.each), 0, 0.0
    began, first, cpu = time.monotonic(), clock.now(), time.process_time()
    while sent < messages:
        due, passed = messages, time.monotonic() - began
        if rate.a_second:
            due = min(messages, 1 + int(passed * rate.a_second / rate.each))
            behind = max(behind, passed - sent * rate.each / rate.a_second)
        while sent < due:
            count = min(due - sent, MOST)
            sender.send(meters.packets(count, rate.each), count)
            sent += count
        if rate.a_second:
            time.sleep(STEP_S)
    last = clock.now()
    sender.finish()
    return Report(
        messages=sent,
        readings=sent * rate.each,
        first=first,
        last=last,
        seconds=time.monotonic() - began,
        cpu_s=time.process_time() - cpu,
        payload_bytes=meters.payload_bytes,
        behind_s=behind,
    )


def device(number: int) -> str:
    """Id of a meter."""
    return f"load-{number:05d}"


def registry(meters: int) -> str:
    """The meters as a registry file (JSON, which is YAML too)."""
    places = {f"p-{device(n)}": {"type": "meter", "site": SITE, "medium": "electricity"} for n in range(meters)}
    devices = {
        device(n): {
            "kind": "meter",
            "site": SITE,
            "point": f"p-{device(n)}",
            "rated_w": RATED_W,
            "digits": 15,
            "step": 1,
        }
        for n in range(meters)
    }
    site = {SITE: {"latitude": 39.9, "longitude": 116.4}}
    document = {"from": "2026-01-01T00:00:00Z", "site": site, "point": places, "device": devices}
    return msgspec.json.encode(document).decode()


_second: tuple[int, bytes] = (0, b"")


def _text(moment: int) -> bytes:
    """RFC 3339 without the Z, microseconds; readings of one second share its text."""
    global _second
    second, fraction = divmod(moment, clock.SECOND)
    if second != _second[0]:
        _second = second, clock.moment(second * clock.SECOND).strftime("%Y-%m-%dT%H:%M:%S").encode()
    return b"%b.%06d" % (_second[1], fraction)


def _varint(value: int) -> bytes:
    """MQTT's variable byte integer."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mqtt", default="mqtt://127.0.0.1:1883", help="broker, MQTT 5")
    parser.add_argument("--meters", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0, help="readings a second; 0: as fast as is acknowledged")
    parser.add_argument("--each", type=int, default=1, help="readings of one message")
    parser.add_argument("--readings", type=int, default=0, help="how many in all; else --seconds at --rate")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--registry", type=Path, help="write the meters' registry file here and end")
    options = parser.parse_args()
    if options.registry:
        options.registry.write_text(registry(options.meters))
        return
    if not options.readings and not options.rate:
        parser.error("say --readings, or --rate with --seconds")
    readings = options.readings or int(options.rate * options.seconds)
    began = clock.now()
    meters = Meters(options.meters, began // clock.SECOND, began)
    try:
        report = run(Sender(options.mqtt, f"load-{began}"), meters, Rate(readings, options.rate, options.each))
    except OSError as error:
        sys.exit(f"The broker at {options.mqtt} failed: {error}.")
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")


if __name__ == "__main__":
    main()
