"""Retention destroys keys and nothing else: the book and its chain stay (P9), and what was destroyed is history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from compound.events import HISTORY, REGISTRY, Event, Received, to_record
from compound.keys import CATEGORIES, KeyLost, Keys
from compound.log.audit import audit
from compound.log.open import open_log
from compound.quarantine import Quarantined, seal, unseal
from compound.registry.file import to_event
from compound.registry.projection import Change, check, project
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.timeutil import DAY, parse, text
from ingest.tokens import Tokens
from processors.retention import EXPIRED, Retention
from processors.runtime.outbox import Relay

END = parse("2026-10-01T03:00:00+08:00")
"""Of September's keys."""


class Rig:
    """A database, a key folder with keys of September and October in every category, and the job."""

    def __init__(self, url: str, folder: Path) -> None:
        self.settings = Settings(database_url=url, keys=folder)
        self.keys = Keys(folder)
        self.conn: Connection = connect(url, "test")
        self.job = Retention(self.settings)
        self._offset = 0
        for category in CATEGORIES:
            for month in ("2026-09", "2026-10"):
                self.keys.get(category, month)

    def rule(self, category: str, since: str, data: dict[str, Any] | None) -> None:
        self._offset += 1
        change = Change("retention", category, since, data)
        with self.conn.transaction():
            project(self.conn, Received(to_event(change, 0), REGISTRY, 1, 0, self._offset, self._offset))

    def history(self) -> list[dict[str, Any]]:
        rows = self.conn.execute("SELECT value FROM runtime.outbox ORDER BY id").fetchall()
        self.conn.commit()
        return [msgspec.json.decode(value) for (value,) in rows]


@pytest.fixture
def rig(database: str, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(database, tmp_path / "keys")
    yield made
    made.conn.close()


def months(rig: Rig, category: str) -> list[str]:
    return [month for name, month in rig.keys.kept() if name == category]


def test_a_key_goes_so_many_days_after_its_month(rig: Rig):
    rig.rule("access", "2026-01-01T00:00:00+08:00", {"days": 30})
    assert rig.job.turn(rig.conn, END + 30 * DAY - 1) == []
    assert [found.month for found in rig.job.turn(rig.conn, END + 30 * DAY)] == ["2026-09"]
    assert months(rig, "access") == ["2026-10"]
    for other in ("parking", "parcels", "quarantine"):
        assert months(rig, other) == ["2026-09", "2026-10"], "what the registry sets no days for is kept"
    assert rig.history() == [
        {"category": "access", "month": "2026-09", "days": 30, "since": text(END + 30 * DAY)},
    ]
    assert rig.job.turn(rig.conn, END + 31 * DAY) == [], "once"


def test_the_rule_that_holds_now_decides(rig: Rig):
    rig.rule("parking", "2026-01-01T00:00:00+08:00", {"days": 1})
    rig.rule("parking", "2026-10-02T00:00:00+08:00", {"days": 90})
    rig.rule("parking", "2026-12-01T00:00:00+08:00", None)
    assert rig.job.turn(rig.conn, END + 10 * DAY) == []
    assert rig.job.turn(rig.conn, END + 400 * DAY) == []
    assert months(rig, "parking") == ["2026-09", "2026-10"]


def test_what_was_decided_and_not_done_is_done_at_the_next_look(rig: Rig):
    """A crash between the commit and the deletion: the same event again, and the key gone."""
    rig.rule("parcels", "2026-01-01T00:00:00+08:00", {"days": 1})
    rig.job.turn(rig.conn, END + 2 * DAY)
    rig.keys.get("parcels", "2026-09")
    rig.job.turn(rig.conn, END + 3 * DAY)
    assert months(rig, "parcels") == ["2026-10"]
    first, second = rig.conn.execute("SELECT headers FROM runtime.outbox ORDER BY id").fetchall()
    ids = [dict(msgspec.msgpack.decode(bytes(row[0])))["ce_id"] for row in (first, second)]
    assert ids[0] == ids[1]
    types = {dict(msgspec.msgpack.decode(bytes(row[0])))["ce_type"].decode() for row in (first, second)}
    assert types == {EXPIRED}


def test_p9_what_is_erased_leaves_chain_and_counts(rig: Rig):
    """A sealed message and a token: unreadable and unlinkable after it, the book and its chain as before."""
    log = open_log("", rig.settings.database_url, 1)
    identity, sealed = seal(rig.keys, "2026-09", "compound/v1/s/gate/d/event", b"card 6217")
    held = Quarantined("not JSON", text(END - DAY), 9, "2026-09", sealed)
    token = Tokens(rig.keys, rig.job._months).token("access", "6217", END - DAY)
    log.append([to_record(HISTORY, Event(identity, "t", "t.v1", 1, token, msgspec.json.encode(held)))])
    before = audit(rig.settings.database_url)
    assert unseal(rig.keys, held)[1] == b"card 6217"
    for category in CATEGORIES:
        rig.rule(category, "2026-01-01T00:00:00+08:00", {"days": 7})
    rig.job.turn(rig.conn, END + 7 * DAY)
    with pytest.raises(KeyLost):
        unseal(rig.keys, held)
    late = Tokens(rig.keys, rig.job._months).token("access", "6217", END - DAY)
    assert late != token, "a message that comes so late can't be linked to what went before"
    after = audit(rig.settings.database_url)
    assert (after.rows, after.heads, after.findings) == (before.rows, before.heads, [])
    while Relay(log, rig.settings.database_url).turn(rig.conn):
        pass
    assert audit(rig.settings.database_url).rows == before.rows + len(CATEGORIES), "what was destroyed is history"
    log.close()


def test_a_folder_that_cannot_be_changed_is_told_and_tried_again(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    rig.rule("access", "2026-01-01T00:00:00+08:00", {"days": 1})

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as context:
        context.setattr(Keys, "destroy", refuse)
        with pytest.raises(PermissionError):
            rig.job.turn(rig.conn, END + 2 * DAY)
    assert months(rig, "access") == ["2026-09", "2026-10"]
    rig.job.turn(rig.conn, END + 2 * DAY)
    assert months(rig, "access") == ["2026-10"]


@pytest.mark.parametrize(("category", "data"), [("names", {"days": 30}), ("access", {"days": 0}), ("access", {})])
def test_a_wrong_rule_is_refused(category: str, data: dict[str, Any]):
    with pytest.raises(ValueError, match=r"category|days"):
        check(Change("retention", category, "2026-01-01T00:00:00Z", data))
