"""A projection built beside the live one: the same code over the book, from each partition's first event on.

It goes on where it stopped: positions stand beside the effects, as of every domain. Nothing is told: history is re-read,
never made again. Changes of the registry that come meanwhile make stale here what they make stale in the live projection.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, Self

import msgspec
import structlog

from compound.errors import Mendable
from compound.events import Event, Received, from_stored
from compound.log import pages
from compound.log.port import Slot, Stored
from compound.registry.file import load_with
from compound.registry.projection import Change
from compound.registry.timeline import Registry, version_of
from compound.settings import Settings
from compound.store.db import Connection, Lock, connect, sql_text
from compound.store.schemas import next_of
from processors.main import create
from processors.rebuild import schema
from processors.rebuild.catalogue import PROJECTIONS
from processors.runtime import metrics
from processors.runtime.domain import Tx

STALE_SLICE: Final = 200
"""Devices derived again in one transaction."""
LOOK_S: Final = 0.2
PATIENCE_S: Final = 60.0
"""So long is waited for the book to get as far as the live projection (with Kafka, the archiver copies into it)."""

Positions = Mapping[Slot, int]
Progress = Callable[[int], None]
"""Told how many more records were taken in."""

_WHERE: Final = "SELECT topic, generation, partition, next_offset FROM {}.position"
_MOVE: Final = """
INSERT INTO position SELECT * FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[])
ON CONFLICT (topic, generation, partition) DO UPDATE SET next_offset = excluded.next_offset
"""
_LIKE: Final = """
SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


class RebuildError(Mendable):
    """A rebuild can't go on; the text says why and what to do, in one sentence."""


class Reread(Tx):
    """A transaction in which nothing may be told."""

    def tell(self, topic: str, event: Event, key: str) -> None:
        raise AssertionError(f"{self.domain} told something while it was built again")


class _Batch(NamedTuple):
    """Records read ahead: how many, where they end, and the events in them."""

    records: int
    moves: dict[Slot, int]
    events: list[Received]


