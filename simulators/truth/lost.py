"""What is known once messages were lost that the broker had acknowledged: the truth as if they had never got out.

A broker that is killed loses what it had not saved. What happened stays what happened; only what can be known of it is less.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from simulators.clock import midnight
from simulators.demo import places
from simulators.faults import scenario
from simulators.simulation import Simulation
from simulators.truth.store import Truth


def restate(path: Path, lost: Collection[tuple[str, int, int]]) -> None:
    """Note in the truth that the messages (device, boot, seq) were lost, and simulate anew what is unknown for it."""
    truth = Truth(path)
    try:
        meta = dict(truth.conn.execute("SELECT key, value FROM meta"))
        origin, sessions = date.fromisoformat(meta["origin"]), truth.sessions()
        plan = scenario.load(meta["scenario"])
        simulation = Simulation(int(meta["seed"]), plan, origin, sessions, frozenset(lost))
        state, spans = simulation.first(), []
        while midnight(date.fromisoformat(state.day), places.ZONE) < sessions[-1].cursor:
            spans += simulation.step(state).spans
        truth.lose(lost, spans)
    finally:
        truth.close()
