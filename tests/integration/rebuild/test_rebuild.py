"""P6: any projection can be rebuilt beside the live one, compared with it, and swapped in, while input goes on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from compound.store.db import connect
from compound.timeutil import HOUR
from processors.rebuild import schema, swap
from processors.rebuild.build import Build, RebuildError
from processors.rebuild.catalogue import PROJECTIONS
from processors.rebuild.compare import Compared, compare
from tests.properties.events import ALTERATIONS
from tests.support.rebuild_rig import BUILT, Compound, events, killed_half_way

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def compound(database: str) -> Iterator[Compound]:
    with Compound(database) as made:
        yield made


def compared(compound: Compound, domain: str) -> Compared:
    """Built (or built on) and compared."""
    with Build(compound.settings, domain) as build:
        return compare(compound.settings, build, told=lambda table: None)


def swapped(compound: Compound, domain: str) -> None:
    """Built, compared without a difference, and swapped in."""
    with Build(compound.settings, domain) as build:
        assert compare(compound.settings, build, told=lambda table: None).differences == []
        swap.swap(compound.settings, build)


def test_every_table_is_in_the_catalogue(database: str) -> None:
    """A table that a later migration adds says what it is."""
    with connect(database, "test") as conn:
        for domain, projection in PROJECTIONS.items():
            listed = ["position", *projection.facts, *projection.beside, *projection.kept]
            assert sorted(listed) == schema.tables(conn, domain)


def test_p6_a_rebuild_under_load_equals_the_live_tables(compound: Compound) -> None:
    """Every domain, while devices send and the registry changes; nothing is told and nothing is missing."""
    compound.append(events(Random(1), 400))
    compound.append(ALTERATIONS[:3])
    compound.settle()
    compound.sending(seed=2, pause_s=0.1)
    for domain in BUILT:
        found = compared(compound, domain)
        assert found.differences == []
        assert domain == "quarantine" or sum(found.rows.values()) > 0
    compound.append(ALTERATIONS[3:])
    for domain in BUILT:
        assert compared(compound, domain).differences == []


def test_a_corrupted_live_row_is_found(compound: Compound) -> None:
    compound.append(events(Random(3), 300))
    compound.settle()
    compound.do("UPDATE energy.quarter SET quantity = quantity + 1 WHERE (series, start) = (SELECT series, start FROM energy.quarter"
                " WHERE quantity > 0 ORDER BY start LIMIT 1)")  # fmt: skip
    compound.do("DELETE FROM parking.segment WHERE (subject, kind, start) = (SELECT subject, kind, start FROM parking.segment"
                " WHERE kind = 'state' ORDER BY start LIMIT 1)")  # fmt: skip
    [wrong] = compared(compound, "energy").differences
    assert (wrong.table, wrong.live) == ("quarter", wrong.built)
    [example] = wrong.examples
    assert example.live is not None
    assert example.built is not None
    assert int(example.live["quantity"]) == int(example.built["quantity"]) + 1
    [missing] = compared(compound, "parking").differences
    assert (missing.table, missing.built) == ("segment", missing.live + 1)
    assert missing.examples[0].live is None


def test_a_rule_corrected_in_the_past_shows_before_it_is_published(
    compound: Compound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next version of the code ignores states held for up to an hour: seen in the comparison, live only after the swap."""
    compound.append(events(Random(4), 400))
    compound.settle()
    compound.stop()
    states = "SELECT count(*) FROM parking.segment WHERE kind = 'state'"
    before = compound.rows(states)
    monkeypatch.setattr("processors.parking.spots.HELD", HOUR)
    with Build(compound.settings, "parking") as build:
        found = compare(compound.settings, build, told=lambda table: None).differences
        assert {each.table for each in found} == {"segment"}
        assert compound.rows(states) == before
        swap.swap(compound.settings, build)
    assert compound.rows(states) < before
    compound.start()
    compound.append(events(Random(5), 100, 2000))
    compound.settle()
    assert compared(compound, "parking").differences == []


def test_a_rebuild_that_was_killed_goes_on(compound: Compound) -> None:
    compound.append(events(Random(5), 1500))
    compound.settle()
    taken = killed_half_way(compound)
    with Build(compound.settings, "parking") as build:
        assert sum(build.positions.values()) >= taken
        with pytest.raises(RebuildError, match="already running"):
            Build(compound.settings, "parking")
        assert compare(compound.settings, build, told=lambda table: None).differences == []
    with connect(compound.url, "test") as conn:
        assert schema.clean(conn, "parking")
        assert not schema.clean(conn, "parking")


def test_p6_a_swap_under_working_processors_loses_nothing(compound: Compound) -> None:
    """All domains swapped in while devices send; then everything is as of a rebuild once more, and nothing was told again."""
    compound.append(events(Random(6), 400))
    compound.settle()
    compound.sending(seed=7, pause_s=0.1)
    for domain in BUILT:
        swapped(compound, domain)
    compound.stop()
    compound.start()
    compound.settle()
    again = compound.rows(
        "SELECT id, count(*) FROM alerts.event WHERE type = 'alert.raised.v1' GROUP BY id HAVING count(*) > 1"
    )
    assert again == []
    with connect(compound.url, "test") as conn:
        for domain in BUILT:
            assert swap.drop_old(conn, domain)
    for domain in BUILT:
        assert compared(compound, domain).differences == []
