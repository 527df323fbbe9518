"""What a way out of the house is to the sender."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """An event of an alert to be sent: `key` is the same at every attempt; `body` is a CloudEvent as JSON."""

    key: str
    alert: str
    site: str
    category: str
    body: bytes


class Refused(Exception):
    """It was not delivered this time; the text says why."""


class Channel(Protocol):
    """A way out. Sending blocks for a bounded time."""

    def send(self, message: Message) -> None:
        """Deliver; returns only on a good answer. Raises Refused."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
