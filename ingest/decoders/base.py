"""What a decoder is: the plug-in point between a vendor's topics and payloads and the house's events."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgspec

from compound.events import Event, to_record
from compound.log.port import Record
from compound.timeutil import SECOND, text


class Place:
    """Where the events of one topic's subject go, with all that is the same in each of them worked out once."""

    __slots__ = ("_ids", "_key", "_log", "_source", "_subject", "_type")

    def __init__(self, log: str, topic: str, kind: str, subject: str) -> None:
        """`log`: topic of the log; `topic`: the MQTT topic; `kind`: the event's type."""
        source = topic.rpartition("/")[0]
        pattern = to_record(log, Event(id="", source=source, type=kind, time=0, subject=subject, data=b""))
        self._log, self._key = pattern.topic, pattern.key
        _, _, self._source, self._type, _, self._subject, _ = pattern.headers
        self._ids = hashlib.blake2b(digest_size=16, key=hashlib.blake2b(topic.encode(), digest_size=16).digest())

    def record(self, element: bytes, time: int, data: bytes) -> Record:
        """What `to_record` makes of an event with the id `event_id(topic, element)`, several times faster (tested)."""
        digest = self._ids.copy()
        digest.update(element)
        headers = (
            _SPECVERSION,
            ("ce_id", digest.hexdigest().encode()),
            self._source,
            self._type,
            ("ce_time", _time(time)),
            self._subject,
            _CONTENT_TYPE,
        )
        return Record(self._log, self._key, headers, data)


_SPECVERSION, *_, _CONTENT_TYPE = to_record("", Event(id="", source="", type="", time=0, subject="", data=b"")).headers


@lru_cache(maxsize=4096)
def _second(second: int) -> bytes:
    return text(second * SECOND).removesuffix("Z").encode()


def _time(time: int) -> bytes:
    """`text(time)`, faster: many messages share a second."""
    second, fraction = divmod(time, SECOND)
    return b"%b.%06dZ" % (_second(second), fraction) if fraction else _second(second) + b"Z"


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
"""One topic's payload, and the latest time it may carry (microseconds UTC), to what is in it.

Raises OSError and KeyLost, of the key folder, and nothing else.
"""


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
