"""Sharing of partitions: every member computes the same, so what it says must fit together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compound.log.group import Member, shares
from compound.log.port import Slot

TOPICS = ("meter", "gate", "registry")
SLOTS = st.sets(st.builds(Slot, st.sampled_from(TOPICS), st.integers(1, 2), st.integers(0, 5))).map(sorted)
GROUPS = st.lists(st.sets(st.sampled_from(TOPICS), min_size=1), min_size=1, max_size=5)


def shares_of_all(topics_of: list[set[str]], slots: list[Slot]) -> list[set[Slot]]:
    """What each member computes for itself; it knows of the slots of its own topics only."""
    return [
        shares(
            [Member(own == each, sorted(topics)) for each, topics in enumerate(topics_of)],
            [slot for slot in slots if slot.topic in topics_of[own]],
        )
        for own in range(len(topics_of))
    ]


@given(GROUPS, SLOTS)
def test_each_partition_that_somebody_reads_falls_to_exactly_one(topics_of, slots):
    all_shares = shares_of_all(topics_of, slots)
    given_out = sorted(slot for share in all_shares for slot in share)
    assert given_out == [slot for slot in slots if any(slot.topic in topics for topics in topics_of)]


@given(st.integers(1, 6), st.integers(1, 12))
def test_the_shares_of_a_topic_differ_by_one_at_most(members, partitions):
    slots = [Slot("meter", 1, n) for n in range(partitions)]
    sizes = [len(share) for share in shares_of_all([{"meter"}] * members, slots)]
    assert max(sizes) - min(sizes) <= 1


def test_topics_of_one_partition_spread():
    slots = [Slot(f"topic-{n}", 1, 0) for n in range(30)]
    sizes = [len(share) for share in shares_of_all([{slot.topic for slot in slots}] * 3, slots)]
    assert min(sizes) >= 5
