"""Writing and reading the truth."""

from __future__ import annotations

import fcntl
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from simulators.faults.knowing import Span
from simulators.simulation import Day, Session, State
from simulators.wire import Message, devices

_SCHEMA = Path(__file__).with_name("schema.sql")
FORM: Final = 3
"""Version of the tables and of the states in them; a truth is not carried over from one to another."""


def form(conn: sqlite3.Connection) -> int:
    """Version of the tables of a truth."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


class TruthError(Exception):
    """The truth in the data folder is another simulation's; the text is one sentence."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else simulates in this data folder while the block runs. Raises TruthError when somebody does."""
    with path.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TruthError(f"Simulators already run on {path.parent}; nothing was changed.") from None
        yield


class Truth:
    """One simulation's truth. Methods that write commit; a reader may look on meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it. Raises TruthError for one of another version."""
        self.conn = sqlite3.connect(path, isolation_level=None)
        (tables,) = self.conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and form(self.conn) != FORM:
            self.conn.close()
            raise TruthError(
                f"{path} was written by another version of the simulators; choose another folder by --data."
            )
        self.conn.execute(f"PRAGMA user_version = {FORM}")
        self.conn.execute("PRAGMA journal_mode = WAL")
        self.conn.execute("PRAGMA synchronous = NORMAL")
        self.conn.executescript(_SCHEMA.read_text(encoding="utf-8"))
        rows = [(number, d.id, d.kind, d.wire) for number, d in enumerate(devices().values())]
        self._many("INSERT OR IGNORE INTO device VALUES (?, ?, ?, ?)", rows)
        self.number: dict[str, int] = dict(self.conn.execute("SELECT id, number FROM device"))

    def close(self) -> None:
        """Release the file."""
        self.conn.close()

    def begin(self, scenario: str, seed: int, origin: date) -> date:
        """Say what this truth is of; the origin of the first time holds. Raises TruthError for another simulation."""
        wanted = {"scenario": scenario, "seed": str(seed)}
        found = dict(self.conn.execute("SELECT key, value FROM meta"))
        for key, value in wanted.items():
            if found.get(key, value) != value:
                raise TruthError(
                    f"This data folder holds the simulation of {key} {found[key]}, not {value}; choose another by --data."
                )
        if "origin" in found:
            return date.fromisoformat(found["origin"])
        self._many("INSERT INTO meta VALUES (?, ?)", [*wanted.items(), ("origin", origin.isoformat())])
        return origin

    def sessions(self) -> list[Session]:
        """All runs so far, in order."""
        rows = self.conn.execute(
            "SELECT started, live_from, cursor, statuses, faults_from FROM session ORDER BY number"
        )
        return [Session(*row) for row in rows]

    def save(self, number: int, session: Session) -> None:
        """Write down where a run is."""
        self._many(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)",
            [(number, session.started, session.live_from, session.cursor, session.statuses, session.faults_from)],
        )

    def state(self, day: date) -> State | None:
        """The state at the beginning of `day`, or the last one before it that is kept."""
        row = self.conn.execute(
            "SELECT state FROM day WHERE day <= ? ORDER BY day DESC LIMIT 1", (day.isoformat(),)
        ).fetchone()
        return None if row is None else msgspec.json.decode(zlib.decompress(row[0]), type=State)

    def keep(self, state: State) -> None:
        """Keep the state at the beginning of its day."""
        blob = zlib.compress(msgspec.json.encode(state), 1)
        self._many("INSERT OR REPLACE INTO day VALUES (?, ?)", [(state.day, blob)])

    def write(self, day: Day, since: int | None = None, instead_of: Day | None = None) -> None:
        """Write a day's facts. Written again, as after a restart, it changes nothing but ends that were open.

        `since`: from when on (µs; its start) it may be another than what was written of it: messages that are lost have
        other numbers and come at other times once somebody watches live. `instead_of`: what was written of it; from
        `since` on that will not happen. What an earlier day told of it, as the end of an opening over midnight, stays.
        """
        happened = day.happened
        since = day.start if since is None else since
        self.conn.execute("BEGIN")
        self._unsee(since)
        if instead_of is not None:
            self._forget(instead_of, since)
        many = self.conn.executemany
        many("INSERT OR REPLACE INTO count VALUES (?, ?, ?, ?, ?)", day.counts)
        many("INSERT OR IGNORE INTO passage VALUES (?, ?, ?, ?, ?, ?)", happened.passages)
        many("INSERT OR IGNORE INTO opening VALUES (?, ?, ?)", happened.openings)
        many(
            'INSERT INTO stay VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "end" = coalesce(excluded."end", "end")',
            happened.stays,
        )
        many(
            'INSERT INTO parcel VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "end" = coalesce(excluded."end", "end"),'
            " outcome = coalesce(excluded.outcome, outcome)",
            [(p.bank, p.cell, p.deposited, p.reserved, p.end, p.outcome) for p in happened.parcels],
        )
        many(
            'INSERT INTO condition VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "end" = coalesce(excluded."end", "end")',
            happened.conditions,
        )
        many("INSERT OR REPLACE INTO span VALUES (?, ?, ?, ?, ?, ?, ?)", day.spans)
        many(
            "INSERT OR REPLACE INTO unsettled VALUES (?, ?, ?, ?)",
            [(f.device, f.kind, f.start, f.end) for f in day.unsettled],
        )
        many(_MESSAGE, [self._row(message) for message in day.lost])
        self.conn.execute("COMMIT")

    def sent(self, messages: Iterable[Message], number: int, session: Session) -> None:
        """Write down messages that were acknowledged, and up to where: one transaction."""
        self.conn.execute("BEGIN")
        self.conn.executemany(_MESSAGE, [self._row(message) for message in messages])
        self.conn.execute(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)",
            (number, session.started, session.live_from, session.cursor, session.statuses, session.faults_from),
        )
        self.conn.execute("COMMIT")

    def lose(self, messages: Iterable[tuple[str, int, int]], spans: Iterable[Span]) -> None:
        """Write down that messages (device, boot, seq) were lost, and all that can't be known now."""
        self.conn.execute("BEGIN")
        self.conn.executemany(
            "UPDATE message SET sent = NULL WHERE device = ? AND boot = ? AND seq = ?",
            [(self.number[device], boot, seq) for device, boot, seq in messages],
        )
        self.conn.execute("DELETE FROM span")
        self.conn.executemany("INSERT OR REPLACE INTO span VALUES (?, ?, ?, ?, ?, ?, ?)", spans)
        self.conn.execute("COMMIT")

    def _unsee(self, since: int) -> None:
        """Forget which messages were to be lost from `since` on, and what was unknown after it for want of them."""
        self.conn.execute("DELETE FROM message WHERE sent IS NULL AND time >= ?", (since,))
        self.conn.execute("""DELETE FROM span WHERE kind IN ('gap', 'break') AND "end" > ?""", (since,))

    def _forget(self, day: Day, since: int) -> None:
        """Forget what `day` was to bring from `since` on."""
        happened = day.happened
        ends = (
            ("stay", ("spot", "start"), [(s[:2], s.start, s.end) for s in happened.stays]),
            (
                "parcel",
                ("bank", "cell", "deposited"),
                [((p.bank, p.cell, p.deposited), p.deposited, p.end) for p in happened.parcels],
            ),
            ("condition", ("rule", "subject", "what", "start"), [(c[:4], c.start, c.end) for c in happened.conditions]),
        )
        for table, names, rows in ends:
            self._delete(table, names, [key for key, start, _ in rows if start >= since])
            open_ = [key for key, _, end in rows if end is not None and end >= since]
            self.conn.executemany(f'UPDATE {table} SET "end" = NULL WHERE {_one(names)}', open_)
        self._delete("passage", ("door", "time"), [p[:2] for p in happened.passages if p.time >= since])
        self._delete("opening", ("door", "start"), [o[:2] for o in happened.openings if o.start >= since])
        spans = [(s.domain, s.subject, s.start, s.kind) for s in day.spans if s.start >= since]
        self._delete("span", ("domain", "subject", "start", "kind"), spans)
        unsettled = [(f.device, f.kind, f.start) for f in day.unsettled if f.start >= since]
        self._delete("unsettled", ("device", "kind", "start"), unsettled)

    def _delete(self, table: str, names: Sequence[str], keys: Sequence[tuple[object, ...]]) -> None:
        self.conn.executemany(f"DELETE FROM {table} WHERE {_one(names)}", keys)

    def silence(self, device: str, rule: str, channel: str, start: int, end: int | None) -> None:
        """Write down that a device, or a channel of it, can't say anything; `rule` would tell it."""
        self._many("INSERT OR REPLACE INTO silence VALUES (?, ?, ?, ?, ?)", [(device, rule, channel, start, end)])

    def back(self, now: int) -> None:
        """Every device is there again: silences that an earlier run left open end. Those of channels end when they speak."""
        self.conn.execute("""UPDATE silence SET "end" = ? WHERE "end" IS NULL AND channel = ''""", (now,))

    def _row(self, m: Message) -> tuple[Any, ...]:
        return self.number[m.device], m.boot, m.seq, m.channel, m.time, m.shown, m.send

    def _many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self.conn.execute("BEGIN")
        self.conn.executemany(sql, rows)
        self.conn.execute("COMMIT")


def _one(names: Sequence[str]) -> str:
    """The condition that names one row by these columns."""
    return " AND ".join(f"{name} = ?" for name in names)


_MESSAGE = (
    "INSERT INTO message (device, boot, seq, channel, time, shown, sent) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET copies = copies + 1"
)
