"""The timeline of states: points in, segments out, always equal to one fold over all points in order (P3).

A domain gives a `Fold`. New last points go on from the state kept in memory (the fast path); a late point, or a change
of the registry, goes back to the checkpoint before it and folds on from there (the exact path). What differs from the
stored segments is written, nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from compound.registry.timeline import FOREVER, Registry, Span, span_at
from processors.runtime.domain import Tx
from processors.runtime.point import Key, Point, Segment
from processors.runtime.tables import Changes, Checkpoint, Tables

S = TypeVar("S", bound=msgspec.Struct)

CHECKPOINT_EVERY = 64
"""Points between two checkpoints of a timeline: bounds what a late point has to fold again."""


class Fold(Protocol[S]):
    """The rules of a state timeline; pure, no clock."""

    kind: str | None
    """Kind of the device whose placement bounds the timeline; None: the subject is no device and is always known."""
    state: type[S]

    def initial(self, subject: str, what: str) -> S:
        """The state before the first point."""
        ...

    def step(self, state: S, point: Point, registry: Registry) -> list[Segment]:
        """Take `point` into `state` (in place); the segments that no later point can change."""
        ...

    def open(self, state: S, registry: Registry) -> list[Segment]:
        """The segments as they stand after the last point, not yet final. Must not change `state`."""
        ...

    def end(self, state: S, time: int, registry: Registry) -> list[Segment]:
        """The device left its place at `time`: all that is open ends. `state` is not used again."""
        ...

    def order(self, point: Point) -> tuple[Any, ...]:
        """Order of points of one time (the default of the design: boot, seq, value)."""
        ...


class Held(msgspec.Struct, Generic[S]):
    """Where a fold stands: the state inside the current span, if any."""

    since: int | None = None
    state: S | None = None


@dataclass(slots=True)
class Tail(Generic[S]):
    """The end of a timeline in memory."""

    time: int
    held: Held[S]
    open: list[tuple[int | None, Segment]]
    counted: int


class StateTimeline(Generic[S]):
    """Keeps the timelines of one fold in the tables with `prefix` (runtime.make_timeline).

    With `shared`, several workers write a subject: rows are locked in key order and nothing is kept in memory; else the
    ends of the last `keep` timelines used.
    """

    def __init__(self, fold: Fold[S], prefix: str = "", shared: bool = False, keep: int = 20_000) -> None:
        self.fold = fold
        self.shared = shared
        self.tables = Tables(prefix)
        self._keep = keep
        self._tails: OrderedDict[Key, Tail[S]] = OrderedDict()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Held[fold.state]).decode  # type: ignore[name-defined]

    def forget(self) -> None:
        """Drop the tails: another worker may have written."""
        self._tails.clear()

    def add(self, tx: Tx, points: Iterable[Point], removed: Iterable[Point] = ()) -> Changes:
        """Take in points (repeats are harmless) and take out derived ones; the segments that vanished and came."""
        added, gone = list(points), list(removed)
        if self.shared:
            self.tables.lock(tx.conn, sorted({point.subject for point in (*added, *gone)}))
        fresh = self.tables.insert(tx.conn, added)
        earliest: dict[Key, int] = {}
        for point in (*fresh, *self.tables.delete(tx.conn, gone)):
            key = point.subject, point.what
            earliest[key] = min(point.time, earliest.get(key, FOREVER))
        late = {key: time for key, time in earliest.items() if not self._is_last(key, time)}
        changes = self._again(tx, late)
        ahead: dict[Key, list[Point]] = {}
        for point in fresh:
            if (point.subject, point.what) not in late:
                ahead.setdefault((point.subject, point.what), []).append(point)
        for key, new in ahead.items():
            tail = self._tails[key]
            self._fold_on(tx.registry, key, tail, new, changes)
            self._tails.move_to_end(key)
        self.tables.write(tx.conn, changes)
        self._shrink()
        return changes

    def rederive(self, tx: Tx, subjects: Sequence[tuple[str, int]]) -> Changes:
        """Fold the timelines of (subject, since) again from `since` on."""
        if self.shared:
            self.tables.lock(tx.conn, sorted({subject for subject, _ in subjects}))
        changes = self._again(tx, self.tables.keys(tx.conn, subjects))
        self.tables.write(tx.conn, changes)
        return changes

    def _is_last(self, key: Key, time: int) -> bool:
        tail = self._tails.get(key)
        return tail is not None and time > tail.time

    def _shrink(self) -> None:
        if self.shared:
            self._tails.clear()
        while len(self._tails) > self._keep:
            self._tails.popitem(last=False)

    def _again(self, tx: Tx, late: dict[Key, int]) -> Changes:
        """The exact path: fold from the checkpoint before `late[key]` to the end, and compare."""
        changes = Changes()
        if not late:
            return changes
        start = self.tables.checkpoints(tx.conn, late)
        points = self.tables.points(tx.conn, start)
        stored = self.tables.segments(tx.conn, start)
        for key, checkpoint in start.items():
            held: Held[S] = self._decode(checkpoint.state) if checkpoint.state else Held()
            tail = Tail(checkpoint.time, held, stored.get(key, []), 0)
            changes.cut(key, checkpoint.time)
            self._fold_on(tx.registry, key, tail, points.get(key, []), changes)
            self._tails[key] = tail
        return changes

    def _fold_on(self, registry: Registry, key: Key, tail: Tail[S], points: list[Point], changes: Changes) -> None:
        """Fold `points` (all after the tail) into the tail; `tail.open` are the stored segments that may still change."""
        spans = self._spans(registry, key[0])
        points.sort(key=lambda point: (point.time, *self.fold.order(point)))
        now: list[tuple[int | None, Segment]] = []
        for point in points:
            if tail.counted >= CHECKPOINT_EVERY and point.time > tail.time:
                changes.checkpoints.append((key, Checkpoint(tail.time, self._encode(tail.held))))
                tail.counted = 0
            now += [(point.time, segment) for segment in self._step(registry, key, tail.held, spans, point)]
            tail.time = point.time
            tail.counted += 1
        standing: list[tuple[int | None, Segment]] = [(None, s) for s in self._open(registry, tail.held, spans)]
        changes.compare(key, tail.open, now + standing)
        tail.open = standing

    def _spans(self, registry: Registry, subject: str) -> list[Span]:
        return [Span(-FOREVER, FOREVER, "")] if self.fold.kind is None else registry.spans(subject, self.fold.kind)

    def _step(self, registry: Registry, key: Key, held: Held[S], spans: list[Span], point: Point) -> list[Segment]:
        span = span_at(spans, point.time)
        segments: list[Segment] = []
        if held.state is not None and (span is None or span.since != held.since):
            left = span_at(spans, held.since) if held.since is not None else None
            segments += self.fold.end(held.state, left.until if left else point.time, registry)
            held.since, held.state = None, None
        if span is not None:
            if held.state is None:
                held.since, held.state = span.since, self.fold.initial(*key)
            segments += self.fold.step(held.state, point, registry)
        return segments

    def _open(self, registry: Registry, held: Held[S], spans: list[Span]) -> list[Segment]:
        if held.state is None or held.since is None:
            return []
        span = span_at(spans, held.since)
        if span is not None and span.until < FOREVER:
            copy: Held[S] = self._decode(self._encode(held))
            return [] if copy.state is None else self.fold.end(copy.state, span.until, registry)
        return self.fold.open(held.state, registry)
