"""Events: CloudEvents 1.0 attributes around JSON data, with versioned types and deterministic ids.

In the log an event stands in binary content mode: the attributes are `ce_*` headers and the value is the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec

from compound.log.port import Record, Stored
from compound.timeutil import parse, text

DEVICE_TOPICS: Final = ("meter", "inverter", "weather", "gate", "parking", "locker")
REGISTRY: Final = "registry"
COMMANDS: Final = "commands"
HISTORY: Final = "history"
QUARANTINE: Final = "quarantine"
TOPICS: Final = (*DEVICE_TOPICS, REGISTRY, COMMANDS, HISTORY, QUARANTINE)

_CONTENT_TYPE = ("content-type", b"application/json")
_SPECVERSION = ("ce_specversion", b"1.0")


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. `time` is the device's, in microseconds UTC; `data` is JSON as bytes."""

    id: str
    source: str
    type: str
    time: int
    subject: str
    data: bytes


class Received(msgspec.Struct, frozen=True, gc=False):
    """An event as read back: with the log's own time and its address (generation, partition, offset)."""

    event: Event
    topic: str
    generation: int
    partition: int
    offset: int
    recorded: int


def event_id(topic: str, element: bytes) -> str:
    """Id of the message element published on `topic`: the same message always has the same id (128 bits, hex).

    Personal data is replaced by tokens before: an id over a raw card number could be guessed back.
    """
    digest = hashlib.blake2b(element, digest_size=16, key=hashlib.blake2b(topic.encode(), digest_size=16).digest())
    return digest.hexdigest()


def history_id(*parts: object) -> str:
    """Id of something told or decided, from what makes it one (rule, subject, start…)."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def to_record(topic: str, event: Event, key: str | None = None) -> Record:
    """The log record of `event`; its key is the subject unless said."""
    return Record(
        topic=topic,
        key=(event.subject if key is None else key).encode(),
        headers=(
            _SPECVERSION,
            ("ce_id", event.id.encode()),
            ("ce_source", event.source.encode()),
            ("ce_type", event.type.encode()),
            ("ce_time", text(event.time).encode()),
            ("ce_subject", event.subject.encode()),
            _CONTENT_TYPE,
        ),
        value=event.data,
    )


def from_stored(stored: Stored) -> Received:
    """The event in a log record, brought up to its newest version. Raises ValueError where an attribute is missing."""
    found = dict(stored.headers)
    try:
        event = Event(
            id=found["ce_id"].decode(),
            source=found["ce_source"].decode(),
            type=found["ce_type"].decode(),
            time=parse(found["ce_time"].decode()),
            subject=found["ce_subject"].decode(),
            data=stored.value,
        )
    except KeyError as missing:
        raise ValueError(f"record without attribute {missing}") from None
    return Received(
        event=upcast(event),
        topic=stored.topic,
        generation=stored.generation,
        partition=stored.partition,
        offset=stored.offset,
        recorded=stored.recorded,
    )


Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[str, tuple[str, Upcaster]] = {}
"""Old type -> (next type, how its data becomes that of the next)."""


def upcaster(old: str, new: str) -> Callable[[Upcaster], Upcaster]:
    """Register a function that turns data of type `old` into data of type `new`, one version at a time."""

    def register(function: Upcaster) -> Upcaster:
        if old in UPCASTERS:
            raise ValueError(f"{old} already has an upcaster")
        UPCASTERS[old] = (new, function)
        return function

    return register


def upcast(event: Event) -> Event:
    """The event in the newest version of its type; the log keeps what was written."""
    if event.type not in UPCASTERS:
        return event
    kind, data = event.type, msgspec.json.decode(event.data)
    while kind in UPCASTERS:
        kind, function = UPCASTERS[kind]
        data = function(data)
    return msgspec.structs.replace(event, type=kind, data=msgspec.json.encode(data))
