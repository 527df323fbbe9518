"""What a decoder is: the plug-in point between a vendor's topics and payloads and the house's events."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec

from compound.events import Event, to_record
from compound.log.port import Record
from compound.timeutil import text


class Place:
    """Where the events of one topic's subject go, with all that is the same in each of them worked out once."""

    __slots__ = ("_after", "_before", "_ids", "_key", "_log")

    def __init__(self, log: str, topic: str, kind: str, subject: str) -> None:
        """`log`: topic of the log; `topic`: the MQTT topic; `kind`: the event's type."""
        source = topic.rpartition("/")[0]
        pattern = to_record(log, Event(id="", source=source, type=kind, time=0, subject=subject, data=b""))
        names = [name for name, _ in pattern.headers]
        # ce_id and ce_time are what changes; the others are kept as they are
        identity, time = names.index("ce_id"), names.index("ce_time")
        self._before = (pattern.headers[:identity], pattern.headers[identity + 1 : time])
        self._after = pattern.headers[time + 1 :]
        self._log, self._key = pattern.topic, pattern.key
        self._ids = hashlib.blake2b(digest_size=16, key=hashlib.blake2b(topic.encode(), digest_size=16).digest())

    def record(self, element: bytes, time: int, data: bytes) -> Record:
        """The log record of one event: what `to_record` makes of `event_id(topic, element)`, several times faster."""
        digest = self._ids.copy()
        digest.update(element)
        first, second = self._before
        headers = (
            *first,
            ("ce_id", digest.hexdigest().encode()),
            *second,
            ("ce_time", text(time).encode()),
            *self._after,
        )
        return Record(self._log, self._key, headers, data)


class Observed(NamedTuple):
    """An element that could be read. `element` is what its id is made of; `time` is None where it has none (a will)."""

    place: Place
    element: bytes
    time: int | None
    data: bytes


class Malformed(NamedTuple):
    """What could not be read, and why.

    `reason` is one of few phrases; `detail` names field and expectation, never a value (it may be personal).
    `payload` is what a retry sends; None: the whole message.
    """

    reason: str
    detail: str | None = None
    at: int | None = None
    payload: bytes | None = None


Decode = Callable[[bytes, int], Iterable[Observed | Malformed]]
"""One topic's payload, and the latest time it may carry (microseconds UTC), to what is in it. Never raises."""


class Format(Protocol):
    """A vendor's way to say things over MQTT."""

    filter: str
    """MQTT topic filter; the filters of different formats don't overlap."""

    def open(self, topic: str) -> Decode | Malformed:
        """How payloads of `topic` are read; Malformed where the format has no such topic."""
        ...


def out_of_time(time: int, latest: int) -> Malformed | None:
    """Why an element of `time` can't be taken now, or None."""
    if time > latest:
        return Malformed("time in the future")
    return Malformed("time before 1970") if time < 0 else None


def why(error: Exception) -> Malformed:
    """A decoding error as a reason that holds no value of the payload."""
    if isinstance(error, msgspec.ValidationError):
        said = str(error)
        where = said.rpartition(" - at `")[2].rstrip("`") if " - at `" in said else None
        if said.startswith("Object missing required field"):
            return Malformed("field missing", said.split("`")[1])
        if said.startswith("Object contains unknown field"):
            return Malformed("field unknown", None)
        if said.startswith("Expected") and ", got " in said:
            return Malformed("wrong type", said)
        if said.startswith(("Expected `int`", "Number out of range")):
            return Malformed("out of range", said)
        return Malformed("wrong value", where)
    if isinstance(error, msgspec.DecodeError | UnicodeDecodeError | RecursionError):
        return Malformed("not JSON", None)
    return Malformed("decoder failed", type(error).__name__)
