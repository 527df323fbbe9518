"""What a broker lost is asked of nobody; all else still is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.verify import access, conditions, parcels
from ops.verify.compare import differences
from ops.verify.difference import Check, text
from ops.verify.doubt import Stretch, spread, touched
from ops.verify.truth import TruthReader
from simulators.demo.meters import METERS
from simulators.simulation import NEVER
from simulators.truth.lost import restate
from tests.unit.verify.platform import Platform, calm, case

CHECKS = (*access.CHECKS, *parcels.CHECKS, *conditions.CHECKS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The truth of two calm days, all sent."""
    calm(tmp_path / "truth.db")
    return tmp_path / "truth.db"


def _lose(path: Path, query: str, *values: Any) -> Iterator[TruthReader]:
    """The truth without the messages (device, boot, seq) that the query answers."""
    reader = TruthReader(path)
    lost = reader.rows(f"SELECT id, boot, seq FROM message JOIN device ON number = device WHERE {query}", *values)
    reader.close()
    assert lost
    restate(path, lost)
    reader = TruthReader(path)
    yield reader
    reader.close()


def _differ(truth: TruthReader, path: str, start: int, checks: tuple[Check, ...] = CHECKS) -> set[str]:
    """The checks that see it when the platform has nothing of what begins at `start` in what it answers under `path`."""

    def tamper(asked: str, items: list[dict[str, Any]]) -> None:
        if path in asked:
            items[:] = [item for item in items if item.get("start", item.get("time")) != text(start)]

    found = differences(case(truth, Platform(tamper), truth.cutoff), lambda *_: None, checks)
    return {difference.check for difference in found}


def test_a_parcel_whose_deposit_was_lost_need_not_be_there_but_every_other_must(path: Path) -> None:
    reader = TruthReader(path)
    (bank, cell, lost), (other, _, kept) = reader.rows(
        'SELECT bank, cell, deposited FROM parcel WHERE "end" IS NOT NULL ORDER BY cell DESC, deposited LIMIT 2'
    )
    reader.close()
    for truth in _lose(path, "id = ? AND time = ?", bank, lost):
        assert truth.spans["parcels", f"{bank} {cell}"][0].start == lost
        assert _differ(truth, f"p-{bank}/parcels", lost) == set()
        assert _differ(truth, f"p-{other}/parcels", kept) == {"parcel"}


def test_an_opening_that_was_lost_need_not_be_there_but_every_other_must(path: Path) -> None:
    reader = TruthReader(path)
    door, lost, _ = reader.rows('SELECT door, start, "end" FROM opening ORDER BY start LIMIT 1 OFFSET 40')[0]
    kept = reader.rows("SELECT start FROM opening WHERE door = ? ORDER BY start DESC LIMIT 1", door)[0][0]
    reader.close()
    for truth in _lose(path, "id = ? AND time = ?", door, lost):
        assert _differ(truth, f"{door}/openings", lost) == set()
        assert _differ(truth, f"{door}/openings", kept) == {"opening"}


def test_a_lost_reading_of_a_meter_without_any_fault_is_a_gap(path: Path) -> None:
    meter = next(meter.device for meter in METERS if meter.register != "interval_wh" and meter.wire == "native")
    for truth in _lose(path, "id = ? AND seq = 40", meter):
        (span,) = truth.spans["energy", meter]
        assert (span.kind, span.why, span.end - span.start) == ("gap", "lost", 1_800_000_000)


def test_what_is_lost_to_the_end_stays_unknown(path: Path) -> None:
    for truth in _lose(path, "id = 'sp-p1-007' AND seq >= 30"):
        span = truth.spans["parking", "sp-p1-007"][-1]
        assert span.end == NEVER
        assert span.start < span.shown_from < truth.cutoff


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=12),
    st.lists(st.integers(0, 55), min_size=1, max_size=3),
)
def test_doubt_goes_on_until_nothing_touches_it(pairs: list[tuple[int, int]], instants: list[int]) -> None:
    intervals: list[tuple[int, int | None]] = [(start, start + length) for start, length in pairs]
    found = spread([Stretch(at, at) for at in instants], intervals)
    reached = [interval for interval in intervals if touched(found, *interval)]
    assert set(found) == {Stretch(at, at) for at in instants} | {Stretch(a, b or 0) for a, b in reached}
