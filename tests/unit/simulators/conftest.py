"""Two simulated days with every fault, shared by the tests that only look."""

from __future__ import annotations

from datetime import date

import pytest

from simulators.faults import scenario
from simulators.simulation import Day, Session, Simulation

ORIGIN = date(2026, 10, 28)


def simulation(name: str = "demo", seed: int = 7, sessions: list[Session] | None = None) -> Simulation:
    """A simulation that begins on a Wednesday."""
    return Simulation(seed, scenario.load(name), ORIGIN, sessions if sessions is not None else [Session(0)])


@pytest.fixture(scope="session")
def calm() -> list[Day]:
    """Two days without faults."""
    plan = simulation()
    state = plan.first()
    return [plan.step(state), plan.step(state)]


@pytest.fixture(scope="session")
def faulty() -> list[Day]:
    """Thirty days with all faults."""
    plan = simulation("all-faults")
    state = plan.first()
    return [plan.step(state) for _ in range(30)]
