"""verify finds nothing where nothing is wrong, and any figure that was tampered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ops.verify import energy
from ops.verify.access import SETTLED
from ops.verify.compare import CHECKS, differences
from ops.verify.difference import Check, text
from ops.verify.truth import NoTruth, TruthReader
from simulators.clock import HOUR, MINUTE, SECOND
from simulators.demo.places import DOORS
from simulators.simulation import Session
from simulators.truth.store import Truth, TruthError
from tests.unit.verify.platform import ORIGIN, Platform, Tamper, calm, case


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TruthReader]:
    """Two calm days, all sent."""
    path = tmp_path_factory.mktemp("truth") / "truth.db"
    calm(path, ahead=True)
    reader = TruthReader(path)
    yield reader
    reader.close()


def test_a_platform_that_is_right_shows_no_difference(truth: TruthReader) -> None:
    told: list[str] = []
    found = differences(case(truth, Platform(), truth.cutoff), lambda name, *_: told.append(name))
    assert list(found) == []
    assert told[-1] == "compared"


def test_whenever_it_is_asked_a_platform_that_is_right_shows_no_difference(truth: TruthReader) -> None:
    """Somebody is always half-way through a door: every second of an opening of each, and all else at moments of the day."""
    passages = tuple(check for check in CHECKS if check.name == "passages")
    for door in DOORS:
        [(start, end)] = truth.rows(
            'SELECT start, "end" FROM opening WHERE door = ? AND start < ? ORDER BY start DESC LIMIT 1',
            door,
            truth.cutoff - HOUR,
        )
        for moment in range(start - SECOND, end + 2 * SECOND, SECOND):
            asked = case(truth, Platform(), moment + SETTLED)
            assert list(differences(asked, lambda *_: None, passages)) == []
    for cutoff in (truth.cutoff - hour * HOUR - 1_234_567 for hour in (7, 15)):
        assert list(differences(case(truth, Platform(), cutoff), lambda *_: None)) == []


def _verify(truth: TruthReader, tamper: Tamper, checks: tuple[Check, ...]) -> set[str]:
    found = differences(case(truth, Platform(tamper), truth.cutoff), lambda *_: None, checks)
    return {difference.check for difference in found}


@pytest.fixture(autouse=True)
def no_evaluator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers here don't change: nothing is worth waiting for."""
    monkeypatch.setattr("ops.verify.figures.EVALUATED_S", 0.0)


def _tamper(wanted: str, change: Callable[[list[dict[str, Any]]], None]) -> Tamper:
    """Change the first answer of this path that has items."""
    done = False

    def tamper(path: str, items: list[dict[str, Any]]) -> None:
        nonlocal done
        if not done and wanted in path and items:
            done = True
            change(items)

    return tamper


