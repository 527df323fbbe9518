"""P2 and P3: any shuffle, repetition, batching, crash point and number of workers of the same events gives the same facts."""

from __future__ import annotations

import random

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.properties.events import ALTERATIONS, BY_DOMAIN, DEVICES, PLACES, Given
from tests.properties.house import House, facts, play
from tests.services.databases import Databases

EXAMPLES = {"postgresql": 15, "timescaledb": 5}
"""The code is the same; on the second database it is the tables that are looked at."""


def _facts_of(databases: Databases, domain: str, events: list[Given], chance: random.Random, workers: int) -> object:
    """Facts after playing the events on a fresh database."""
    url = databases.create()
    with psycopg.connect(url, autocommit=True) as conn:  # no test here speaks of a power cut: don't wait for the disk
        conn.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(conn.info.dbname)))
    domains = ("registry", domain, *(("energy",) if domain == "solar" else ()))
    try:
        with House(url, domains, workers) as house:
            play(house, events, chance, size=chance.choice((1, 3, 10, 50)), crashes=workers)
        return facts(url, domains)
    finally:
        databases.drop(url)


@pytest.mark.parametrize("domain", sorted(BY_DOMAIN))
def test_p2_p3_the_same_events_give_the_same_facts(databases: Databases, domain: str) -> None:
    """In order, once, by one worker; and shuffled, repeated, in batches, with crashes, by several workers."""

    @settings(deadline=None, max_examples=EXAMPLES[databases.kind], suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        drawn = data.draw(st.lists(BY_DOMAIN[domain], min_size=5, max_size=80, unique_by=lambda given: given[1].id))
        altered = data.draw(st.lists(st.sampled_from(ALTERATIONS), max_size=4, unique_by=lambda given: given[1].id))
        chance = random.Random(data.draw(st.integers(0, 2**32)))
        registered = [*PLACES, *DEVICES, *altered]
        plain = _facts_of(
            databases, domain, [*registered, *sorted(drawn, key=lambda g: g[1].time)], random.Random(1), 1
        )
        life = [*drawn, *chance.choices(drawn, k=len(drawn) // 3)]
        mixed = _mixed(registered, life, chance)
        assert _facts_of(databases, domain, mixed, chance, workers=data.draw(st.integers(1, 3))) == plain

    holds()


def _mixed(registered: list[Given], life: list[Given], chance: random.Random) -> list[Given]:
    """Device events shuffled; registry events in their order (one partition) but anywhere among them."""
    chance.shuffle(life)
    places = sorted(chance.sample(range(len(life) + len(registered)), len(registered)))
    mixed: list[Given] = []
    registry, rest = iter(registered), iter(life)
    slots = set(places)
    for index in range(len(life) + len(registered)):
        mixed.append(next(registry) if index in slots else next(rest))
    return mixed
