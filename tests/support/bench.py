"""A domain on a database, fed by hand: events arrive when the test says so, and the clock stands where it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from compound.events import REGISTRY, Event, Received
from compound.log.book import decode_headers
from compound.registry.file import to_event
from compound.registry.projection import Change, project
from compound.registry.timeline import Registry, load
from compound.store.db import connect
from processors.runtime.domain import Domain, Tx

Item = tuple[str, str, str, dict[str, Any] | None]


class Told:
    """A piece of history in the outbox."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.what = event.type.removeprefix("alert.").removesuffix(".v1")
        self.data: dict[str, Any] = msgspec.json.decode(event.data)

    @property
    def short(self) -> tuple[str, str, str, bool]:
        """What happened, rule, subject, whether it is sent."""
        return self.what, self.data["rule"], self.data["subject"], self.data["notify"]


class Bench:
    """One worker of `domain`; each call is one transaction. Times are microseconds UTC."""

    def __init__(self, url: str, domain: Domain) -> None:
        self.domain = domain
        self.conn = connect(url, "bench", domain.name)
        with self.conn.transaction():
            self.known: Registry = load(self.conn)
        self.offset = 0

    def register(self, rows: Sequence[Item], at: int = 0) -> None:
        """Project registry items."""
        with self.conn.transaction():
            for kind, item_id, since, data in rows:
                event = to_event(Change(kind, item_id, since, data), at)
                self.offset += 1
                project(self.conn, Received(event, REGISTRY, 1, 0, self.offset, at))
            self.known = load(self.conn)

    def received(self, event: Event, topic: str, at: int, partition: int = 0) -> Received:
        """The event as read from the log, recorded at `at`."""
        self.offset += 1
        return Received(event, topic, 1, partition, self.offset, at)

    def tx(self, at: int) -> Tx:
        """What a transaction at `at` hands the domain."""
        return Tx(self.conn, self.domain.name, self.known, at)

    def arrive(self, *events: Event, at: int, topic: str = "gate", partition: int = 0) -> None:
        """Events recorded at `at` in one batch."""
        with self.conn.transaction():
            self.domain.apply(self.tx(at), [self.received(event, topic, at, partition) for event in events])

    def tick(self, at: int) -> None:
        """Time has passed; all is read to its end."""
        with self.conn.transaction():
            self.domain.tick(self.tx(at))

    def told(self) -> list[Told]:
        """History since the last call, in order."""
        with self.conn.transaction():
            rows = self.conn.execute("DELETE FROM runtime.outbox RETURNING id, headers, value").fetchall()
        found = []
        for _, headers, value in sorted(rows, key=lambda row: row[0]):
            said = {name: raw.decode() for name, raw in decode_headers(bytes(headers))}
            found.append(
                Told(Event(said["ce_id"], said["ce_source"], said["ce_type"], 0, said["ce_subject"], bytes(value)))
            )
        return found

    def shorts(self) -> list[tuple[str, str, str, bool]]:
        """History since the last call, in short."""
        return [each.short for each in self.told()]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.conn.transaction():
            return self.conn.execute(query.encode()).fetchall()

    def close(self) -> None:
        """Let go of the database."""
        self.conn.close()
