"""Several groups at once answer as one by one, for every period, while the meter tree and the meters change."""

from __future__ import annotations

from typing import Any

import pytest

from compound.timeutil import QUARTER, text
from tests.support.energy import at
from tests.support.energy_rig import EnergyRig, reading

TEN = at("10:00")
SINCE, UNTIL, NOW = "2026-10-11T00:00:00+08:00", "2026-10-14T00:00:00+08:00", "2026-10-13T09:07:00+08:00"
ASKED = 'start, "end", quantity, quality, coverage, estimated_share, incomplete_meters, stale'


@pytest.fixture
def compound(rig: EnergyRig) -> EnergyRig:
    """Two buildings and two departments whose meters tell something each, one with an export, one moved, one silent."""
    point: dict[str, Any] = {"type": "meter", "site": "demo", "medium": "electricity"}
    since = "2026-01-01T00:00:00+08:00"
    for name, more in (
        ("main", {"role": "main"}),
        ("pv", {"role": "generation", "parent": "main"}),
        ("s1", {"parent": "main", "building": "b1", "department": "d1"}),
        ("s2", {"parent": "main", "building": "b2", "department": "d2"}),
        ("f1", {"parent": "s1", "department": "d2"}),
        ("quiet", {"parent": "main", "building": "b2", "department": "d1"}),
    ):
        rig.register("point", name, {**point, **more}, since)
        rig.meter(name, rated_w=10_000 + len(name))
    for number, device in enumerate(("main", "pv", "s1", "s2", "f1")):
        sent = [
            reading(device, TEN + k * QUARTER, k, import_wh=100 * k * (number + 1))
            for k in range(200)
            if k % 17 != number
        ]
        rig.send(sent)
    rig.send([reading("main", TEN + k * QUARTER, 1000 + k, export_wh=7 * k) for k in range(50)])
    rig.register("point", "f1", {**point, "parent": "s1", "department": "d1"}, "2026-10-13T00:00:00+08:00")
    rig.settle()
    return rig


@pytest.mark.parametrize("by", ["quarter", "day", "month", "year"])
@pytest.mark.parametrize(
    ("kind", "ids"),
    [("department", ["d1", "d2", "none"]), ("building", ["b2", "b1"]), ("site", ["demo"]), ("meter", ["main", "s1", "quiet"]),
     ("point", ["main", "f1"]), ("children", ["main", "s1"])],
)  # fmt: skip
def test_several_are_as_each_alone(compound: EnergyRig, by: str, kind: str, ids: list[str]) -> None:
    compound.meter("s2", rated_w=20_000)  # stale from here on
    year = ("2025-01-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00") if by in ("month", "year") else (SINCE, UNTIL)
    together = compound.rows(
        f"SELECT of_id, {ASKED} FROM energy.uses(%s, %s, %s, %s, %s, 'electricity', NULL, %s)",
        (kind, ids, *year, by, NOW),
    )
    alone = [
        (one, *row)
        for one in ids
        for row in compound.rows(
            f"SELECT {ASKED} FROM energy.use(%s, %s, %s, %s, %s, 'electricity', NULL, %s)", (kind, one, *year, by, NOW)
        )
    ]
    assert sorted(together, key=str) == sorted(alone, key=str)
    assert together


def test_terms_follow_the_registry(compound: EnergyRig) -> None:
    """Kept rows are those of a fresh computation, whatever was changed in one transaction or several."""

    def terms() -> list[Any]:
        return compound.rows("SELECT t::text FROM registry.term t ORDER BY 1")

    def placed() -> list[Any]:
        return compound.rows("SELECT p::text FROM registry.placed p ORDER BY 1")

    before = terms(), placed()
    compound.register("point", "quiet", {"type": "meter", "site": "demo", "medium": "electricity"}, text(TEN))
    compound.meter("quiet", since="2026-10-12T12:00:00+08:00", rated_w=77)
    after = terms(), placed()
    assert after[0] != before[0]
    assert after[1] != before[1]
    compound.rows("SELECT registry.make_terms(), registry.make_placed()")
    assert (terms(), placed()) == after
