"""The loop of one domain: read the log, run the domain, commit its effects together with the fenced positions (P2).

Positions live beside the effects. Each transaction first moves them from the value this worker believes in; where that
finds another value, somebody else has written, so it rolls back, drops what it holds in memory and starts anew. A zombie
therefore writes nothing. Nor does a worker that still holds what it read before a rebuilt projection was swapped in: the
positions stand in another table then, and it moves those of its own table only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing

import psycopg
import structlog

from compound.events import Received, from_stored
from compound.log.partition import partition_of
from compound.log.port import Log, LogUnavailable, Reader, Slot, Stored
from compound.registry.timeline import Registry, load, version_of
from compound.settings import Settings
from compound.store.db import AWAY, Connection, Lock, connect
from processors.runtime import metrics
from processors.runtime.alive import alive
from processors.runtime.domain import Domain, Tx

TICK_S = 1.0
LOOK_S = 5.0
"""So long after a poll the log's end that it saw counts as the end now."""
STALE_SLICE = 200
"""Devices derived again in one transaction."""

BUSY = 100
"""Records in one batch from which on a domain counts as busy: then it lets more gather before it reads again,
for as long as the settings or its own `gather_s` say."""
BRIEFLY_S = 0.03
"""After a smaller batch for so long. A transaction costs some milliseconds however little is in it."""

_MOVE = """
UPDATE position p SET next_offset = m.after
FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[], %s::bigint[]) AS m(topic, generation, partition, before, after)
WHERE (p.topic, p.generation, p.partition, p.next_offset) = (m.topic, m.generation, m.partition, m.before) AND p.tableoid = %s
"""

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
"""Between two attempts to reach a database or log that is away; the pause doubles."""

NOT_BEGUN = "it has not begun"

Clock = Callable[[], float]


class FenceLost(Exception):
    """Another worker has moved a position: what this one holds is out of date."""