class Build:
    """One domain being built in its schema `<domain>_next`. One at a time in the house; use it as a context manager."""

    def __init__(self, settings: Settings, domain: str, assumed: Sequence[Change] = ()) -> None:
        """Begin, or go on. With `assumed`, by the registry as it will be once these changes are applied: to be looked at,
        never to be swapped in. Raises RebuildError, psycopg.OperationalError.
        """
        if domain not in PROJECTIONS:
            raise RebuildError(f"{domain!r} is not built from the book; choose from {', '.join(PROJECTIONS)}.")
        self.domain = domain
        self.assumed = tuple(assumed)
        self.version = -1
        """Of the registry that the newest transaction saw."""
        self._batch = settings.rebuild_batch
        self._code = create(domain, settings)
        self._registry: Registry | None = None
        self._positions: dict[Slot, int] = {}
        self._conn = connect(settings.database_url, f"rebuild/{domain}", next_of(domain))
        try:
            # What a crash takes back, effects and positions together, is read from the book once more.
            self._conn.execute("SET synchronous_commit = off")
            hold(self._conn, domain)
            self._begin_or_go_on()
            self._reading = connect(settings.database_url, f"rebuild/{domain}/book", autocommit=True)
        except BaseException:
            self._conn.close()
            raise
        pages.prepare(self._reading)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._conn.close()
        self._reading.close()

    @property
    def positions(self) -> Positions:
        """How far it has come."""
        return dict(self._positions)

    @property
    def connection(self) -> Connection:
        """Its connection, between two runs in no transaction: sees what was built."""
        return self._conn

    def left(self, targets: Positions) -> int:
        """Records to take in up to `targets`."""
        return sum(max(until - self._positions.get(slot, 0), 0) for slot, until in targets.items())

    def run_to(self, targets: Positions, progress: Progress = lambda count: None) -> None:
        """Take in the book up to exactly `targets`, then derive again what the registry's changes made stale.

        Raises RebuildError where it is past them already, or the book does not get there.
        """
        if past := [slot for slot, at in self._positions.items() if at > targets.get(slot, 0)]:
            raise RebuildError(
                f"The rebuild of {self.domain} has read more of {past[0]} than the live one; clean it up and begin anew."
            )
        read = dict(self._positions)
        with ThreadPoolExecutor(1, f"rebuild/{self.domain}") as ahead:
            coming = ahead.submit(self._read, targets, read)
            while batch := coming.result():
                coming = ahead.submit(self._read, targets, read)
                self._take(batch)
                progress(batch.records)
        with self._conn.transaction():
            self._move(targets)
        self._positions = dict(targets)
        while self._rederive():
            pass

    def _begin_or_go_on(self) -> None:
        with self._conn.transaction():
            digest = _digest(self.assumed)
            begun = self._conn.execute(
                "SELECT assumed FROM runtime.rebuild WHERE domain = %s", (self.domain,)
            ).fetchone()
            if begun is None:
                schema.make(self._conn, self.domain, digest)
            elif begun[0] != digest:
                raise RebuildError(
                    f"A rebuild of {self.domain} was begun with another registry; clean it up and begin anew."
                )
            for table in schema.tables(self._conn, self.domain):
                like = [
                    [row[1:] for row in self._conn.execute(_LIKE, (f"{place}.{table}",))]
                    for place in (self.domain, next_of(self.domain))
                ]
                if like[0] != like[1]:
                    raise RebuildError(
                        f"{self.domain}.{table} has changed since its rebuild began; clean it up and begin anew."
                    )
            self._positions = positions_of(self._conn, next_of(self.domain))

    def _read(self, targets: Positions, read: dict[Slot, int]) -> _Batch | None:
        """The next records of the book, all partitions at the same pace; moves `read`. None when all are read."""
        deadline = time.monotonic() + PATIENCE_S
        while any(at > read.get(slot, 0) for slot, at in targets.items()):
            ends = pages.ends(self._reading, targets)
            if wanted := share(targets, read, ends, self._batch):
                stored = pages.read(self._reading, wanted)
                read.update({slot: until for slot, (_, until) in wanted.items()})
                moves = {slot: until for slot, (_, until) in wanted.items()}
                return _Batch(len(stored), moves, [event for each in stored if (event := self._event(each))])
            if time.monotonic() > deadline:
                raise RebuildError("The book ends before the live projection does; is the archiver running?")
            time.sleep(LOOK_S)
        return None

    def _event(self, stored: Stored) -> Received | None:
        """The event of a record; one that is none is passed over, as the live projection does."""
        try:
            return from_stored(stored)
        except ValueError as error:
            metrics.UNREADABLE.labels(self.domain).inc()
            structlog.get_logger(domain=self.domain).error("no event", address=tuple(stored.address), error=str(error))
            return None

    def _take(self, batch: _Batch) -> None:
        with self._conn.transaction():
            self._move(batch.moves)
            self._code.apply(self._begin(), batch.events)
        self._positions |= batch.moves

    def _move(self, moves: Positions) -> None:
        rows = [(*slot, position) for slot, position in sorted(moves.items())]
        if rows:
            self._conn.execute(_MOVE, [list(column) for column in zip(*rows, strict=True)])

    def _rederive(self) -> bool:
        """Derive a slice of what is stale again; whether there was any."""
        with self._conn.transaction():
            tx = self._begin()
            rows = self._conn.execute(
                "SELECT id, device, (extract(epoch FROM since) * 1000000)::bigint FROM registry.stale WHERE domain = %s"
                " ORDER BY id LIMIT %s",
                (next_of(self.domain), STALE_SLICE),
            ).fetchall()
            since: dict[str, int] = {}
            for _, device, at in rows:
                since[device] = min(at, since.get(device, at))
            if rows:
                self._code.rederive(tx, sorted(since.items()))
                self._conn.execute("DELETE FROM registry.stale WHERE id = ANY(%s)", ([row[0] for row in rows],))
        return bool(rows)

    def _begin(self) -> Tx:
        """The registry under its shared lock, as a worker has it."""
        self._conn.execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (int(Lock.REGISTRY),))
        self.version = version_of(self._conn)
        if self._registry is None or self._registry.version != self.version:
            self._registry = load_with(self._conn, self.assumed)
        return Reread(self._conn, self.domain, self._registry, int(time.time() * 1_000_000))


def share(targets: Positions, read: Positions, ends: Positions, limit: int) -> dict[Slot, tuple[int, int]]:
    """What to read next, from and to, by partition: about `limit` records, of each in proportion to what is left of it, so
    that all keep the pace of time. A topic's generations follow each other.
    """
    left = {slot: until - read.get(slot, 0) for slot, until in targets.items() if until > read.get(slot, 0)}
    first: dict[str, int] = {}
    for slot in left:
        first[slot.topic] = min(slot.generation, first.get(slot.topic, slot.generation))
    turn = {slot: count for slot, count in left.items() if slot.generation == first[slot.topic]}
    whole = sum(turn.values())
    wanted = {}
    for slot, count in sorted(turn.items()):
        since = read.get(slot, 0)
        until = min(since + min(count, -(-limit * count // whole)), ends.get(slot, 0))
        if until > since:
            wanted[slot] = since, until
    return wanted


def positions_of(conn: Connection, schema_name: str) -> dict[Slot, int]:
    """The positions in a schema."""
    return {Slot(*row[:3]): int(row[3]) for row in conn.execute(sql_text(_WHERE.format(schema_name)))}


def _digest(assumed: Sequence[Change]) -> str | None:
    """What stands for these changes; None for none."""
    return hashlib.sha256(msgspec.json.encode(assumed)).hexdigest() if assumed else None


def hold(conn: Connection, domain: str) -> None:
    """Be the only one who rebuilds `domain` while the connection lives. Raises RebuildError when another does."""
    row = conn.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (int(Lock.REBUILD), domain)).fetchone()
    conn.commit()
    if row is None or not row[0]:
        raise RebuildError(f"A rebuild of {domain} is already running.")
