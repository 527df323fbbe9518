"""Late data: a backfill of 40 days and points older than several chunks give the same facts on every database."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest

from compound.store import edition
from compound.store.db import connect
from compound.store.edition import Edition
from tests.properties.events import DEVICES, PLACES, Given
from tests.properties.house import House, facts
from tests.services.databases import Databases
from tests.support import late

DOMAINS = ("registry", "energy", "parking", "access", "parcels", "solar")


def deliver(house: House, events: Sequence[Given], size: int) -> None:
    """Through the real workers; a batch that fails raises."""
    stored = house.store(events, recorded=house.now)
    house.now += len(stored)
    for name in house.domains:
        topics = house._members[name][0].worker.domain.topics
        mine = [each for each in stored if each.topic in topics]
        for start in range(0, len(mine), size):
            house.deliver(mine[start : start + size], name)
    house.settle()


def to_columnstore(url: str) -> int:
    """On Community: every chunk of points that may go to the columnstore does; how many rows are in it. Else none."""
    with connect(url, "test", autocommit=True) as conn:
        if edition.find(conn).edition is not Edition.COMMUNITY:
            return 0
        for table in (each.table for each in edition.HYPERTABLES if each.segment is not None):
            for (chunk,) in conn.execute("SELECT show_chunks(%s)::text", (table,)).fetchall():
                conn.execute("CALL convert_to_columnstore(%s::regclass)", (chunk,))
        row = conn.execute(
            "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name ~ 'point$' AND is_compressed"
        ).fetchone()
        assert row is not None
        return int(row[0])


def lived(url: str, seed: int) -> dict[str, list[tuple[Any, ...]]]:
    """The facts after live data, the backfill shuffled, and late points shuffled, some of them twice."""
    chance = random.Random(seed)
    backfill, late_ones = late.backfill(), late.late()
    backfill += chance.choices(backfill, k=200)
    chance.shuffle(backfill)
    late_ones += chance.choices(late_ones, k=100) + chance.choices(backfill, k=100)
    chance.shuffle(late_ones)
    with House(url, DOMAINS, workers=2) as house:
        house.now = 1_800_000_000_000_000
        deliver(house, [*PLACES, *DEVICES, *late.live()], size=2000)
        deliver(house, backfill, size=3000)
        compressed = to_columnstore(url)
        with connect(url, "test") as conn:
            assert compressed > 5 or edition.find(conn).edition is not Edition.COMMUNITY
        for name in house.domains:
            house.crash(name)
        deliver(house, late_ones, size=1000)
    return facts(url, DOMAINS)


def in_order(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """The facts when everything had come in order, once."""
    events = {event.id: (topic, event) for topic, event in (*late.late(), *late.backfill(), *late.live())}
    with House(url, DOMAINS) as house:
        house.now = 1_800_000_000_000_000
        deliver(house, [*PLACES, *DEVICES, *sorted(events.values(), key=lambda given: given[1].time)], size=5000)
    return facts(url, DOMAINS)


@pytest.mark.timeout(1200)
def test_late_points_and_a_backfill_give_the_same_facts_everywhere(servers: Callable[[str], Databases]):
    plain, timescale = servers("postgresql"), servers("timescaledb")
    first, second, third = plain.create(), plain.create(), timescale.create()
    wanted, here, there = in_order(first), lived(second, seed=1), lived(third, seed=1)
    assert {name for name, rows in wanted.items() if not rows} <= {"energy.mark"}
    for name, rows in wanted.items():
        assert here[name] == rows, f"plain PostgreSQL: {name}"
        assert there[name] == rows, f"TimescaleDB: {name}"
    with psycopg.connect(third) as conn:
        chunks = conn.execute("SELECT count(*) FROM show_chunks('energy.point')").fetchone()
        assert chunks is not None
        assert chunks[0] >= 7
    for server, url in ((plain, first), (plain, second), (timescale, third)):
        server.drop(url)