class Worker:
    """Runs one domain until `stop` is set. Safe to run in several processes: they share the partitions."""

    def __init__(self, domain: Domain, log: Log, settings: Settings, clock: Clock = time.time) -> None:
        self.domain = domain
        self._log = log
        self._settings = settings
        self._clock = clock
        self._conn: Connection | None = None
        self._positions: dict[Slot, int] = {}
        self._table = 0
        self._registry: Registry | None = None
        self._ticked = 0.0
        self._heads: Mapping[Slot, int] | None = None
        self._gather_s: float = getattr(domain, "gather_s", settings.processors_gather_ms / 1000)
        self._pause = FIRST_PAUSE_S
        self.waiting: str | None = NOT_BEGUN
        """What this worker waits for; None while it works."""
        self._out = structlog.get_logger(domain=domain.name)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; a lost database or log is waited for."""
        while not stop.is_set():
            try:
                self._session(stop)
            except (*AWAY, LogUnavailable) as error:
                self.waiting = str(error).splitlines()[0]
                metrics.WAITING.labels(self.domain.name).set(1)
                self._out.warning("waiting for the database or the log", error=self.waiting)
                stop.wait(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE_S)

    def _session(self, stop: threading.Event) -> None:
        name = self.domain.name
        # Who stands still inside a transaction loses it: locks on positions and the registry hold up the whole house.
        frozen = self._settings.session_s
        with ExitStack() as held:
            held.callback(self._drop)
            self._conn = connect(self._settings.database_url, f"processors/{name}", name, frozen_s=frozen)
            # What a crash of the server takes back, effects and positions together, is read from the log once more.
            self._conn.execute("SET synchronous_commit = off")
            self._conn.commit()
            reader = None
            if self.domain.topics:
                reader = held.enter_context(closing(self._log.reader(name, self.domain.topics, self.load_positions)))
            while not stop.is_set():
                try:
                    self.turn(reader, stop)
                    self._well()
                except (FenceLost, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as lost:
                    self._out.warning("rolled back", why=type(lost).__name__)
                    metrics.FENCES_LOST.labels(self.domain.name).inc()
                    self._reset(reader)

    def _well(self) -> None:
        """A turn went through: database and log are there."""
        if self.waiting not in (None, NOT_BEGUN):
            self._out.info("goes on")
        self.waiting, self._pause = None, FIRST_PAUSE_S
        metrics.WAITING.labels(self.domain.name).set(0)

    def turn(self, reader: Reader | None, stop: threading.Event) -> None:
        """One poll and what follows from it."""
        if reader is None:
            stop.wait(self._settings.evaluate_s)
            self.pass_time((), at_end=True)
            return
        looking = self._clock()
        batch = reader.poll(self._settings.processors_batch, self._settings.processors_poll_s)
        if batch:
            self.take(batch)
        for slot, lag in reader.lag().items():
            metrics.LAG.labels(self.domain.name, slot.topic, str(slot.partition)).set(lag)
        assigned = reader.assigned()
        at_end = all(reader.at_end(slot) for slot in assigned)
        # A clock that was set back must not stop the ticks until it is where it was.
        if assigned and not 0 <= self._clock() - self._ticked < TICK_S:
            self._ticked = self._clock()
            # Who was stopped since it looked doesn't know any more where the log ends.
            fresh = 0 <= self._ticked - looking < LOOK_S + self._settings.processors_poll_s
            self.pass_time(sorted(assigned), at_end and fresh)
        if at_end and batch:
            stop.wait(self._gather_s if len(batch) >= BUSY else BRIEFLY_S)

    def load_positions(self, slots: Sequence[Slot]) -> Mapping[Slot, int]:
        """Next offset of each assigned partition; a fresh assignment makes all that is in memory worthless."""
        conn = self._connection()
        self.domain.forget()
        self._positions = {slot: position for slot, position in self._positions.items() if slot not in slots}
        conn.cursor().executemany(
            "INSERT INTO position VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING", [tuple(slot) for slot in slots]
        )
        for slot in slots:
            row = conn.execute(
                "SELECT next_offset FROM position WHERE (topic, generation, partition) = (%s, %s, %s)", tuple(slot)
            ).fetchone()
            self._positions[slot] = int(row[0]) if row else 0
        table = conn.execute("SELECT 'position'::regclass::oid").fetchone()
        self._table = int(table[0]) if table else 0
        conn.commit()
        return {slot: self._positions[slot] for slot in slots}

    def take(self, batch: Sequence[Stored]) -> None:
        """Apply one batch in one transaction."""
        ends = {(each.topic, each.generation, each.partition): each.offset + 1 for each in batch}
        moves = {Slot(*slot): end for slot, end in ends.items()}
        events = [received for stored in batch if (received := self._event(stored)) is not None]
        started = time.perf_counter()
        conn = self._connection()
        with alive(conn, self._settings.session_s), conn.transaction():
            self._fence(conn, moves)
            tx = self._begin(conn)
            self.domain.apply(tx, events)
            tx.notify()
        self._positions.update(moves)
        metrics.EVENTS.labels(self.domain.name).inc(len(batch))
        metrics.BATCH_SECONDS.labels(self.domain.name).observe(time.perf_counter() - started)

    def pass_time(self, slots: Sequence[Slot], at_end: bool) -> None:
        """Derive stale stretches in slices; then, with the partitions read to their end, tell what is due."""
        conn = self._connection()
        again = True
        while again:
            with alive(conn, self._settings.session_s), conn.transaction():
                self._fence(conn, {slot: self._positions[slot] for slot in slots})
                tx = self._begin(conn, slots)
                again = self._rederive(tx, slots)
                if not again and at_end:
                    tx.whole = self._whole(conn, slots)
                    self.domain.tick(tx)
                tx.notify()

    def _whole(self, conn: Connection, slots: Sequence[Slot]) -> bool:
        """Whether the partitions that other workers have are read too, as far as they went at the tick before.

        Under load something always came a moment ago; what stood there a tick ago is what matters.
        """
        if len(_newest(slots)) == sum(self._log.partitions(topic) for topic in self.domain.topics):
            return True
        rows = conn.execute("SELECT topic, generation, partition, next_offset FROM position").fetchall()
        read = {Slot(*row[:3]): row[3] for row in rows}
        before, self._heads = self._heads, self._log.heads(self.domain.topics)
        return before is not None and all(read.get(slot, 0) >= head for slot, head in before.items())

    def _rederive(self, tx: Tx, slots: Sequence[Slot]) -> bool:
        """Derive a slice of what a registry change made stale, of devices in our partitions; whether there was any."""
        mine = {(slot.topic, slot.partition) for slot in _newest(slots)}
        rows = tx.conn.execute(
            "SELECT id, kind, device, (extract(epoch FROM since) * 1000000)::bigint FROM registry.stale"
            " WHERE domain = %s AND kind = ANY(%s) ORDER BY id",
            (self.domain.name, [topic for topic, _ in mine]),
        ).fetchall()
        counts = {topic: self._log.partitions(topic) for topic in {row[1] for row in rows}}
        owned = [r for r in rows if (r[1], partition_of(r[2].encode(), counts[r[1]])) in mine][:STALE_SLICE]
        if not owned:
            return False
        since: dict[str, int] = {}
        for _, _, device, at in owned:
            since[device] = min(at, since.get(device, at))
        self.domain.rederive(tx, sorted(since.items()))
        tx.conn.execute("DELETE FROM registry.stale WHERE id = ANY(%s)", ([r[0] for r in owned],))
        return True

    def _event(self, stored: Stored) -> Received | None:
        """The event of a record; one that is none is counted, stays in the log, and is passed over."""
        try:
            return from_stored(stored)
        except ValueError as error:
            metrics.UNREADABLE.labels(self.domain.name).inc()
            self._out.error("no event", address=tuple(stored.address), error=str(error))
            return None

    def _begin(self, conn: Connection, slots: Sequence[Slot] = ()) -> Tx:
        """The registry under its shared lock: it can't change before this transaction ends."""
        conn.execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (int(Lock.REGISTRY),))
        if self._registry is None or self._registry.version != version_of(conn):
            self._registry = load(conn)
        now = int(self._clock() * 1_000_000)
        return Tx(conn, self.domain.name, self._registry, now, frozenset(slots), heads=self._log.heads)

    def _fence(self, conn: Connection, moves: Mapping[Slot, int]) -> None:
        """Move positions from where this worker left them. Raises FenceLost where one stands elsewhere."""
        if not moves:
            return
        rows = [(*slot, self._positions.get(slot, -1), position) for slot, position in sorted(moves.items())]
        columns = [list(column) for column in zip(*rows, strict=True)]
        if conn.execute(_MOVE, [*columns, self._table]).rowcount != len(rows):
            raise FenceLost(sorted(moves))

    def _reset(self, reader: Reader | None) -> None:
        self.domain.forget()
        self._registry = None
        if reader is not None:
            for slot, offset in self.load_positions(sorted(reader.assigned())).items():
                reader.seek(slot, offset)

    def _connection(self) -> Connection:
        if self._conn is None or self._conn.closed:
            raise psycopg.OperationalError("no connection")
        return self._conn

    def _drop(self) -> None:
        self.domain.forget()
        self._registry = None
        self._positions = {}
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def _newest(slots: Sequence[Slot]) -> list[Slot]:
    """The partitions of each topic's newest generation: they are what is shared, and whose devices are whose."""
    newest: dict[str, int] = {}
    for slot in slots:
        newest[slot.topic] = max(slot.generation, newest.get(slot.topic, 0))
    return [slot for slot in slots if slot.generation == newest[slot.topic]]
