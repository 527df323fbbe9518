"""Doors with a queue: who passes, what the controller reports, and the incidents at them."""

from __future__ import annotations

import msgspec

from simulators.clock import MILLISECOND, SECOND
from simulators.demo.places import DOORS, Door
from simulators.world.happened import Condition, Happened, Opening, Passage

HELD_AFTER = 30 * SECOND
"""A door is held open from so long after its opening or last grant (DOMAIN, Doors)."""
INSTANT = 60 * SECOND
"""How long a condition of an instant is shown (blueprint)."""

_BEHIND = 1_100 * MILLISECOND
"""How closely one follows who slips in behind another."""


class DoorState(msgspec.Struct):
    """A door's queue, its last opening, and who is about to slip through it without a card."""

    free: int = 0
    opened: int = 0
    closed: int = 0
    slips: dict[str, int] = {}
    """direction -> how many people slip through behind the next who passes that way."""


def passes(
    happened: Happened, state: DoorState, device: str, card: str, direction: str, ready: int, hold: int = 0
) -> tuple[int, int]:
    """Someone with a card passes as soon as the door is free: when they are through, and how many slipped in behind.

    `hold`: so many µs more does the door stand open.
    """
    door = DOORS[device]
    grant = max(ready, state.free)
    opened = grant + (1_600 if door.vehicles else 700) * MILLISECOND
    through = opened + (4_000 if door.vehicles else 1_300) * MILLISECOND
    slips = state.slips.pop(direction, 0)
    closed = through + (4_400 if door.vehicles else 2_100) * MILLISECOND + slips * 1_500 * MILLISECOND + hold
    who = f'"card":"{card}","direction":"{direction}"'
    happened.observe(device, grant, "event", f'"event":"grant",{who}')
    happened.observe(device, opened, "event", '"event":"opened"')
    _walk(happened, door, card, direction, through)
    for n in range(1, slips + 1):
        _walk(happened, door, None, direction, through + n * _BEHIND)
    if slips:
        excess = through + _BEHIND  # the first passage without a grant
        happened.conditions.append(Condition("tailgating", device, "door", excess, excess + INSTANT))
    _close(happened, state, device, opened, closed)
    if hold:
        happened.conditions.append(Condition("held", device, "door", opened + HELD_AFTER, closed))
    return through, slips


def _walk(happened: Happened, door: Door, card: str | None, direction: str, time: int) -> None:
    """One person goes through; a counter reports it."""
    if door.counts:
        happened.observe(door.device, time, "event", f'"event":"passage","direction":"{direction}"')
    source, target = (door.outer, door.inner) if direction == "in" else (door.inner, door.outer)
    happened.passages.append(Passage(door.device, time, direction, card, source, target))


def _close(happened: Happened, state: DoorState, device: str, opened: int, closed: int) -> None:
    happened.observe(device, closed, "event", '"event":"closed"')
    happened.openings.append(Opening(device, opened, closed))
    state.opened, state.closed = opened, closed
    state.free = closed + 800 * MILLISECOND


def force(happened: Happened, state: DoorState, device: str, ready: int, lasts: int) -> int:
    """The door is forced open for `lasts` µs: no grant belongs to it. Returns when it is shut."""
    opened = max(ready, state.free + 12 * SECOND)
    closed = opened + lasts
    happened.observe(device, opened, "event", '"event":"opened"')
    happened.conditions.append(Condition("forced", device, "door", opened, closed))
    if lasts > HELD_AFTER:
        happened.conditions.append(Condition("held", device, "door", opened + HELD_AFTER, closed))
    _close(happened, state, device, opened, closed)
    state.free = closed + 12 * SECOND  # the next grant belongs to an opening of its own
    return closed


def prop(happened: Happened, state: DoorState, device: str, ready: int, lasts: int) -> int:
    """Someone inside presses the exit button and props the door open to carry things; nobody passes.

    Only where passages are counted: elsewhere an exit request must be taken for somebody leaving.
    """
    pressed = max(ready, state.free)
    opened = pressed + SECOND
    closed = opened + lasts
    happened.observe(device, pressed, "event", '"event":"exit_request","direction":"out"')
    happened.observe(device, opened, "event", '"event":"opened"')
    if lasts > HELD_AFTER:
        happened.conditions.append(Condition("held", device, "door", opened + HELD_AFTER, closed))
    _close(happened, state, device, opened, closed)
    return closed


def deny(happened: Happened, state: DoorState, device: str, card: str, ready: int) -> int:
    """A card without rights is refused; the door stays shut."""
    time = max(ready, state.free)
    happened.observe(device, time, "event", f'"event":"denied","card":"{card}"')
    state.free = time + SECOND
    return time
