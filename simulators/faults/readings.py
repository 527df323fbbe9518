"""Which readings of a meter or inverter can be relied on, and at which quarter hours there is none."""

from __future__ import annotations

from collections.abc import Iterable

from simulators.clock import QUARTER
from simulators.demo import places
from simulators.faults import knowing
from simulators.faults.scenario import Fault
from simulators.wire import Message
from simulators.world.weather import STEP

_SPOILS = frozenset({"lost", "clock", "spike", "crash", "silent-channel", "replacement"})


def readings(start: int, messages: list[Message], faults: list[Fault]) -> Iterable[tuple[int, str]]:
    """(time, "" or what is wrong) of the day's readings, and of the quarter hours that should have one, in order."""
    quarters = {start + n * QUARTER: "" for n in range(96)}
    if all(fault.kind not in _SPOILS for fault in faults) and all(m.send is not None for m in messages):
        return quarters.items()
    told = {m.time: "" if knowing.good(m) else knowing.why(m) for m in messages}
    for fault in faults:
        if fault.kind == "spike":
            told.update({time: "spike" for time in told if fault.start <= time < fault.end})
        if fault.kind == "crash" and fault.device in places.INVERTERS:  # its first reading says 0: not accumulated
            told.update({time: "crash" for time in told if time == -(-fault.end // STEP) * STEP})
    swapped = [fault for fault in faults if fault.kind == "replacement"]
    silent = {time: "no reading" for time in quarters if not any(fault.start <= time < fault.end for fault in swapped)}
    return sorted({**silent, **told}.items())
