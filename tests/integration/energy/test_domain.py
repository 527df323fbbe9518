"""The energy domain on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest

from compound.events import Event
from compound.timeutil import DAY, HOUR, QUARTER, SECOND, text
from processors.energy.verdicts import Verdict
from tests.support.energy import at
from tests.support.energy_rig import EnergyRig, reading

TEN = at("10:00")


def test_readings_become_quarters_and_days(rig: EnergyRig) -> None:
    rig.meter("m1")
    rig.send([reading("m1", TEN + n * QUARTER, n, import_wh=1000 + 500 * n) for n in range(5)], batch=2)
    facts = rig.facts()
    assert [row[4:6] for row in facts["quarters"]] == [(500, QUARTER)] * 4
    assert [row[4:8] for row in facts["days"]] == [(2000, 4 * QUARTER, 0, 0)]
    assert len(facts["segments"]) == 4
    assert facts["marks"] == []


def test_points_of_an_unknown_meter_wait(rig: EnergyRig) -> None:
    events = [reading("m1", TEN + n * QUARTER, n, import_wh=1000 + 500 * n) for n in range(5)]
    rig.send(events)
    facts = rig.facts()
    assert ([row[5] for row in facts["marks"]], facts["segments"]) == ([4] * 5, [])
    rig.meter("m1")
    rig.settle()
    facts = rig.facts()
    assert (facts["marks"], len(facts["segments"])) == ([], 4)


def test_a_late_reading_replaces_the_segment_around_it(rig: EnergyRig) -> None:
    rig.meter("m1")
    events = [reading("m1", TEN + n * QUARTER, n, import_wh=1000 + 500 * n) for n in range(40)]
    rig.send([*events[:20], *events[21:]], batch=10)
    assert rig.rows("SELECT count(*), sum(last - first) FROM segment") == [(38, 19_500)]
    rig.send([events[20]])
    assert rig.rows("SELECT count(*), sum(last - first) FROM segment") == [(39, 19_500)]
    assert rig.rows("SELECT count(*), sum(estimated) FROM quarter") == [(39, 0)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 4, 0, 3, 1), (0, 1, 3, 2, 4, 1)])
def test_example_03_in_any_order(rig: EnergyRig, order: tuple[int, ...]) -> None:
    rig.meter("m1")
    values = (100_000, 5_000_000, 5_000_400, 101_500, 102_000)
    rig.send([reading("m1", TEN + n * QUARTER, n, import_wh=values[n]) for n in order], batch=1)
    facts = rig.facts()
    assert [row[5] for row in facts["marks"]] == [1, 1]
    assert [row[5] - row[4] for row in facts["segments"]] == [1_500, 500]
    assert [row[4] for row in facts["quarters"]] == [500] * 4


def test_interval_data(rig: EnergyRig) -> None:
    """Intervals count by their start, whatever the order; those that overlap don't; a month's replaces nothing."""
    rig.meter("m1")
    events = [reading("m1", TEN + (n + 1) * QUARTER, n, interval_s=900, interval_wh=100 * n) for n in range(8)]
    rig.send([*events[4:], *events[:4], *events[2:6]], batch=3)
    facts = rig.facts()
    assert [row[4] for row in facts["quarters"]] == [100 * n for n in range(8)]
    overlapping = reading("m1", TEN + 4 * QUARTER, 9, interval_s=1800, interval_wh=1)
    rig.send([overlapping])
    facts = rig.facts()
    assert [row[4] for row in facts["quarters"]] == [0, 100, 400, 500, 600, 700]
    assert [row[5] for row in facts["marks"]] == [2, 2, 2]


def test_a_moved_meter_leaves_history_at_its_place(rig: EnergyRig) -> None:
    rig.meter("m1", "here")
    events = [reading("m1", TEN + n * QUARTER, n, import_wh=1000 * n) for n in range(9)]
    rig.send(events)
    rig.meter("m1", "there", since="2026-10-12T11:00:00+08:00")
    rig.settle()
    found = rig.rows("SELECT point, sum(quantity) FROM quarter JOIN place ON id = place GROUP BY 1 ORDER BY 1")
    assert found == [("here", 4000), ("there", 4000)]
    assert rig.rows("SELECT point, quantity FROM day JOIN place ON id = place ORDER BY 1") == found


def test_another_zone_cuts_all_days_anew(rig: EnergyRig) -> None:
    rig.meter("m1", rated_w=10**6)
    rig.send([reading("m1", at("22:00") + n * QUARTER, n, import_wh=1000 * n) for n in range(17)])
    assert [row[4] for row in rig.facts()["days"]] == [8000, 8000]
    rig.site(timezone="Asia/Seoul")
    rig.settle()
    assert [row[4] for row in rig.facts()["days"]] == [4000, 12000]


def test_inverter_counter_wraps_and_zero_is_no_reading(rig: EnergyRig) -> None:
    rig.register("point", "pv", {"type": "inverter", "site": "demo", "plant": "p", "p0_w": 20_000})
    rig.register("device", "i1", {"kind": "inverter", "site": "demo", "point": "pv", "rated_w": 20_000})
    values = [2**32 - 1000, 0, 500, 1500]
    rig.send([reading("i1", TEN + n * QUARTER, n, "inverter", energy_wh=value) for n, value in enumerate(values)])
    assert [row[5] - row[4] for row in rig.facts()["segments"]] == [1500, 1000]


def _copies(rig: EnergyRig, events: list[Event]) -> None:
    for event in events:
        rig.send([event])
        rig.send([event, event])


@pytest.mark.parametrize("feed", [_copies, lambda rig, events: rig.send(reversed(events), 7)])
def test_repeats_and_order_change_nothing(
    make_rig: Callable[[], EnergyRig], feed: Callable[[EnergyRig, list[Event]], None]
) -> None:
    rigs = make_rig(), make_rig()
    events = [reading("m1", TEN + n * QUARTER, n, import_wh=1000 + 500 * n + (n == 9) * 10**6) for n in range(40)]
    for rig in rigs:
        rig.meter("m1")
    rigs[0].send(events)
    feed(rigs[1], events)
    assert rigs[0].facts() == rigs[1].facts()


def test_after_a_restart_the_fast_path_goes_on(rig: EnergyRig) -> None:
    rig.meter("m1")
    events = [reading("m1", TEN + n * QUARTER, n, import_wh=1000 + 500 * n) for n in range(40)]
    for part in (events[:20], events[20:]):
        rig.send(part, batch=7)
        rig.domain.forget()
    facts = rig.facts()
    assert all(one[3] == other[2] for one, other in pairwise(facts["segments"]))
    assert rig.rows("SELECT sum(quantity), sum(covered) FROM day") == [(19_500, 39 * QUARTER)]


def test_absurd_values_harm_nothing(rig: EnergyRig) -> None:
    """The largest integer, huge and tiny ratios, many digits: kept as points, never counted, and no error."""
    rig.meter("m1", ct="100000", pt="110", digits=15)
    moment, largest = "2026-10-12T10:20:00+08:00", 2**53
    record = {"register": "import_wh", "removed_at": moment, "installed_at": moment, "final": largest, "start": largest}
    rig.register("replacement", "r1", {"device": "m1", **record})
    rig.meter("m2", ct="0.000000001", pt="0.123456789", digits=15, rated_w=largest, step=largest)
    rig.meter("m3", ct="999999999999", pt="999999999999", digits=1, rated_w=1, interval_s=3_660 * 86_400)
    for device in ("m2", "m3"):
        rig.send([reading(device, TEN + n * QUARTER, n, import_wh=10**15 * n) for n in range(5)])
    for n, value in enumerate([2**63 - 1, 100, 2**63 - 1, 101, 102, 2**63 - 1]):
        rig.send([reading("m1", TEN + n * QUARTER, n, import_wh=value)])
    rig.send([reading("m1", TEN + 10 * QUARTER, 9, interval_s=900, interval_wh=2**63 - 1)])
    facts = rig.facts()
    assert len(facts["points"]) == 17
    assert all(row[5] - row[4] < 10**10 for row in facts["segments"] if row[0] == "m1")


def test_a_site_that_turns_out_to_lie_elsewhere_is_derived_again_from_the_beginning(
    make_rig: Callable[[], EnergyRig],
) -> None:
    """The newest version says where a site lies, for all its history; the sky over a night's PV energy is of that place."""
    moved, known = make_rig(), make_rig()
    night = [
        reading("pv", at("16:00"), 0, import_wh=0),
        reading("pv", at("16:00") + 16 * 4 * QUARTER, 1, import_wh=6_000),
    ]
    elsewhere = {"timezone": "Asia/Shanghai", "latitude": 20.0, "longitude": 125.0}
    known.register("site", "demo", elsewhere)
    for rig in (moved, known):
        rig.register("point", "roof", {"type": "meter", "site": "demo", "medium": "electricity", "role": "generation"})
        rig.meter("pv", "roof")
        rig.send(night)
    assert moved.facts()["quarters"] != known.facts()["quarters"]
    moved.register("site", "demo", elsewhere, since="2029-01-01T00:00:00Z")
    moved.settle()
    assert moved.facts()["quarters"] == known.facts()["quarters"]


