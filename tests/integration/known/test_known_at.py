"""P7: a state as known at K is what the tables were then, with lag zero; whatever came and was registered since."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from compound.known import CONDITIONS, Asked, World
from compound.settings import Settings
from compound.timeutil import HOUR, SECOND, moment
from processors.known import recall_from
from tests.properties.events import ALTERATIONS, BY_DOMAIN, DAY0, DEVICES, PLACES, START, Given, change, message
from tests.properties.house import ENERGY, FACTS, House
from tests.services.databases import Databases
from tests.support.known import feed

pytestmark = pytest.mark.timeout(1800)
RECORDED = 1_800_000_000_000_000
SEGMENTS = 'SELECT subject, what, kind, start, key, "end", data::text AS data, tell_at FROM {} ORDER BY 1, 2, 3, 4, 5'
ITEMS = (
    "SELECT kind, id, valid_from, valid_to::text AS valid_to, data::text AS data FROM registry.current ORDER BY 1, 2, 3"
)

CONDITIONS_OF = (
    "SELECT rule, subject, what, key, start, \"end\", data::text AS data FROM runtime.condition WHERE domain = '{}'"
    " ORDER BY 1, 2, 3, 4, 5"
)

Facts = dict[str, list[tuple[Any, ...]]]


def queries(domain: str) -> dict[str, str]:
    """What is compared: facts, and what the registry says."""
    tables = {f"{domain}.{table}": SEGMENTS.format(f"{domain}.{table}") for table in FACTS.get(domain, ())}
    energy = {f"energy.{table}": query for table, query in ENERGY.items()} if domain in ("energy", "solar") else {}
    return {**tables, **energy, "registry": ITEMS, "conditions": CONDITIONS_OF.format(domain)}


def now(url: str, domain: str) -> Facts:
    """As the live tables are."""
    with psycopg.connect(url, options="-c TimeZone=UTC") as conn:
        return {name: conn.execute(query).fetchall() for name, query in queries(domain).items()}


def as_known(world: World, domain: str, names: Iterable[str]) -> Facts:
    """As they are in a world."""
    asked = queries(domain)
    return {name: [tuple(row.values()) for row in world.rows(asked[name], [])] for name in names}


@pytest.mark.parametrize("domain", sorted(BY_DOMAIN))
@settings(deadline=None, max_examples=8, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_p7_as_known_at_k_is_what_the_tables_were_then(databases: Databases, domain: str, data: st.DataObject) -> None:
    """Events late and repeated, the registry's changes among them; tables saved after each batch."""
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    drawn = data.draw(st.lists(BY_DOMAIN[domain], min_size=5, max_size=150))
    altered = data.draw(st.lists(st.sampled_from(ALTERATIONS), max_size=4, unique_by=lambda given: given[1].id))
    size = data.draw(st.integers(1, 60))
    life: list[Given] = [*drawn, *altered]
    chance.shuffle(life)
    _proven(databases, domain, life, size)


@settings(deadline=None, max_examples=4, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_p7_energy_of_days_is_cut_where_nothing_depends_on_it(databases: Databases, seed: int) -> None:
    """Registers of a week, mostly in order: what came late is derived again from its day on, what lies before stands."""
    chance = random.Random(seed)
    life: list[Given] = []
    for meter in ("m1", "m2"):
        for slot in range(80):
            value = 1_000 + slot * 600 + chance.choice((0, 0, 0, 0, 40_000, -900))
            given = {"boot": 1, "seq": slot, "import_wh": value}
            life.append(
                message("meter", "reading", meter, START + slot * 2 * HOUR + chance.choice((0, 420)) * SECOND, given)
            )
    moved = change("site", "s", DAY0, {"timezone": "Asia/Tokyo", "latitude": 36.65, "longitude": 117.0})
    life += chance.sample([*ALTERATIONS, moved], 2)
    life.sort(key=lambda given: given[1].time + (chance.random() < 0.1) * chance.randint(0, 120) * HOUR)
    _proven(databases, "energy", life, 40, only="m1")


def _proven(databases: Databases, domain: str, life: list[Given], size: int, only: str | None = None) -> None:
    """Tables saved after each batch of `size` are those of the world as known then; so are those of one device alone."""
    url = databases.create()
    try:
        saved: dict[int, Facts] = {}
        with House(url, ("registry", domain, *(("energy",) if domain == "solar" else ()))) as house:
            recorded = RECORDED
            for batch in ([*PLACES, *DEVICES], *(life[at : at + size] for at in range(0, len(life), size))):
                stored = feed(house, batch, recorded)
                recorded += len(stored)
                house.now = recorded
                house.settle()
                saved[recorded - 1] = now(url, domain)
        recall = recall_from(Settings(database_url=url))
        for number, (known_at, facts) in enumerate(saved.items()):
            wide = Asked(moment(known_at), CONDITIONS, domain)  # of the same tables
            with recall(wide if number % 2 else Asked(moment(known_at), domain)) as world:
                expected = facts if number % 2 else {name: rows for name, rows in facts.items() if name != "conditions"}
                assert as_known(world, domain, expected) == expected
            if only is not None:
                with recall(Asked(moment(known_at), domain, "meter", only)) as world:
                    names = [name for name in facts if name not in ("registry", "conditions")]
                    own = {name: [row for row in facts[name] if row[0] == only] for name in names}
                    assert as_known(world, domain, names) == own
    finally:
        databases.drop(url)
