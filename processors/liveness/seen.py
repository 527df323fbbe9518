"""What a batch of events says of the devices that sent them: pure, no clock, no database.

Arrival is by recordedtime (DOMAIN, Silence): every message is a sign of life but a replay of a retained one and a last
will, which the broker sends for a device that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import msgspec

from compound.events import Received
from compound.registry.timeline import Registry, span_at
from compound.timeutil import MINUTE

FRESH: Final = 10 * MINUTE
"""A message that arrives so soon after its own time is of now, none that was kept for later."""
STATUS: Final = "device.status.v1"
Status = Literal["online", "offline"]


class _Message(msgspec.Struct):
    """A reading or event; the rest of it is others' business."""

    boot: int
    seq: int
    retained: bool = False


class _Status(msgspec.Struct):
    boot: int
    state: Status
    will: bool = False
    retained: bool = False


class Waiting(NamedTuple):
    """A message of a device that was not registered at its time (µs). A status has seq -1."""

    device: str
    kind: str
    time: int
    boot: int
    seq: int
    recorded: int


@dataclass(slots=True)
class Seen:
    """One device in one batch; times are µs, `recorded` ones but `newest`. `flipped`: its status changed within the batch."""

    device: str
    kind: str
    site: str
    first: int
    last: int | None = None
    newest: int | None = None
    boot: int = 0
    messages: int = 0
    fresh: int = 0
    status: Status | None = None
    since: int | None = None
    flipped: bool = False
    channels: dict[str, int] = field(default_factory=dict)
    numbers: dict[int, list[int]] = field(default_factory=dict)

    def turn(self, status: Status, recorded: int) -> None:
        """The status as of `recorded`."""
        if status != self.status:
            self.flipped = self.status is not None
            self.status, self.since = status, recorded


_message = msgspec.json.Decoder(_Message).decode
_status = msgspec.json.Decoder(_Status).decode


def wills(events: Iterable[Received]) -> set[str]:
    """Devices with a last will among `events`: their newest boot has to be known to judge it."""
    return {e.event.subject for e in events if e.event.type == STATUS and b'"will"' in e.event.data}


def gather(events: Iterable[Received], boots: Mapping[str, int]) -> dict[str, Seen]:
    """By device, what the events say, taken in their order. `boots`: newest boot known of the devices in `wills`."""
    found: dict[str, Seen] = {}
    for received in events:
        event, recorded = received.event, received.recorded
        seen = found.get(event.subject)
        if seen is None:
            site = event.source.split("/")[2] if event.source.count("/") >= 2 else ""
            seen = Seen(event.subject, received.topic, site, recorded, boot=boots.get(event.subject, 0))
            found[event.subject] = seen
        seen.messages += 1
        seen.fresh += recorded - event.time < FRESH
        if event.type == STATUS:
            _take_status(seen, _status(event.data), event.time, recorded)
        else:
            message = _message(event.data)
            seen.numbers.setdefault(message.boot, []).append(message.seq)
            seen.boot = max(seen.boot, message.boot)
            if not message.retained:
                _alive(seen, event.type.split(".", 2)[1], event.time, recorded)
    return found


def _alive(seen: Seen, channel: str, time: int, recorded: int) -> None:
    seen.last = seen.channels[channel] = recorded
    seen.newest = time if seen.newest is None else max(seen.newest, time)
    seen.turn("online", recorded)


def _take_status(seen: Seen, said: _Status, time: int, recorded: int) -> None:
    """A will older than the newest boot seen is void: the device has started again since."""
    void = said.will and said.boot < seen.boot
    seen.boot = max(seen.boot, said.boot)
    if said.retained or void:
        return
    if not said.will:
        _alive(seen, "status", time, recorded)
    seen.turn(said.state, recorded)


def waiting(events: Iterable[Received], registry: Registry) -> list[Waiting]:
    """The messages of devices that the registry doesn't know at their time, or knows as another kind."""
    found = []
    for received in events:
        event = received.event
        if span_at(registry.spans(event.subject, received.topic), event.time) is None:
            seq = -1 if event.type == STATUS else _message(event.data).seq
            boot = _status(event.data).boot if event.type == STATUS else _message(event.data).boot
            found.append(Waiting(event.subject, received.topic, event.time, boot, seq, received.recorded))
    return found


def multirange(numbers: Iterable[int]) -> str:
    """Numbers as PostgreSQL's int8multirange: {[1,4),[6,7)}. The last of int8 has no end there and is left out."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers) - {2**63 - 1}):
        if runs and runs[-1][1] == number:
            runs[-1][1] += 1
        else:
            runs.append([number, number + 1])
    return "{" + ",".join(f"[{first},{end})" for first, end in runs) + "}"
