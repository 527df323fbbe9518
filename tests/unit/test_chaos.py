"""The schedule of blows, and what counts as lost."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from tests.chaos.proof import Key, lost
from tests.chaos.schedule import blows

TARGETS = ("ingest-1", "api", "postgresql", "mosquitto")


def test_a_seed_repeats_a_run() -> None:
    assert blows(5, 40, TARGETS, 6.0) == blows(5, 40, TARGETS, 6.0)
    assert blows(5, 40, TARGETS, 6.0) != blows(6, 40, TARGETS, 6.0)


def test_everyone_is_hit_and_pauses_outlast_the_session() -> None:
    given = blows(1, 40, TARGETS, 6.0)
    assert Counter(blow.target for blow in given) == dict.fromkeys(TARGETS, 10)
    assert {blow.action for blow in given} == {"kill", "pause"}
    assert all(blow.lasts_s > 6.0 for blow in given if blow.action == "pause")


def test_lost_is_what_was_acknowledged_and_is_not_in_the_book(tmp_path: Path) -> None:
    path = tmp_path / "truth.db"
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE device (number, id)")
        conn.execute("CREATE TABLE message (device, boot, seq, sent, shown)")
        conn.execute("INSERT INTO device VALUES (1, 'm')")
        rows = [(1, 1, 0, 10, 10), (1, 1, 1, 20, 20), (1, 1, 2, None, 30), (1, 1, 3, 40, 40 + 86_400_000_000)]
        conn.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", rows)
    conn.close()
    assert lost(path, Counter({Key("m", 1, 0): 2})) == {Key("m", 1, 1): 20}