def test_a_burst_is_of_readings_that_are_late_since_their_end(rig: EnergyRig) -> None:
    """An interval is told at its end: a day's that comes at once is not late, and holds up no quota."""
    rig.meter("m1")
    day = reading("m1", 86_400 * SECOND, interval_s=86_400, interval_wh=1_000)
    with rig.conn.transaction():
        rig.domain.apply(rig._tx(), [msgspec.structs.replace(rig.received(day, "meter"), recorded=day.time + SECOND)])
    assert rig.rows("SELECT count(*) FROM burst") == [(0,)]
    with rig.conn.transaction():
        rig.domain.apply(rig._tx(), [msgspec.structs.replace(rig.received(day, "meter"), recorded=day.time + 2 * HOUR)])
    assert rig.rows("SELECT recorded = to_timestamp(86400 + 7200) FROM burst") == [(True,)]


def test_a_rating_that_changes_after_the_last_interval_holds_for_the_next(rig: EnergyRig) -> None:
    """No point lies in what the change touches; what is kept in memory of the end must not outlive it."""
    rig.meter("m3")
    rig.send([reading("m3", TEN + QUARTER, 1, interval_s=900, interval_wh=100)])
    rig.meter("m3", since=text(TEN + DAY), rated_w=1_000)
    rig.settle()
    rig.send([reading("m3", TEN + DAY + 4 * QUARTER, 2, interval_s=900, interval_wh=2_000)])
    assert [(row[3], row[5]) for row in rig.facts()["marks"]] == [(2_000, Verdict.SUSPECT)]
