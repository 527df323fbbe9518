"""The evaluator of quotas: one holder of its lock reads committed totals, writes figures and levels, tells the levels.

Quotas belong to no partition, so it reads no topic. What it writes in `figure` and `level` is a function of the energy's
totals and the registry; what it tells depends on what it told before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Final, NamedTuple

from compound.events import Received
from compound.log.port import Slot
from compound.registry.timeline import FOREVER
from compound.settings import Settings
from compound.store.db import Lock, sql_text
from compound.timeutil import QUARTER, SECOND, moment
from processors.quotas.figures import Curve, curve, figures, reached
from processors.quotas.registered import Period, Planned, edits, quotas
from processors.quotas.told import KINDS, end_removed, tell
from processors.quotas.totals import Totals
from processors.runtime.domain import Tx
from processors.runtime.telling import Rule, Teller, segments_of

RULES: Final = {
    KINDS["notice"]: Rule("notification", "low"),
    KINDS["warning"]: Rule("energy", "medium"),
    KINDS["alarm"]: Rule("energy", "high"),
}
READ: Final = ("meter", "inverter")
"""What the energy domain reads."""
BEHIND: Final = 1000
"""With more records than this not yet taken in by the energy domain, no level is told."""
LONGEST_S: Final = 0.25
"""A look at the totals ends after so long, with the quotas left for the next one: a large compound takes several."""


class Standing(NamedTuple):
    """A period as last evaluated. `reached`: level -> end of the first quarter hour at whose end it holds, µs."""

    period: Period
    curve: Curve
    reached: dict[str, int]
    until: int


class Quotas:
    """Keeps the figures of all quotas; safe to run in several processes, one at a time does the work."""

    name = "quotas"
    topics: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.teller = Teller(RULES, settings.quiet_s, settings.late_s, segments_of("condition"))
        self._quiet = int(settings.quiet_s * SECOND)
        self.forget()

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """No topic is read."""

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """No device is owned."""

    def tick(self, tx: Tx) -> bool:
        """Evaluate what changed, and tell; whether anything was written."""
        row = tx.conn.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", (int(Lock.EVALUATOR),)).fetchone()
        if not row or not row[0]:
            return False
        self._registered(tx)
        started = perf_counter()
        for _ in range(len(self._turn)):
            planned = self._turn[0]
            self._turn.rotate(-1)
            if self._totals.setdefault(planned.id, Totals(planned)).refresh(tx.conn, planned, tx.now):
                self._standing[planned.id] = self._evaluate(tx, planned)
            if perf_counter() - started > LONGEST_S:
                break
        if self._standing and self._settled(tx):
            for planned in self._turn:
                for each in self._standing.pop(planned.id, ()):
                    tell(tx, planned, each.period, each.curve, each.reached, each.until)
        return self.teller.tick(tx) or bool(tx.changed)

    def evaluate(self, tx: Tx, at: int = FOREVER, department: str | None = None) -> None:
        """Write figures and levels alone, of all quotas or a department's: as they stood at `at` (µs), by the budgets that held then
        and the quarter hours that had ended.
        """
        for planned in quotas(tx.registry, edits(tx.conn, at), at):
            if department in (None, planned.quota.department):
                totals = self._totals[planned.id] = Totals(planned)
                totals.refresh(tx.conn, planned, tx.now)
                totals.end(planned, at)
                self._evaluate(tx, planned)

    def forget(self) -> None:
        """Drop what is held: all is read again."""
        self._version = -1
        self._turn: deque[Planned] = deque()
        self._totals: dict[str, Totals] = {}
        self._standing: dict[str, list[Standing]] = {}

    def _registered(self, tx: Tx) -> None:
        """Follow the registry; quotas that are no more leave no figures."""
        if tx.registry.version == self._version:
            return
        self.forget()
        self._turn = deque(quotas(tx.registry, edits(tx.conn)))
        self._version = tx.registry.version
        known = [planned.id for planned in self._turn]
        tx.conn.execute("DELETE FROM figure WHERE quota <> ALL(%s)", (known,))
        tx.conn.execute("DELETE FROM level WHERE quota <> ALL(%s)", (known,))
        end_removed(tx, known)

    def _evaluate(self, tx: Tx, planned: Planned) -> list[Standing]:
        totals, day_ends = self._totals[planned.id], planned.year.day_ends()
        found = []
        for period in planned.periods:
            span = slice(planned.year.number(period.start), planned.year.number(period.end))
            standing = curve(
                period.budget, totals.actual[span], totals.coverage[span], planned.plan[span], day_ends[span]
            )
            times = {level: period.start + (number + 1) * QUARTER for level, number in reached(standing).items()}
            found.append(Standing(period, standing, times, period.start + len(standing.actual) * QUARTER))
        _write(tx, planned, found)
        tx.changed.add(("quota", planned.quota.department))
        return found

    def _settled(self, tx: Tx) -> bool:
        """Whether the totals are those of now: the energy domain is not behind the log, and no late burst is coming in.

        While a month is being filled in, what looks like a level may be over with the next reading.
        """
        rows = tx.conn.execute("SELECT topic, generation, partition, next_offset FROM energy.position").fetchall()
        read = {Slot(*row[:3]): row[3] for row in rows}
        behind = sum(head - read.get(slot, 0) for slot, head in tx.heads(READ).items())
        late = tx.conn.execute(
            "SELECT 1 FROM energy.burst WHERE recorded > %s", (moment(tx.now - self._quiet),)
        ).fetchone()
        return behind <= BEHIND and late is None


_COLUMNS: Final = (
    'quota, period, start, "end", department, medium, counts, year, until, budget, actual, used, plan, pace, rest, forecast,'
    " coverage, marked, edit"
)
_KEPT: Final = ("quota", "period", "start")
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ") if name not in _KEPT)


def _write(tx: Tx, planned: Planned, standing: list[Standing]) -> None:
    """The figures and levels of one quota; only what differs is written."""
    quota = planned.quota
    rows = []
    for each in standing:
        f = figures(each.curve)
        numbers = (f.budget, f.actual, f.used, f.plan, f.pace, f.rest, f.forecast, f.coverage, f.marked, planned.edit)
        times = moment(each.period.start), moment(each.period.end)
        about = quota.department, quota.medium, quota.counts, quota.year, moment(each.until)
        rows.append((planned.id, each.period.kind, *times, *about, *numbers))
    tx.conn.execute("DELETE FROM figure WHERE quota = %s AND year <> %s", (planned.id, quota.year))
    tx.conn.cursor().executemany(
        sql_text(
            f"INSERT INTO figure ({_COLUMNS}) VALUES ({', '.join(['%s'] * len(rows[0]))})"
            f" ON CONFLICT (quota, period, start) DO UPDATE SET {_SET} WHERE figure IS DISTINCT FROM excluded"
        ),
        rows,
    )
    _write_levels(tx, planned, standing)


def _write_levels(tx: Tx, planned: Planned, standing: list[Standing]) -> None:
    about = planned.quota.department, planned.quota.medium
    levels = {
        (planned.id, each.period.kind, moment(each.period.start), level, *about, moment(at))
        for each in standing
        for level, at in each.reached.items()
    }
    query = "SELECT quota, period, start, level, department, medium, at FROM level WHERE quota = %s"
    if levels != set(tx.conn.execute(query, (planned.id,)).fetchall()):
        tx.conn.execute("DELETE FROM level WHERE quota = %s", (planned.id,))
        tx.conn.cursor().executemany(
            "INSERT INTO level (quota, period, start, level, department, medium, at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            sorted(levels),
        )