def _more(name: str, by: int = 1) -> Callable[[list[dict[str, Any]]], None]:
    def change(items: list[dict[str, Any]]) -> None:
        items[len(items) // 2][name] += by

    return change


def _set(name: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(items: list[dict[str, Any]]) -> None:
        items[len(items) // 2][name] = value

    return change


def _drop(items: list[dict[str, Any]]) -> None:
    del items[len(items) // 2]


PARTS = {
    "meter": ("meters",),
    "building": ("buildings, departments, site",),
    "department": ("buildings, departments, site",),
    "site": ("buildings, departments, site",),
    "balance": ("balances",),
    "parking": ("stays", "occupancy", "turnover"),
    "doors": ("openings",),
    "access": ("passages", "headcounts"),
    "parcels": ("parcels", "dwell"),
    "conditions": ("conditions", "silences"),
    "solar": ("solar yield",),
    "quotas": ("quotas",),
    "quarantine": ("quarantine",),
    "devices": ("missing numbers",),
}
"""First word of a path -> the checks that ask it."""


@pytest.mark.parametrize(
    ("path", "change", "check"),
    [
        ("meter/m-b1-f3", _more("wh"), "import_wh by quarter"),
        ("meter/m-b1-f3", _set("quality", "estimated"), "import_wh by quarter"),
        ("meter/m-b1-f3", _set("coverage", 0.99), "import_wh by quarter"),
        ("meter/m-b1-f3", _set("wh", None), "import_wh by quarter"),
        ("meter/m-w-b2", _drop, "volume_l by quarter"),
        ("meter/inv-3", _more("wh", -1), "energy_wh by quarter"),
        ("building/b2", _more("wh"), "electricity by quarter"),
        ("department/d-it", _more("wh"), "electricity by quarter"),
        ("site/demo", _more("wh"), "electricity by quarter"),
        ("balance/p-main", _more("residual"), "residual by quarter"),
        ("balance/p-b1", _more("consumption"), "consumption by quarter"),
        ("parking/P1/stays", _drop, "stay"),
        ("parking/P2/stays", _set("uncertain", True), "stay"),
        ("parking/P1/history", _more("occupied"), "occupied"),
        ("parking/P1/history", _more("unknown"), "unknown spots"),
        ("parking/P2/turnover", _more("stays"), "stays of a day"),
        ("doors/g-b1a/openings", _drop, "opening"),
        ("access/passages", _set("direction", "sideways"), "passage"),
        ("access/passages", _drop, "passages"),
        ("access/zones", _more("inside"), "headcount"),
        ("parcels/p-lk-2/parcels", _set("outcome", "returned"), "parcel"),
        ("parcels/p-lk-1/parcels", _drop, "parcel"),
        ("parcels/p-lk-1/parcels", _set("uncertain", True), "parcel"),
        ("parcels/dwell", _more("dwell_p50_s"), "dwell_p50_s"),
        ("parcels/dwell", _more("parcels"), "parcels gone"),
        ("solar/pv-roof", _more("wh"), "yield by day"),
        ("quotas/d-fin", lambda items: items[0]["months"][0].update(actual=1), "quota used by month"),
        ("quotas/d-log", lambda items: items[0]["total"].update(actual=1), "quota used by year"),
        ("conditions", _drop, "overstay"),
    ],
)
def test_one_figure_that_is_wrong_is_found(
    truth: TruthReader, path: str, change: Callable[[list[dict[str, Any]]], None], check: str
) -> None:
    only = tuple(each for each in CHECKS if each.name in PARTS[path.split("/")[0]])
    assert check in _verify(truth, _tamper(path, change), only)


def _month(path: Path, wh: int | None, cutoff: int) -> set[str]:
    """What the check of months finds at `cutoff` where every counter's second month has `wh` so far."""
    reader = TruthReader(path)
    start = energy.midnight(date(2026, 11, 1))

    def tamper(asked: str, items: list[dict[str, Any]]) -> None:
        mark = {"quality": None, "coverage": 0.0, "estimated_share": None}
        items[:] = [{"start": text(start), "wh": wh, **mark}]

    found = differences(
        case(reader, Platform(tamper), start + cutoff),
        lambda *_: None,
        tuple(check for check in CHECKS if check.name == "months"),
    )
    subjects = {difference.subject for difference in found}
    reader.close()
    return subjects


def test_of_a_month_that_has_just_begun_nothing_is_known_yet(tmp_path: Path) -> None:
    """And where no reading tells what a counter was when it began, nobody can say how much of it is this month's."""
    path = tmp_path / "truth.db"
    calm(path, origin=date(2026, 10, 31))
    assert _month(path, None, 10 * MINUTE) == set()
    assert "m-b3" in _month(path, None, 20 * MINUTE)
    assert "m-b3" in _month(path, 0, 3 * HOUR)
    start = energy.midnight(date(2026, 11, 1))
    written = Truth(path)
    gap = ("energy", "m-b3", start - HOUR, start + HOUR, "lost", "gap", start - HOUR)
    written.conn.execute("INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?)", gap)
    written.close()
    assert "m-b3" not in _month(path, 0, 3 * HOUR)
    assert "m-b4" in _month(path, 0, 3 * HOUR)


def test_what_became_of_a_parcel_that_lay_there_at_the_end_is_not_settled(truth: TruthReader) -> None:
    """Its collection may be one of the messages that are held back."""
    there: list[str] = []

    def tamper(path: str, items: list[dict[str, Any]]) -> None:
        for item in items if path.endswith("/parcels") else ():
            if item["end"] is None or item["end"] > text(truth.cutoff):
                item["uncertain"] = True
                there.append(item["cell"])

    assert _verify(truth, tamper, tuple(check for check in CHECKS if check.name == "parcels")) == set()
    assert there


@pytest.mark.parametrize(
    ("path", "row", "check"),
    [
        ("conditions", {"rule": "forced", "subject": "g-dc", "what": "door", "end": None}, "forced"),
        ("quarantine", {"device": "m-b1", "topic": None, "reason": "not JSON", "count": 1}, "quarantine"),
        ("devices/m-b1/gaps", {"boot": 1, "first": 3, "last": 4}, "missing numbers"),
        ("conditions", {"rule": "silent", "subject": "m-b1", "what": "", "end": None}, "silent"),
    ],
)
def test_what_never_happened_is_found(truth: TruthReader, path: str, row: dict[str, Any], check: str) -> None:
    time = "2026-10-28T03:00:00Z"
    added = {"start": time, "recorded": time, **row}

    platform = Platform()
    answer = platform.pages

    def pages(asked: str, **params: Any) -> Iterator[Any]:
        yield from answer(asked, **params)
        if path in asked and params.get("rule") == row.get("rule"):
            yield added

    platform.pages = pages  # type: ignore[method-assign, assignment]
    only = tuple(each for each in CHECKS if each.name in PARTS[path.split("/")[0]])
    found = differences(case(truth, platform, truth.cutoff), lambda *_: None, only)
    assert check in {difference.check for difference in found}


def test_without_a_truth_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(NoTruth, match="nothing was simulated"):
        TruthReader(tmp_path / "truth.db")
    written = Truth(tmp_path / "truth.db")
    with pytest.raises(NoTruth, match="holds no simulation"):
        TruthReader(tmp_path / "truth.db")
    written.begin("demo", 7, ORIGIN)
    reader = TruthReader(tmp_path / "truth.db")
    with pytest.raises(NoTruth, match="not got through their first day"):
        _ = reader.cutoff
    reader.close()
    written.conn.execute("PRAGMA user_version = 1")
    written.close()
    with pytest.raises(NoTruth, match="another version"):
        TruthReader(tmp_path / "truth.db")
    with pytest.raises(TruthError, match="another version of the simulators; choose another folder"):
        Truth(tmp_path / "truth.db")


def test_before_anything_was_sent_there_is_nothing_to_compare(truth: TruthReader, tmp_path: Path) -> None:
    calm(tmp_path / "truth.db")
    written = Truth(tmp_path / "truth.db")
    written.save(1, Session(0, cursor=truth.start))
    written.close()
    reader = TruthReader(tmp_path / "truth.db")
    with pytest.raises(NoTruth, match="too little to compare"):
        _ = reader.cutoff
    reader.close()
