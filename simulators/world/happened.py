"""What a day brings: the truth's rows, and what each device observes of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple


class Observation(NamedTuple):
    """What a device has to say: `body` is the JSON of its fields after time, boot and seq, without braces."""

    time: int
    channel: str
    body: str


class Passage(NamedTuple):
    """A person going through a door; `card` None: nobody knows who."""

    door: str
    time: int
    direction: str
    card: str | None
    from_zone: str
    to_zone: str


class Opening(NamedTuple):
    """A door standing open."""

    door: str
    start: int
    end: int


class Stay(NamedTuple):
    """A car on a spot; `end` None: still there."""

    spot: str
    start: int
    end: int | None
    plate: str | None


class Parcel(NamedTuple):
    """A parcel in a cell, from the door's closing after the deposit to that after its removal."""

    bank: str
    cell: str
    reserved: int
    deposited: int
    end: int | None
    outcome: str | None


class Condition(NamedTuple):
    """Something an operator should be told of, by the rule's name; `end` None: open as far as is known."""

    rule: str
    subject: str
    what: str
    start: int
    end: int | None


@dataclass
class Happened:
    """One day's observations by device, and the rows of the truth."""

    observations: dict[str, list[Observation]] = field(default_factory=lambda: defaultdict(list))
    passages: list[Passage] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    def observe(self, device: str, time: int, channel: str, body: str) -> None:
        """Add an observation of `device`."""
        self.observations[device].append(Observation(time, channel, body))
