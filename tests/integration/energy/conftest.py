"""A rig on a fresh database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.energy_rig import EnergyRig


@pytest.fixture
def make_rig(new_database: Callable[[], str]) -> Iterator[Callable[[], EnergyRig]]:
    """A function that makes rigs, each on a database of its own."""
    made: list[EnergyRig] = []

    def make() -> EnergyRig:
        made.append(EnergyRig(new_database()))
        made[-1].site()
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[[], EnergyRig]) -> EnergyRig:
    """One rig."""
    return make_rig()
