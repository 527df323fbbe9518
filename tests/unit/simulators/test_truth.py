"""The truth's file: written twice it is the same, and it goes on where it was."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from simulators import clock
from simulators.clock import HOUR, MINUTE, SECOND
from simulators.demo import places
from simulators.demo.places import ZONES
from simulators.registry import write_registry
from simulators.simulation import NEVER, Day, Session
from simulators.truth.store import Truth, TruthError
from tests.unit.simulators.conftest import ORIGIN, simulation

TABLES = ("count", "passage", "opening", "stay", "parcel", "condition", "span", "unsettled", "message")


def _content(truth: Truth) -> dict[str, list[object]]:
    return {table: truth.conn.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def test_a_day_written_again_changes_nothing(tmp_path: Path, faulty: list[Day]) -> None:
    truth = Truth(tmp_path / "truth.db")
    for day in faulty[3:9]:
        truth.write(day)
    before = _content(truth)
    assert all(before[table] for table in TABLES)
    for day in faulty[3:9]:
        truth.write(day)
    after = _content(truth)
    copies = [row[:-1] for row in after.pop("message")]  # type: ignore[index]
    assert copies == [row[:-1] for row in before.pop("message")]  # type: ignore[index]
    assert after == before
    truth.close()


def test_a_day_made_anew_from_any_moment_on_as_it_was_changes_nothing(tmp_path: Path, faulty: list[Day]) -> None:
    """What began before midnight and ends after it stays as the day before told it."""
    truth = Truth(tmp_path / "truth.db")

    def content() -> dict[str, list[object]]:
        found = _content(truth)
        return {**found, "message": [row[:-1] for row in found["message"]]}  # type: ignore[index]

    for before, day in pairwise(faulty[3:9]):
        truth.write(before)
        truth.write(day)
        there = content()
        for moment in (40 * SECOND, 9 * HOUR, 23 * HOUR + 59 * MINUTE):
            truth.write(day, day.start + moment, day)
            assert content() == there
    truth.close()


def test_of_a_day_made_anew_nothing_stays_of_what_it_was_to_be(tmp_path: Path) -> None:
    """Going live at noon: messages that are lost after it have other numbers, and gaps begin at other readings; doors are
    held open that were not to be.
    """
    faults = [
        {"kind": "lost", "device": "m-b3", "day": 0, "at": "12:10", "lasts": "10m"},
        {"kind": "lost", "device": "m-b4", "day": 0, "at": "12:32", "lasts": "20m"},
        {"kind": "held", "device": "g-b3", "live": "40s", "lasts": "75s"},
    ]
    (tmp_path / "noon.yaml").write_text(yaml.safe_dump({"faults": faults}))
    noon = clock.at(ORIGIN, "12:00", places.ZONE)
    planned, live = (
        simulation(str(tmp_path / "noon.yaml"), sessions=[session])
        for session in (Session(0), Session(0, live_from=noon, faults_from=noon))
    )
    old, new = planned.step(planned.first()), live.step(live.first())
    found, ideal = Truth(tmp_path / "found.db"), Truth(tmp_path / "ideal.db")
    found.write(old)
    found.write(new, noon, old)
    ideal.write(new)
    assert _content(found) == _content(ideal)
    assert [m.seq for m in old.lost] != [m.seq for m in new.lost]
    found.close()
    ideal.close()


def test_the_registry_and_the_truth_have_the_same_first_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Midnight falls between the two: the replacements on record are those of the truth."""
    midnight = clock.at(date(2026, 11, 27), "00:00", places.ZONE)
    monkeypatch.setattr(clock, "now", lambda: midnight - SECOND)
    file = write_registry(tmp_path / "registry.yaml", tmp_path / "truth.db", "five-days", 1, 5)
    truth = Truth(tmp_path / "truth.db")
    assert truth.begin("five-days", 1, date(2026, 11, 22)) == date(2026, 11, 21)
    truth.close()
    written = file.read_text()
    monkeypatch.setattr(clock, "now", lambda: midnight + HOUR)
    assert write_registry(file, tmp_path / "truth.db", "five-days", 1, 5).read_text() == written


def test_what_no_good_sign_has_ended_yet_is_unknown_without_an_end(tmp_path: Path, faulty: list[Day]) -> None:
    """m-b3's messages are lost from 22:50 of the sixth day to 01:50 of the next."""
    truth = Truth(tmp_path / "truth.db")
    found = []
    for day in faulty[6:8]:
        truth.write(day)
        query = "SELECT start, \"end\" FROM span WHERE subject = 'm-b3' AND start > ?"
        found += truth.conn.execute(query, (faulty[6].start,)).fetchall()
    truth.close()
    (start, never), (same, end) = found
    assert (start, never) == (same, NEVER)
    assert start < faulty[7].start < end < faulty[7].start + 3 * HOUR


def test_presence_is_who_came_and_has_not_left(tmp_path: Path, calm: list[Day]) -> None:
    truth = Truth(tmp_path / "truth.db")
    for day in calm:
        truth.write(day)
    rows = truth.conn.execute("SELECT zone, min(people), max(people) FROM presence GROUP BY zone").fetchall()
    truth.close()
    assert {row[0] for row in rows} == set(ZONES)
    assert all(least >= 0 for _, least, _ in rows)
    assert max(most for _, _, most in rows) > 60


def test_a_state_is_kept_for_its_day(tmp_path: Path) -> None:
    truth = Truth(tmp_path / "truth.db")
    plan = simulation()
    state = plan.first()
    assert truth.state(ORIGIN) is None
    plan.step(state)
    truth.keep(state)
    assert truth.state(ORIGIN) is None
    found = truth.state(ORIGIN.replace(day=31))
    truth.close()
    assert found == state


def test_sessions_and_messages_survive(tmp_path: Path, calm: list[Day]) -> None:
    path = tmp_path / "truth.db"
    truth = Truth(path)
    session = Session(started=5, live_from=None, cursor=calm[0].start, statuses=3)
    truth.sent(calm[0].messages[:10], 1, session)
    truth.sent(calm[0].messages[:2], 1, session)
    truth.silence("m-main", "offline", "", 10, None)
    truth.silence("m-main", "offline", "", 10, 20)
    truth.close()
    again = Truth(path)
    assert again.sessions() == [session]
    assert again.conn.execute("SELECT sum(copies), count(*) FROM message").fetchone() == (12, 10)
    assert again.conn.execute("SELECT * FROM silence").fetchall() == [("m-main", "offline", "", 10, 20)]
    again.close()


def test_a_new_run_ends_the_silences_of_devices_that_the_last_one_left_open(tmp_path: Path) -> None:
    truth = Truth(tmp_path / "truth.db")
    for row in (
        ("m-main", "offline", "", 10, 20),
        ("m-light", "offline", "", 30, None),
        ("g-n1", "channel-silent", "reading", 30, None),
    ):
        truth.silence(*row)
    truth.back(40)
    assert dict(truth.conn.execute('SELECT device, "end" FROM silence')) == {"m-main": 20, "m-light": 40, "g-n1": None}
    truth.close()


def test_another_simulation_is_refused(tmp_path: Path) -> None:
    truth = Truth(tmp_path / "truth.db")
    assert truth.begin("demo", 1, ORIGIN) == ORIGIN
    assert truth.begin("demo", 1, ORIGIN.replace(day=30)) == ORIGIN
    with pytest.raises(TruthError, match="holds the simulation of scenario demo, not lost"):
        truth.begin("lost", 1, ORIGIN)
    with pytest.raises(TruthError, match="seed 1, not 2"):
        truth.begin("demo", 2, ORIGIN)
    truth.close()
