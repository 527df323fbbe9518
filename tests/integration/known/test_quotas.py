"""P7: quotas as known at K are the figures the evaluator kept then, and at T those of the quarter hours that had ended."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from compound.known import CONDITIONS, Asked, Recall
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.timeutil import DAY, HOUR, QUARTER, SECOND, moment
from processors.known import recall_from
from tests.properties.events import DAY0, PLACES, START, Given, change, message
from tests.properties.house import House
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.known import feed

pytestmark = pytest.mark.timeout(1800)
RECORDED = 1_800_000_000 * SECOND
WEIGHTS = ["0"] * 8 + ["0.25"] * 4
QUOTA = {
    "department": "d",
    "year": 2026,
    "medium": "electricity",
    "budget": 40_000,
    "weights": WEIGHTS,
    "calendar": "c",
}
ITEMS: list[Given] = [
    *PLACES,
    change("department", "d", DAY0, {"site": "s", "area_m2": 100, "headcount": 10}),
    change("department", "e", DAY0, {"site": "s", "area_m2": 100, "headcount": 10}),
    change("point", "p-d", DAY0, {"type": "meter", "site": "s", "medium": "electricity", "role": "main", "department": "d"}),
    change("point", "p-e", DAY0, {"type": "meter", "site": "s", "medium": "electricity", "role": "main", "department": "e"}),
    change("device", "m1", DAY0, {"kind": "meter", "site": "s", "rated_w": 10_000, "point": "p-d"}),
    change("device", "m2", DAY0, {"kind": "meter", "site": "s", "rated_w": 10_000, "point": "p-e"}),
    change("quota", "qd", DAY0, QUOTA),
    change("quota", "qe", DAY0, {**QUOTA, "department": "e"}),
]  # fmt: skip
EDITS: list[Given] = [
    change("quota", "qd", START + 30 * HOUR, {**QUOTA, "budget": 20_000}),
    change("quota", "qe", START + 20 * HOUR, None),
    change("quota", "qe", START + 40 * HOUR, {**QUOTA, "department": "e", "budget": 1_000}),
    change("device", "m1", START + 24 * HOUR, {"kind": "meter", "site": "s", "rated_w": 10_000, "point": "p-e"}),
    change("calendar", "c", DAY0, {"year": 2026, "working": {"2026-09-22": False}}),
]
FACTS = (
    "SELECT * FROM quotas.figure {} ORDER BY quota, period, start",
    "SELECT * FROM quotas.level {} ORDER BY quota, period, start, level",
)
LEVELS = "SELECT rule, subject, what, start, \"end\" FROM runtime.condition WHERE domain = 'quotas' ORDER BY 1, 2, 3, 4"

Facts = list[list[tuple[Any, ...]]]


def reading(meter: str, time: int, value: int) -> Given:
    return message("meter", "reading", meter, time, {"boot": 1, "seq": value, "import_wh": value})


def settled(house: House) -> None:
    """All totals are read again, as the evaluator does every hour."""
    house._members["quotas"][0].worker.domain.forget()
    for _ in range(4):  # it takes several looks where the machine is slow
        house.settle()


def now(conn: Connection) -> Facts:
    return [conn.execute(query.format("")).fetchall() for query in FACTS]


def as_known(recall: Recall, asked: Asked) -> Facts:
    with recall(asked) as world:
        return [[tuple(row.values()) for row in world.rows(query.format(""), [])] for query in FACTS]


@ON_POSTGRESQL
@settings(deadline=None, max_examples=2, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_p7_quotas_as_known_at_k_are_the_figures_of_then(databases: Databases, seed: int) -> None:
    """Readings of three days, late and shuffled, edits of quotas and a meter that moves among them."""
    chance, url = random.Random(seed), databases.create()
    life = [reading(meter, START + slot * 2 * HOUR + chance.choice((0, 420)) * SECOND, 1_000 + slot * 600)
            for meter in ("m1", "m2") for slot in range(36)]  # fmt: skip
    life += chance.sample(EDITS, 3)
    chance.shuffle(life)
    try:
        with House(url, ("registry", "energy", "quotas")) as house, connect(url, "test", autocommit=True) as conn:
            saved, recorded = {}, RECORDED
            for batch in (ITEMS, *(life[at : at + 20] for at in range(0, len(life), 20))):
                feed(house, batch, recorded)
                recorded += len(batch)
                house.now = recorded
                settled(house)
                saved[recorded - 1] = now(conn), conn.execute(LEVELS).fetchall()
            assert any(figures[1] for figures, _ in saved.values())
            recall = recall_from(Settings(database_url=url))
            for known_at, (figures, levels) in saved.items():
                assert as_known(recall, Asked(moment(known_at), "quotas")) == figures
                own = [[row for row in rows if row[0] == "qd"] for rows in figures]
                assert as_known(recall, Asked(moment(known_at), "quotas", "department", "d")) == own
                with recall(Asked(moment(known_at), CONDITIONS, "quotas")) as world:
                    assert [tuple(row.values()) for row in world.rows(LEVELS, [])] == levels
    finally:
        databases.drop(url)


@ON_POSTGRESQL
@settings(deadline=None, max_examples=2, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_p7_quotas_at_t_are_the_figures_of_then(databases: Databases, seed: int) -> None:
    """All in order, readings and edits when they were made: at each quarter hour at which both meters were read."""
    chance, url = random.Random(seed), databases.create()
    try:
        with House(url, ("registry", "energy", "quotas")) as house, connect(url, "test", autocommit=True) as conn:
            saved, time, value = {}, START, 1_000
            edits = sorted(EDITS[:3], key=lambda given: given[1].time)
            feed(house, ITEMS, START - DAY)
            while time < START + 2 * DAY:
                time += chance.randint(10, 50) * QUARTER
                value += chance.randint(0, 2_000)
                due = [edit for edit in edits if edit[1].time <= time]
                edits = edits[len(due) :]
                feed(house, [*due, reading("m1", time, value), reading("m2", time, value // 2)], time)
                house.now = time + SECOND
                settled(house)
                saved[time] = now(conn)
            recall = recall_from(Settings(database_url=url))
            for at, figures in saved.items():
                assert as_known(recall, Asked(moment(time + SECOND), "quotas", at=moment(at))) == figures
    finally:
        databases.drop(url)
