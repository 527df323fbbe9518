"""Devices that crash while live, and channels that go dead: when they fall silent, when they are there again, and both noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Protocol

from simulators import clock
from simulators.faults.scenario import Fault
from simulators.gateways import Gateways


class Note(Protocol):
    """Where silences are written down; `end` None: it goes on."""

    def silence(self, device: str, rule: str, channel: str, start: int, end: int | None) -> None:
        """See simulators.truth.store.Truth."""


class Silent(NamedTuple):
    """What says nothing: a device, or a channel of it. `rule` would tell it."""

    device: str
    rule: str
    channel: str


_RULES: Final = {"crash": "offline", "silent-channel": "channel-silent"}


class Outages:
    """`boot`: the boot with which a device starts anew.

    Between the two calls of a tick all messages made before `until` go out: so a device that died says what it made
    before, however late the tick is, and one that is there again says nothing before its status. Where faults of one
    device overlap, as after a restart, it is silent until the last is over.
    """

    def __init__(self, gateways: Gateways, note: Note, boot: Callable[[str], int]) -> None:
        self._gateways, self._note, self._boot = gateways, note, boot
        self._faults: list[Fault] = []
        self._since: dict[Silent, int] = {}

    def plan(self, faults: Iterable[Fault]) -> None:
        """The faults there are from now on; others are left."""
        self._faults = [fault for fault in faults if fault.kind in _RULES]

    def mend(self, until: int) -> None:
        """Before a tick's messages: what is no longer silent at `until` is there again."""
        for there in self._since.keys() - self._silent(until):
            if there.rule == "offline":
                self._gateways.revive(there.device, self._boot(there.device))
            self._note.silence(*there, self._since.pop(there), clock.now())

    def strike(self, until: int) -> None:
        """After a tick's messages: what is to be silent at `until` falls silent."""
        for gone in self._silent(until) - self._since.keys():
            self._since[gone] = clock.now()
            if gone.rule == "offline":
                self._gateways.kill(gone.device)
            self._note.silence(*gone, self._since[gone], None)

    def _silent(self, at: int) -> set[Silent]:
        return {Silent(f.device, _RULES[f.kind], f.channel) for f in self._faults if f.start <= at < f.end}
