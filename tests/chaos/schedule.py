"""What is done to which process, and when: a function of the seed, so that a seed repeats a run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

PAUSES = 0.3
"""Share of pauses among all that is done; the rest are kills."""
REST_S = (0.5, 3.0)
"""Between two of them."""
DOWN_S = (0.0, 2.0)
"""How long a killed service stays down; a killed role is started again by its supervisor."""


@dataclass(frozen=True, slots=True)
class Blow:
    """After `rest_s`, `target` is killed (SIGKILL) or paused (SIGSTOP, then SIGCONT) for `lasts_s`."""

    rest_s: float
    target: str
    action: Literal["kill", "pause"]
    lasts_s: float


def blows(seed: int, count: int, targets: Sequence[str], session_s: float) -> list[Blow]:
    """`count` blows; a pause lasts longer than the session time-out. Every target has its turn before any has a second."""
    chance = random.Random(seed)
    found: list[Blow] = []
    while len(found) < count:
        turn = list(targets)
        chance.shuffle(turn)
        for target in turn:
            pause = chance.random() < PAUSES
            lasts = session_s * chance.uniform(1.1, 1.5) if pause else chance.uniform(*DOWN_S)
            found.append(Blow(chance.uniform(*REST_S), target, "pause" if pause else "kill", lasts))
    return found[:count]
