"""Between the two threads of the bridge: what the network's has read, and what the batcher's gives back."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from ingest.intake import Message


class Batch(NamedTuple):
    """Messages in the order of their arrival on one connection (connections are counted from 1)."""

    connection: int
    messages: Sequence[Message]


class EndOfMessages(Exception):
    """All that was received has been taken, and no more will come."""


class Mailbox:
    """One thread puts and collects, another takes and gives back, both in order."""

    def __init__(self) -> None:
        self._arrived: SimpleQueue[Batch | None] = SimpleQueue()
        self._left: Batch | None = None
        self._ended = False
        self._durable: deque[Batch] = deque()
        self._bell, self._ear = socket.socketpair()
        for end in (self._bell, self._ear):
            end.setblocking(False)

    # -- the batcher's side

    def take(self, most: int, timeout: float) -> Batch | None:
        """Up to `most` messages of one connection; None when none came within `timeout` seconds.

        Raises EndOfMessages.
        """
        first, self._left = self._left, None
        if first is None:
            first = self._next(timeout)
        if first is None:
            if self._ended:
                raise EndOfMessages
            return None
        messages = list(first.messages)
        while len(messages) < most:
            more = self._next(0)
            if more is None:
                break
            if more.connection != first.connection:
                self._left = more
                break
            messages += more.messages
        if len(messages) > most:
            self._left = Batch(first.connection, messages[most:])
        return Batch(first.connection, messages[:most])

    def _next(self, timeout: float) -> Batch | None:
        try:
            batch = self._arrived.get(block=timeout > 0, timeout=timeout) if not self._ended else None
        except Empty:
            return None
        self._ended = self._ended or batch is None
        return batch

    def give_back(self, batch: Batch) -> None:
        """The log holds `batch`: it may be acknowledged."""
        self._durable.append(batch)
        self.ring()

    def ring(self) -> None:
        """Wake the network's thread."""
        with suppress(BlockingIOError):
            self._bell.send(b"\0")

    # -- the network's side

    def put(self, batch: Batch) -> None:
        """Messages that have arrived."""
        self._arrived.put(batch)

    def forget(self) -> None:
        """Drop what has not been taken yet: its connection is gone, and the broker sends it again."""
        with suppress(Empty):
            while True:
                self._arrived.get_nowait()

    def end(self) -> None:
        """Nothing more will arrive."""
        self._arrived.put(None)

    def durable(self) -> list[Batch]:
        """What was given back since, in order."""
        out = []
        while self._durable:
            out.append(self._durable.popleft())
        return out

    def fileno(self) -> int:
        """Readable after `ring`, until `listen`."""
        return self._ear.fileno()

    def listen(self) -> None:
        """Take the ringing off."""
        with suppress(BlockingIOError):
            self._ear.recv(4096)

    def close(self) -> None:
        """Let go of the bell."""
        self._bell.close()
        self._ear.close()
