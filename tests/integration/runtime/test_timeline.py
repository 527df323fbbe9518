"""The state timeline: any order, repetition and batching of points, registry changes among them, one result."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compound.registry.timeline import Registry, build
from compound.store.db import connect
from processors.runtime import timeline as module
from processors.runtime.domain import Tx
from processors.runtime.point import Point
from processors.runtime.timeline import StateTimeline
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.toy import SECOND, Runs

SITE = ("site", "s", 0, {"latitude": 0.0, "longitude": 0.0})


def registry(removed: int | None) -> Registry:
    place = {"type": "parking", "site": "s", "carpark": "c"}
    device = {"kind": "parking", "site": "s", "point": "p"}
    rows: list[tuple[str, str, int, Any]] = [SITE, ("point", "p", 0, place), ("device", "a", 20 * SECOND, device)]
    rows.append(("device", "b", 0, device))
    if removed is not None:
        rows.append(("device", "b", removed * SECOND, None))
    return build(rows)


def expected(points: set[tuple[str, int, str]], known: Registry) -> dict[Any, Any]:
    """The definition: one fold over all points of the registered span, in order."""
    fold, found = Runs(), {}
    for subject in {point[0] for point in points}:
        for span in known.spans(subject, "parking"):
            state, segments = fold.initial(subject, ""), []
            mine = sorted(p for p in points if p[0] == subject and span.since <= p[1] * SECOND < span.until)
            for _, time, value in sorted(mine, key=lambda p: (p[1], p[2])):
                segments += fold.step(state, Point(subject, "w", time * SECOND, 0, 0, value, 0), known)
            if mine:
                segments += fold.open(state, known) if span.until > 2**61 else fold.end(state, span.until, known)
            found.update({(subject, s.kind, s.start): (s.end, s.data, s.tell_at) for s in segments})
    return found


@pytest.fixture(scope="module")
def few_points() -> Iterator[None]:
    """A checkpoint every few points, so that short timelines have several."""
    before, module.CHECKPOINT_EVERY = module.CHECKPOINT_EVERY, 6
    yield
    module.CHECKPOINT_EVERY = before


@pytest.fixture(scope="module")
def conn(databases: Databases, few_points: None) -> Iterator[psycopg.Connection[Any]]:
    url = databases.create()
    connection = connect(url, "test", "toy")
    connection.execute("SELECT runtime.make_domain('toy'), runtime.make_timeline('toy')")
    connection.commit()
    yield connection
    connection.close()
    databases.drop(url)


points = st.sets(
    st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.sampled_from(["free", "occupied", "other"])),
    min_size=20,
    max_size=150,
)


@ON_POSTGRESQL
@settings(deadline=None, max_examples=150)
@given(points, st.integers(1, 20), st.integers(0, 2**32), st.one_of(st.none(), st.integers(5, 60)))
def test_p3_any_order_gives_one_fold(
    conn: psycopg.Connection[Any], drawn: Any, size: int, seed: int, removed: int | None
) -> None:
    """P3: shuffled, repeated, in batches, with a registry change and a restart between them."""
    conn.execute("TRUNCATE point, segment, checkpoint, due")
    order = [*drawn, *(p for p in drawn if p[1] % 3 == 0)]
    random.Random(seed).shuffle(order)
    before, after = registry(None), registry(removed)
    timeline = StateTimeline(Runs())
    for start in range(0, len(order), size):
        known = before if start < len(order) // 2 else after
        if start and (start // size) % 5 == 4:
            timeline = StateTimeline(Runs())
        batch = [Point(s, "w", t * SECOND, 0, 0, v, 1000 + start) for s, t, v in order[start : start + size]]
        timeline.add(Tx(conn, "toy", known, 0), batch)
    if removed is not None:
        timeline.rederive(Tx(conn, "toy", after, 0), [("b", removed * SECOND)])
    rows = conn.execute(
        'SELECT subject, kind, (extract(epoch FROM start) * 1000000)::bigint, (extract(epoch FROM "end") * 1000000)::bigint,'
        " data, (extract(epoch FROM tell_at) * 1000000)::bigint FROM segment"
    ).fetchall()
    assert {(r[0], r[1], r[2]): (r[3], r[4], r[5]) for r in rows} == expected(drawn, after)
    conn.commit()
