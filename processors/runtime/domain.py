"""What a domain is to the runtime, and the transaction that the runtime hands it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from compound.events import Event, Received, to_record
from compound.log.book import encode_headers
from compound.log.port import Slot
from compound.registry.timeline import Registry
from compound.store.db import Connection

CHANGES = "changes"
"""NOTIFY channel that tells the API what a commit changed."""
_NOTIFY_LIMIT = 7000


Heads = Callable[[Sequence[str]], Mapping[Slot, int]]


def _no_heads(topics: Sequence[str]) -> Mapping[Slot, int]:
    return {}


@dataclass(slots=True)
class Tx:
    """One transaction of a domain: the connection (search_path = the domain's schema), the registry that holds, the time.

    `now` is the clock, microseconds UTC; only telling looks at it, never a fact.
    """

    conn: Connection
    domain: str
    registry: Registry
    now: int
    slots: frozenset[Slot] | None = None
    """The partitions this worker has read to their end (None: all there are); only their subjects are told of."""
    whole: bool = True
    """Whether all partitions of the domain's topics are read to their end, by whichever worker."""
    heads: Heads = _no_heads
    """The log's next offsets, by partition, of topics; empty where nobody can say."""
    changed: set[tuple[str, str]] = field(default_factory=set)

    def tell(self, topic: str, event: Event, key: str) -> None:
        """Put `event` into the outbox; it reaches the log after the commit, in order.

        Such a commit waits for the disk, which others don't (docs/decisions/commits-of-projections.md): what was told
        can't be taken back by a crash.
        """
        self.conn.execute("SET LOCAL synchronous_commit = on")
        record = to_record(topic, event, key)
        self.conn.execute(
            "INSERT INTO runtime.outbox (topic, key, headers, value) VALUES (%s, %s, %s, %s)",
            (record.topic, record.key, encode_headers(record.headers), record.value),
        )

    def notify(self) -> None:
        """Announce what changed, on commit: {"domain", "changes": [[kind, subject], …], "more": bool}."""
        if not self.changed:
            return
        changes = sorted(self.changed)
        text = ""
        for count in (len(changes), 200, 50, 10):
            text = msgspec.json.encode(
                {"domain": self.domain, "changes": changes[:count], "more": count < len(changes)}
            ).decode()
            if len(text) < _NOTIFY_LIMIT:
                break
        self.conn.execute("SELECT pg_notify(%s, %s)", (CHANGES, text))


class Domain(Protocol):
    """A consumer with its own schema. Its facts are a function of the points and the registry (P3)."""

    name: str
    topics: tuple[str, ...]

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Take in a batch: points, segments, contributions, due conditions."""
        ...

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """Derive the timelines of (device, since µs) again after a change of the registry."""
        ...

    def tick(self, tx: Tx) -> bool:
        """Time has passed and the partitions are read to their end: tell what is due. Whether anything was written."""
        ...

    def forget(self) -> None:
        """Drop what is held in memory: the fence was lost, or the partitions went to others."""
        ...


Row = tuple[Any, ...]
