"""The chain's heads in a file to keep elsewhere: against them even a book that was computed anew as a whole can't stand.

JSON: {"made": RFC 3339, "heads": [{"topic", "generation", "partition", "next_offset", "hash" (hex)}, …]}.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from compound.log.port import Slot
from compound.store.db import Connection


class Head(NamedTuple):
    """Where a partition's chain ends: the offset that comes next, and the hash before it."""

    next_offset: int
    hash: bytes


class HeadsError(Exception):
    """The file is no file of heads; the text is one sentence."""


class _Line(msgspec.Struct):
    topic: str
    generation: int
    partition: int
    next_offset: int
    hash: str


class _File(msgspec.Struct):
    made: str
    heads: list[_Line]


def read_heads(path: Path) -> dict[Slot, Head]:
    """The heads in a file. Raises HeadsError."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
        return {
            Slot(line.topic, line.generation, line.partition): Head(line.next_offset, bytes.fromhex(line.hash))
            for line in found.heads
        }
    except OSError as error:
        raise HeadsError(f"{path} can't be read: {error.strerror}.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise HeadsError(f"{path} is no file of heads as `compound audit` writes it: {error}.") from None


def write_heads(path: Path, heads: Mapping[Slot, Head], made: str) -> None:
    """Write the heads as of `made` (RFC 3339); whole or not at all."""
    lines = [_Line(*slot, head.next_offset, head.hash.hex()) for slot, head in sorted(heads.items())]
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(_File(made, lines)), indent=1) + b"\n")
    draft.replace(path)


def heads_of(conn: Connection) -> dict[Slot, Head]:
    """The heads of all partitions as the book tells them; whether they are right an audit says."""
    rows = conn.execute("SELECT topic, generation, partition, next_offset, head FROM book.partition")
    return {Slot(*row[:3]): Head(row[3], bytes(row[4])) for row in rows}
