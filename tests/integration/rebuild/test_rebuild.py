"""P6: any projection can be rebuilt beside the live one and compared with it, while input goes on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from compound.timeutil import HOUR
from processors.rebuild.build import Build
from processors.rebuild.compare import Compared, compare
from tests.properties.events import ALTERATIONS
from tests.support.rebuild_rig import BUILT, Compound, events


@pytest.fixture
def compound(database: str) -> Iterator[Compound]:
    with Compound(database) as made:
        yield made


def compared(compound: Compound, domain: str) -> Compared:
    """Built (or built on) and compared."""
    with Build(compound.settings, domain) as build:
        return compare(compound.settings, build, told=lambda table: None)


def test_p6_a_rebuild_under_load_equals_the_live_tables(compound: Compound) -> None:
    """Every domain, while devices send and the registry changes; nothing is told and nothing is missing."""
    compound.append(events(Random(1), 600))
    compound.append(ALTERATIONS[:3])
    compound.settle()
    compound.sending(seed=2)
    for domain in BUILT:
        found = compared(compound, domain)
        assert found.differences == []
        assert domain == "quarantine" or sum(found.rows.values()) > 0
    compound.append(ALTERATIONS[3:])
    for domain in BUILT:
        assert compared(compound, domain).differences == []
