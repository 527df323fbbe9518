"""How fast simulated time passes: as fast as it can, in real time, or so many times faster; never beyond now."""

from __future__ import annotations

import time
from dataclasses import dataclass

from simulators import clock

Speed = float | None
"""Simulated seconds a second until history has caught up; None: as fast as the platform takes it."""


def speed(text: str) -> Speed:
    """`max`, `realtime` or a factor. Raises ValueError."""
    if text == "max":
        return None
    if text == "realtime":
        return 1.0
    factor = float(text)
    if factor <= 0:
        raise ValueError(f"a speed is max, realtime or a number above 0, not {text}")
    return factor


@dataclass
class Pace:
    """`until()` is the simulated instant up to which messages may go out."""

    begin: int
    """Where simulated time stands at the start."""
    speed: Speed
    _started: float = 0.0

    def __post_init__(self) -> None:
        self._started = time.monotonic()

    def until(self) -> int:
        """Now, or less when a speed holds history back."""
        now = clock.now()
        if self.speed is None:
            return now
        return min(now, self.begin + int((time.monotonic() - self._started) * self.speed * clock.SECOND))


class Rate:
    """At most so many objects a second, evenly (None: no limit)."""

    def __init__(self, per_second: float | None) -> None:
        self._per_second = per_second
        self._next = time.monotonic()

    def take(self, objects: int) -> None:
        """Wait until `objects` more may go out."""
        if self._per_second is None:
            return
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next = max(self._next, time.monotonic() - 1.0) + objects / self._per_second
