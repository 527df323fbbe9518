"""What is told of doors and people: once, in time, never of what was over; and what the SQL of presence says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compound.settings import Settings
from compound.timeutil import HOUR, MINUTE, SECOND, moment, parse
from processors.access import create
from tests.support.access import event, items, token
from tests.support.bench import Bench

TEN = parse("2026-11-02T10:00:00+08:00")


@pytest.fixture
def bench(database: str) -> Iterator[Bench]:
    made = Bench(database, create(Settings()))
    made.register(items())
    yield made
    made.close()


def test_a_held_door_is_told_once_and_clears(bench: Bench) -> None:
    bench.arrive(event("south", TEN, "grant", 1, "A"), event("south", TEN, "opened", 2), at=TEN + SECOND)
    for second in range(2, 60, 2):
        bench.tick(TEN + second * SECOND)
    assert bench.shorts() == [("raised", "held", "gate-south", True)]
    bench.arrive(event("south", TEN + 70 * SECOND, "closed", 3), at=TEN + 71 * SECOND)
    bench.tick(TEN + 72 * SECOND)
    bench.tick(TEN + 90 * SECOND)
    assert bench.shorts() == [("cleared", "held", "gate-south", True)]


def test_a_forced_door_is_told_though_it_was_shut_at_once(bench: Bench) -> None:
    bench.arrive(event("south", TEN, "opened", 1), event("south", TEN + SECOND, "closed", 2), at=TEN + SECOND)
    for second in range(2, 100, 2):
        bench.tick(TEN + second * SECOND)
    assert bench.shorts() == [("raised", "forced", "gate-south", True), ("cleared", "forced", "gate-south", True)]
    assert bench.rows("SELECT extract(epoch FROM \"end\" - start)::int FROM access.segment WHERE kind = 'forced'") == [
        (1,)
    ]


def test_a_late_grant_withdraws_forced(bench: Bench) -> None:
    bench.arrive(event("south", TEN, "opened", 1), event("south", TEN + 20 * SECOND, "closed", 3), at=TEN + 20 * SECOND)
    bench.tick(TEN + 35 * SECOND)
    assert bench.shorts() == [("raised", "forced", "gate-south", True)]
    bench.arrive(event("south", TEN + SECOND, "grant", 2, "A"), at=TEN + 36 * SECOND)
    bench.tick(TEN + 50 * SECOND)
    assert [each.what for each in bench.told()] == ["withdrawn"]


def test_a_grant_that_comes_within_three_seconds_prevents_forced(bench: Bench) -> None:
    bench.arrive(event("south", TEN, "opened", 1), at=TEN)
    bench.tick(TEN + SECOND)
    bench.arrive(event("south", TEN + 2 * SECOND, "grant", 2, "A"), at=TEN + 2 * SECOND)
    bench.arrive(event("south", TEN + 5 * SECOND, "closed", 3), at=TEN + 5 * SECOND)
    bench.tick(TEN + MINUTE)
    assert bench.shorts() == []


def test_a_ten_hour_buffer_raises_no_alert_about_what_had_ended(bench: Bench) -> None:
    """In messages of a few events, read to the end between them, as a gateway sends its buffer."""
    signs = []
    for n in range(40):
        start = TEN + n * 15 * MINUTE
        signs += [event("north", start, "opened", n * 4), event("north", start + SECOND, "passage", n * 4 + 1)]
        signs += [event("north", start + 2 * MINUTE, "closed", n * 4 + 2)]
    now = TEN + 10 * HOUR
    for start in range(0, len(signs), 5):
        now += SECOND
        bench.arrive(*signs[start : start + 5], at=now)
        bench.tick(now)
    for second in range(0, 200, 10):
        bench.tick(now + second * SECOND)
    told = bench.told()
    assert told
    assert not any(each.data["notify"] for each in told)
    assert sum(each.what == "raised" for each in told) == sum(each.what == "cleared" for each in told)


def test_anti_passback_is_told_and_a_late_exit_withdraws_it(bench: Bench) -> None:
    def entry(at: int, seq: int, door: str, direction: str) -> None:
        signs = (("grant", "A", direction), ("opened", "", ""), ("closed", "", ""))
        events = [event(door, at + n * SECOND, what, seq + n, card, way) for n, (what, card, way) in enumerate(signs)]
        bench.arrive(*events, at=max(at, TEN + HOUR))

    entry(TEN, 1, "south", "in")
    entry(TEN + HOUR, 4, "south", "in")
    for second in range(0, 30, 2):
        bench.tick(TEN + HOUR + second * SECOND)
    assert bench.shorts() == [("raised", "anti-passback", token("A"), True)]
    entry(TEN + 30 * MINUTE, 7, "office", "out")  # to the yard: still inside
    entry(TEN + 40 * MINUTE, 10, "south", "out")
    bench.tick(TEN + HOUR + 40 * SECOND)
    assert [(each.what, each.data["rule"]) for each in bench.told()] == [("withdrawn", "anti-passback")]


def test_a_person_is_told_of_when_all_partitions_are_read(bench: Bench) -> None:
    """The exit may stand in a partition that another worker has not read yet."""
    for hour in (0, 1):
        at = TEN + hour * HOUR
        signs = (("grant", "A", "in"), ("opened", "", ""), ("closed", "", ""))
        events = [
            event("south", at + n * SECOND, what, 3 * hour + n, card, way) for n, (what, card, way) in enumerate(signs)
        ]
        bench.arrive(*events, at=at)
    for whole in (False, True):
        with bench.conn.transaction():
            tx = bench.tx(TEN + HOUR + MINUTE)
            tx.whole = whole
            bench.domain.tick(tx)
        assert bench.shorts() == ([("raised", "anti-passback", token("A"), True)] if whole else [])


def test_presence_counts_inside_uncertain_and_unnamed(bench: Bench) -> None:
    morning, evening = parse("2026-11-02T08:00:00+08:00"), parse("2026-11-02T22:00:00+08:00")
    for person, at in (("A", morning), ("B", evening)):
        seq = at % 97
        signs = (("grant", person, "in"), ("opened", "", ""), ("closed", "", ""))
        bench.arrive(
            *(event("south", at + n, what, seq + n, card, way) for n, (what, card, way) in enumerate(signs)), at=at
        )
    night = parse("2026-11-03T03:10:00+08:00")
    signs = (("exit_request", "", ""), ("opened", "", ""), ("closed", "", ""))
    bench.arrive(
        *(event("office", night + n, what, 500 + n, card, way) for n, (what, card, way) in enumerate(signs)), at=night
    )

    def presence(at: str) -> dict[str, tuple[int, ...]]:
        rows = bench.rows(f"SELECT * FROM access.presence('{moment(parse(at)).isoformat()}')")
        return {row[0]: row[2:] for row in rows}

    assert presence("2026-11-02T23:00:00+08:00") == {"yard": (2, 0, 0, 0, 0), "rooms": (0, 0, 0, 0, 0)}
    assert presence("2026-11-03T03:30:00+08:00") == {"yard": (1, 1, 0, 1, 0), "rooms": (0, 0, 0, 0, 1)}
    assert presence("2026-11-20T12:00:00+08:00")["yard"] == (0, 0, 2, 0, 0)
    history = bench.rows(
        "SELECT inside, uncertain FROM access.presence_history('yard', '2026-11-02T00:00Z', '2026-11-02T20:00Z', 7200)"
    )
    assert history == [(0, 0)] + [(1, 0)] * 6 + [(1, 0)] + [(2, 0)] * 2
