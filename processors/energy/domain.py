"""The energy domain: readings of meters and inverters become points, segments, and totals of quarter hours and days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compound.events import Received
from compound.registry.timeline import FOREVER
from compound.settings import Settings
from compound.timeutil import HOUR, SECOND, moment
from processors.energy import breaks, tables
from processors.energy.catalogue import Catalogue, distinct
from processors.energy.decode import Batch, decode
from processors.energy.exact import Ints
from processors.energy.registers import Readings
from processors.energy.segments import NONE, concatenate
from processors.energy.stretch import Changed, derive_again
from processors.energy.tables import FUTURE, PAST, Bounds, Marks
from processors.energy.tails import Fast, Tails
from processors.energy.totals import contribute, sum_again
from processors.energy.verdicts import Verdict
from processors.runtime.domain import Tx
from processors.runtime.states import arrivals_of
from processors.runtime.telling import Teller, note_arrivals


class EnergyDomain:
    """Its facts are a function of the points and the registry (P3); intervals sum to the register (P4)."""

    name = "energy"
    topics = ("meter", "inverter")

    def __init__(self, settings: Settings) -> None:
        self.catalogue = Catalogue()
        self.tails = Tails(self.catalogue.meters)
        self.teller = Teller(breaks.RULES, settings.quiet_s, settings.late_s, breaks.standing)

    def forget(self) -> None:
        """Drop the tails and what else came out of tables."""
        self.catalogue.forget()
        self.tails.forget()

    def tick(self, tx: Tx) -> bool:
        """Tell breaks."""
        return self.teller.tick(tx)

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Take in a batch: what follows the tails and fits by one computation, the rest by the tables."""
        self.catalogue.use(tx.conn, tx.registry)
        batch = decode(tx.conn, self.catalogue.numbers, events)
        if not len(batch.series):
            return
        self.catalogue.know(batch.series)
        tables.note_lengths(tx.conn, batch)
        fast = self.tails.take(batch)
        new = tables.insert_points(tx.conn, batch, fast.taken)
        changed = self._again(tx, batch.take(self._held(tx, batch, new)))
        tables.write_segments(tx.conn, changed.removed, concatenate([fast.segments, changed.added]))
        breaks.note(tx.conn, self.catalogue, changed.removed, changed.added)
        self._contribute(tx, fast, changed)
        watched = breaks.watched(tx.conn)
        own = [received for received in events if received.event.subject in watched] if watched else []
        note_arrivals(tx, arrivals_of(own, self.teller.late))
        self._note_burst(tx, batch)
        tx.changed.update((self.name, self.catalogue.subject(series)[0]) for series in distinct(batch.series))

    def _note_burst(self, tx: Tx, batch: Batch) -> None:
        """Note when a late reading came in: totals of a month that is being filled in are not told of yet."""
        late = batch.recorded[batch.recorded - (batch.time + batch.length * SECOND) > HOUR]
        if len(late):
            tx.conn.execute(
                "INSERT INTO burst VALUES (true, %s) ON CONFLICT (one) DO UPDATE SET recorded = excluded.recorded",
                (moment(int(late.max())),),
            )

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """Derive the series of devices again after a change of the registry, and sum them anew."""
        self.catalogue.use(tx.conn, tx.registry)
        rows = tx.conn.execute(
            "SELECT id, extract(epoch FROM r.since) * 1000000 FROM series"
            " JOIN unnest(%s::text[], %s::timestamptz[]) AS r(subject, since) USING (subject) ORDER BY id",
            ([device for device, _ in devices], [moment(since) for _, since in devices]),
        ).fetchall()
        if not rows:
            return
        series, since = np.array([[number, int(start)] for number, start in rows], np.int64).T
        self.catalogue.know(series)
        moved = self.catalogue.set_zones(series.tolist())
        windows = self._bounds(tx, series, since, np.full(len(series), FUTURE))
        changed = derive_again(tx.conn, self.catalogue, self.tails, windows)
        tables.write_segments(tx.conn, changed.removed, changed.added)
        breaks.note(tx.conn, self.catalogue, changed.removed, changed.added)
        starts = dict(zip(windows.series.tolist(), windows.low.tolist(), strict=True))
        sum_again(tx.conn, self.catalogue, starts | dict.fromkeys(moved, PAST))
        tx.changed.update((self.name, device) for device, _ in devices)

    def _held(self, tx: Tx, batch: Batch, new: Ints) -> Ints:
        """Of the new readings those that a register holds; the others are marked: they wait, and change nothing else."""
        waits = np.zeros(len(batch.series), np.bool_)
        for series in distinct(batch.series[new]):
            own = new[batch.series[new] == series]
            register = self.catalogue.register(series)
            waits[own] = register.span_of(Readings(batch.time[own], batch.value[own], batch.serial[own])) < 0
        waiting = batch.take(new[waits[new]])
        verdict = np.full(len(waiting.series), Verdict.WAITING)
        none = Marks(*[waiting.time[:0]] * len(Marks._fields))
        marks = Marks(waiting.series, waiting.time, waiting.value, waiting.length, verdict)
        tables.write_marks(tx.conn, none, marks)
        return new[~waits[new]]

    def _again(self, tx: Tx, late: Batch) -> Changed:
        """Derive again around the readings in `late`."""
        if not len(late.series):
            return Changed(NONE, NONE)
        series, starts = np.unique(late.series, return_index=True)
        first = late.time[starts]
        last = np.maximum.reduceat(late.time + late.length * SECOND, starts)
        return derive_again(tx.conn, self.catalogue, self.tails, self._bounds(tx, series, first, last))

    def _bounds(self, tx: Tx, series: Ints, first: Ints, last: Ints) -> Bounds:
        interval = np.array([self.catalogue.of_intervals(number) for number in series.tolist()], np.bool_)
        parts = []
        for own, bounds in ((~interval, tables.bounds), (interval, tables.bounds_of_intervals)):
            if own.any():
                parts.append(bounds(tx.conn, series[own], first[own], last[own]))
        found = Bounds(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        order = np.argsort(found.series)
        return Bounds(*(column[order] for column in found))

    def _contribute(self, tx: Tx, fast: Fast, changed: Changed) -> None:
        removed, added = changed
        count = len(removed.start), len(added.start)
        segments = concatenate([fast.segments, removed, added])
        sign = np.repeat([1, -1, 1], [len(fast.reached), *count])
        reached = np.append(fast.reached, np.full(sum(count), FOREVER))
        contribute(tx.conn, self.catalogue, segments, sign, reached)


def create(settings: Settings) -> EnergyDomain:
    """The energy domain."""
    return EnergyDomain(settings)
