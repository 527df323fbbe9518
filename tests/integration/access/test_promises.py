"""P3 for doors and persons: any order, repetition, batching, restart and number of workers gives the same facts."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compound.events import Event
from compound.registry.timeline import Registry
from compound.timeutil import HOUR, MINUTE, SECOND, parse, text
from processors.runtime import timeline as module
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.access import Item, event, facts, registry
from tests.support.access_rig import Member, as_facts, stored

START = parse("2026-11-02T07:00:00+08:00")
WHERE = {"north": 0, "south": 1, "office": 0}
"""Door -> partition: persons meet doors of both."""


@pytest.fixture(scope="module")
def members(databases: Databases) -> Iterator[list[Member]]:
    """Two workers, with checkpoints after a few points so that short timelines have several."""
    every, module.CHECKPOINT_EVERY = module.CHECKPOINT_EVERY, 5
    url = databases.create()
    made = [Member(url, partition) for partition in (0, 1)]
    yield made
    for member in made:
        member.conn.close()
    databases.drop(url)
    module.CHECKPOINT_EVERY = every


signs = st.tuples(
    st.sampled_from(list(WHERE)),
    st.integers(0, 6),  # cluster in time
    st.integers(0, 16),  # step in it
    st.sampled_from(
        ["grant"] * 4 + ["opened"] * 3 + ["closed"] * 3 + ["passage"] * 2
        + ["exit_request", "open", "shut", "released", "secured", "duress", "tamper", "denied"]
    ),
    st.sampled_from("AB"),
    st.sampled_from(["in", "in", "out", ""]),
)  # fmt: skip


def events_of(drawn: Sequence[Any]) -> list[Event]:
    """Clusters lie hours apart, nights among them; steps within one are seconds."""
    found = []
    for seq, (door, cluster, step, what, card, direction) in enumerate(drawn):
        time = START + cluster * 7 * HOUR + step * 1500 * SECOND // 1000
        named = card if what in ("grant", "duress", "denied") else ""
        found.append(event(door, time, what, seq % 7, named, direction if what in ("grant", "passage") else ""))
    return found


def moved(since: int) -> list[Item]:
    """The office's door is taken out, and the south door starts counting."""
    counted = {"type": "gate", "site": "s", "from_zone": "outside", "to_zone": "rooms", "counts_passages": True}
    return [("device", "gate-office", text(since), None), ("point", "south", text(since), counted)]


@ON_POSTGRESQL
@settings(deadline=None, max_examples=60)
@given(
    drawn=st.lists(signs, min_size=10, max_size=60, unique=True),
    size=st.integers(1, 15),
    seed=st.integers(0, 2**32),
    change=st.one_of(st.none(), st.integers(0, 40 * 60)),
)
def test_p3_any_order_of_doors_and_persons_gives_the_same_facts(
    members: list[Member], drawn: Any, size: int, seed: int, change: int | None
) -> None:
    members[0].conn.execute(
        "TRUNCATE point, segment, checkpoint, person_point, person_segment, person_checkpoint, due, subject"
    )
    members[0].conn.commit()
    chance, events = random.Random(seed), events_of(drawn)
    order = [*events, *(each for each in events if chance.random() < 0.3)]
    chance.shuffle(order)
    since = START + (change or 0) * MINUTE
    before, after = registry(), registry(moved(since) if change is not None else ())
    for number, start in enumerate(range(0, len(order), size)):
        known = before if start < len(order) // 2 else after
        for member in members:
            if chance.random() < 0.2:
                member.restart()
            member.apply([e for e in order[start : start + size] if WHERE[e.subject[5:]] == member.partition], known)
        if number == 0:
            _rederive(members, since, known)  # a change that changes nothing
    _rederive(members, since, after)
    assert stored(members[0].conn) == as_facts(facts(events, after))


def _rederive(members: list[Member], since: int, known: Registry) -> None:
    for member in members:
        devices = [f"gate-{door}" for door, partition in WHERE.items() if partition == member.partition]
        member.rederive([(device, since) for device in devices], known)


def test_p3_two_workers_at_once_write_the_same_persons(members: list[Member]) -> None:
    """Rows of persons are locked in order: no deadlock, nothing lost."""
    members[0].conn.execute("TRUNCATE point, segment, checkpoint, person_point, person_segment, person_checkpoint, due")
    members[0].conn.commit()
    chance, known, events = random.Random(7), registry(), list[Event]()
    for n in range(240):
        door, time = chance.choice(list(WHERE)), START + n * 40 * SECOND
        for seq, what in enumerate(("grant", "opened", "passage", "closed")):
            card, way = chance.choice("ABCDEF"), chance.choice(["in", "out"])
            named = what == "grant"
            events.append(
                event(door, time + seq * SECOND, what, n * 4 + seq, card if named else "", way if named else "")
            )
    chance.shuffle(events)
    errors: list[BaseException] = []

    def work(member: Member) -> None:
        mine = [e for e in events if WHERE[e.subject[5:]] == member.partition]
        try:
            for start in range(0, len(mine), 20):
                member.apply(mine[start : start + 20], known)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert stored(members[0].conn) == as_facts(facts(events, known))
