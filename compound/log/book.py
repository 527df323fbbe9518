"""The book's form: how a record's headers become bytes, and the hash chain over its rows (P9).

A row's hash is SHA-256 over nine fields, each preceded by its length as four bytes, big-endian:

    hash before in the partition (32 bytes), topic (UTF-8), generation (4), partition (4), offset (8),
    recordedtime (8, microseconds since 1970 UTC), key, headers (the MessagePack bytes of the row), value

with integers big-endian. The first row of a partition has as "hash before" its generation's root: 32 zero bytes for
the first generation of a topic, else SHA-256 over the last heads of all partitions of the generation before, in order
of partition, each preceded by its length. So a row cannot be changed, taken out, put in or moved without every later
hash changing, across generations too.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import Final

import msgspec

from compound.log.port import Slot

Headers = tuple[tuple[str, bytes], ...]

encode_headers = msgspec.msgpack.Encoder().encode
decode_headers = msgspec.msgpack.Decoder(Headers).decode
"""Headers to bytes and back, exactly; the same headers are always the same bytes."""

FIRST_ROOT: Final = bytes(32)

_LENGTH = struct.Struct(">I").pack


def root(heads: Iterable[bytes]) -> bytes:
    """Where the chain of every partition of a generation starts, from the last heads of the one before, in order."""
    return hashlib.sha256(b"".join(_LENGTH(len(head)) + head for head in heads)).digest()


class Chain:
    """The hash chain of one partition: `head` is the hash of its last row, or the generation's root."""

    __slots__ = ("_pack", "_topic", "head", "slot")

    def __init__(self, slot: Slot, head: bytes) -> None:
        self.head = head
        self.slot = slot
        self._topic = slot.topic.encode()
        self._pack = struct.Struct(f">I32sI{len(self._topic)}sIIIIIQIqI").pack

    def extend(self, offset: int, recorded: int, key: bytes, headers: bytes, value: bytes) -> bytes:
        """Append a row; the new head, which is the row's hash. `recorded` in microseconds UTC."""
        topic, (_, generation, partition) = self._topic, self.slot
        fixed = self._pack(
            32, self.head, len(topic), topic, 4, generation, 4, partition, 8, offset, 8, recorded, len(key)
        )
        row = b"".join((fixed, key, _LENGTH(len(headers)), headers, _LENGTH(len(value)), value))
        self.head = head = hashlib.sha256(row).digest()
        return head
