"""A migrated database with one domain in it: events go in by `apply`, the registry by its own projection."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from compound.events import Event, Received, event_id
from compound.registry.file import to_event
from compound.registry.projection import Change, project
from compound.registry.timeline import FOREVER, Registry, load
from compound.settings import Settings
from compound.store.db import connect
from compound.timeutil import text
from processors.runtime.domain import Tx
from processors.runtime.point import Point, Segment
from processors.runtime.timeline import Fold

Row = tuple[str, str, str, int, int | None, str, dict[str, Any], int | None]
_US = "(extract(epoch FROM {}) * 1000000)::bigint"


class House:
    """One domain on a database of its own. `now` is the clock (µs) that telling sees."""

    def __init__(self, url: str, create: Callable[[Settings], Any]) -> None:
        self.settings = Settings(database_url=url)
        self._create = create
        self.domain: Any = create(self.settings)
        self.conn = connect(url, "test", self.domain.name)
        self.now = 0
        self._offset = 0

    def close(self) -> None:
        self.conn.close()

    def restart(self) -> None:
        """A new worker: nothing is in memory."""
        self.domain = self._create(self.settings)

    def clear(self, *tables: str) -> None:
        """Forget what happened; the registry stays."""
        names = tables or ("point", "segment", "checkpoint", "due", "told", "subject")
        self.conn.execute(f"TRUNCATE {', '.join(names)}")
        self.conn.commit()
        self.restart()

    def register(self, *items: tuple[str, str, int, dict[str, Any] | None]) -> None:
        """Project (kind, id, since µs, data) and derive again what that made stale."""
        with self.conn.transaction():
            for kind, item_id, since, data in items:
                self._offset += 1
                event = to_event(Change(kind, item_id, text(since), data), since)
                project(self.conn, Received(event, "registry", 1, 0, self._offset, self._offset))
            stale = self.conn.execute(
                f"DELETE FROM registry.stale WHERE domain = %s RETURNING device, {_US.format('since')}",
                (self.domain.name,),
            ).fetchall()
            self.domain.rederive(self._tx(), stale)

    def apply(self, events: Sequence[Event]) -> None:
        """One batch in one transaction."""
        with self.conn.transaction():
            received = []
            for event in events:
                self._offset += 1
                received.append(
                    Received(event, event.source.split("/")[3], 1, 0, self._offset, event.time + self._offset)
                )
            self.domain.apply(self._tx(), received)

    def scatter(self, events: Sequence[Event], seed: int, size: int) -> None:
        """Apply the events shuffled, some twice, in batches of `size`, with a restart now and then."""
        chance = random.Random(seed)
        order = [*events, *(event for event in events if chance.random() < 0.3)]
        chance.shuffle(order)
        for start in range(0, len(order), size):
            if start and chance.random() < 0.2:
                self.restart()
            self.apply(order[start : start + size])

    def tick(self, now: int) -> None:
        """Let the clock be `now` and tell what is due."""
        self.now = now
        with self.conn.transaction():
            self.domain.tick(self._tx())

    def registry(self) -> Registry:
        """What is registered."""
        return load(self.conn)

    def rows(self, table: str = "segment") -> set[str]:
        """The segments, each as text."""
        found = self.conn.execute(
            f"SELECT subject, what, kind, {_US.format('start')}, {_US.format(chr(34) + 'end' + chr(34))}, key, data,"
            f" {_US.format('tell_at')} FROM {table}"
        ).fetchall()
        self.conn.rollback()
        return {_text(row) for row in found}

    def told(self) -> list[tuple[str, str, bool]]:
        """(step, rule, notify) of the history in the outbox, in order."""
        found = self.conn.execute("SELECT value FROM runtime.outbox ORDER BY id").fetchall()
        types = self.conn.execute("SELECT headers FROM runtime.outbox ORDER BY id").fetchall()
        self.conn.rollback()
        said = []
        for (value,), (headers,) in zip(found, types, strict=True):
            data = msgspec.json.decode(bytes(value))
            step = next(
                name for name in ("raised", "cleared", "withdrawn") if f"alert.{name}".encode() in bytes(headers)
            )
            said.append((step, data["rule"], data["notify"]))
        return said

    def _tx(self) -> Tx:
        return Tx(self.conn, self.domain.name, load(self.conn), self.now)


def event(kind: str, device: str, channel: str, time: int, data: dict[str, Any], boot: int = 1, seq: int = 0) -> Event:
    """A device's event of the MQTT contract, version 1."""
    source = f"compound/v1/s/{kind}/{device}"
    body = msgspec.json.encode({"time": text(time), "boot": boot, "seq": seq, **data})
    return Event(event_id(f"{source}/{channel}", body), source, f"{kind}.{channel}.v1", time, device, body)


def fold_all(fold: Fold[Any], points: Iterable[Point], registry: Registry) -> set[str]:
    """The definition: one fold over the distinct points of each timeline within its device's spans, in order."""
    rows: dict[tuple[Any, ...], str] = {}
    lines: dict[tuple[str, str], dict[tuple[Any, ...], Point]] = {}
    for point in points:
        lines.setdefault((point.subject, point.what), {})[point[:6]] = point
    for (subject, what), distinct in lines.items():
        for span in registry.spans(subject, fold.kind or ""):
            mine = [point for point in distinct.values() if span.since <= point.time < span.until]
            state, segments = fold.initial(subject, what), []
            for point in sorted(mine, key=lambda each: (each.time, *fold.order(each))):
                segments += fold.step(state, point, registry)
            if mine:
                segments += (
                    fold.open(state, registry) if span.until == FOREVER else fold.end(state, span.until, registry)
                )
            for segment in segments:
                row = _row(subject, what, segment)
                rows[row[:4] + row[5:6]] = _text(row)
    return set(rows.values())


def _row(subject: str, what: str, s: Segment) -> Row:
    return subject, what, s.kind, s.start, s.end, s.key, s.data, s.tell_at


def _text(row: Sequence[Any]) -> str:
    return msgspec.json.encode([*row], order="sorted").decode()
