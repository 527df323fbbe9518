"""Parcels in the locker banks: couriers deposit, people collect, what nobody wants goes back."""

from __future__ import annotations

import msgspec
import numpy as np

from simulators.clock import HOUR, MINUTE, SECOND
from simulators.demo.places import CELLS
from simulators.world.happened import Condition, Happened, Parcel

OVERDUE_HOURS = (24, 48, 72)
RESERVATION = 2 * HOUR
RETURNED_AFTER = 90 * HOUR


class Cell(msgspec.Struct):
    """A cell that is in use: by a parcel, or by a reservation until `blocked`."""

    blocked: int = 0
    reserved: int = 0
    deposited: int | None = None
    recipient: str = ""


class Bank(msgspec.Struct):
    """A bank's cells in use, and until when its user is busy with a door."""

    cells: dict[str, Cell] = {}
    free: int = 0


def deposit(happened: Happened, name: str, bank: Bank, ready: int, recipient: str, random: np.random.Generator) -> int:
    """A courier reserves a cell and puts a parcel in; some give up, so the reservation is cancelled or expires."""
    time = max(ready, bank.free)
    for cell in [key for key, cell in bank.cells.items() if cell.deposited is None and cell.blocked <= time]:
        del bank.cells[cell]
    vacant = [cell for cell in CELLS if cell not in bank.cells]
    if not vacant:
        return time
    cell = str(random.choice(vacant))
    number = int(random.integers(10**9, 10**10))
    phone = f"138{random.integers(10**7, 10**8)}"
    happened.observe(name, time, "event", f'"cell":"{cell}","event":"reserved","phone":"{phone}","parcel":"SF{number}"')
    fate = random.random()
    if fate < 0.03:
        done = time + 4 * MINUTE
        happened.observe(name, done, "event", f'"cell":"{cell}","event":"cancelled"')
        bank.cells[cell] = Cell(blocked=done + MINUTE)
    elif fate < 0.07:  # never comes back: expires
        done = time + 10 * SECOND
        bank.cells[cell] = Cell(blocked=time + RESERVATION + MINUTE)
    else:
        opened = time + 12 * SECOND
        done = opened + int(random.integers(9, 25)) * SECOND
        _door(happened, name, cell, opened, done, "deposit", present=True)
        bank.cells[cell] = Cell(reserved=time, deposited=done, recipient=recipient)
        happened.parcels.append(Parcel(name, cell, time, done, None, None))
    bank.free = done + 2 * SECOND
    return done


def collect(happened: Happened, name: str, bank: Bank, ready: int, person: str, random: np.random.Generator) -> int:
    """A person takes what is theirs out of this bank, now and then leaving it for another day."""
    done = ready
    for cell in [key for key, cell in bank.cells.items() if cell.recipient == person and cell.deposited is not None]:
        if random.random() < 0.12:
            continue
        left = random.random() < 0.03  # opens, looks, and shuts the door again
        done = _take(happened, name, bank, cell, done, "pickup", leaves=left)
    return done


def retrieve(happened: Happened, name: str, bank: Bank, ready: int) -> int:
    """The courier takes back what has lain too long."""
    done = ready
    for cell in [
        key
        for key, cell in bank.cells.items()
        if cell.deposited is not None and ready - cell.deposited > RETURNED_AFTER
    ]:
        done = _take(happened, name, bank, cell, done, "retrieval", leaves=False)
    return done


def _take(
    happened: Happened,
    name: str,
    bank: Bank,
    cell: str,
    ready: int,
    purpose: str,
    leaves: bool,
    lasts: int = 14 * SECOND,
) -> int:
    opened = max(ready + 8 * SECOND, bank.free)
    closed = opened + lasts
    _door(happened, name, cell, opened, closed, purpose, present=leaves)
    if not leaves:
        gone(happened, name, cell, bank.cells.pop(cell), closed, "collected" if purpose == "pickup" else "returned")
    bank.free = closed + 2 * SECOND
    return closed


def gone(happened: Happened, name: str, cell: str, held: Cell, end: int | None, outcome: str | None) -> None:
    """Write down a parcel's end (None: as it stands) and how long it was overdue."""
    assert held.deposited is not None
    happened.parcels.append(Parcel(name, cell, held.reserved, held.deposited, end, outcome))
    for hours in OVERDUE_HOURS:
        start = held.deposited + hours * HOUR
        if end is None or end > start:
            happened.conditions.append(Condition(f"overdue-{hours}", name, cell, start, end))


def service(happened: Happened, name: str, bank: Bank, ready: int, random: np.random.Generator) -> int:
    """A cell's lock fails and is repaired two hours later; a parcel in it waits."""
    cell = str(random.choice(list(CELLS)))
    repaired = ready + 2 * HOUR
    happened.observe(name, ready, "event", f'"cell":"{cell}","event":"fault"')
    happened.observe(name, repaired, "event", f'"cell":"{cell}","event":"repaired"')
    if cell not in bank.cells:
        bank.cells[cell] = Cell(blocked=repaired + MINUTE)
    return ready


def leave_open(happened: Happened, name: str, bank: Bank, ready: int, lasts: int) -> int:
    """Someone opens a free cell for service and forgets to shut it for `lasts` µs."""
    cell = next(cell for cell in reversed(CELLS) if cell not in bank.cells)
    opened = max(ready, bank.free)
    _door(happened, name, cell, opened, opened + lasts, "service", present=False)
    happened.conditions.append(Condition("door-left-open", name, cell, opened + 120 * SECOND, opened + lasts))
    bank.cells[cell] = Cell(blocked=opened + lasts + MINUTE)
    bank.free = opened + SECOND
    return opened


def _door(happened: Happened, name: str, cell: str, opened: int, closed: int, purpose: str, present: bool) -> None:
    happened.observe(name, opened, "event", f'"cell":"{cell}","event":"opened","purpose":"{purpose}"')
    happened.observe(
        name, closed, "event", f'"cell":"{cell}","event":"closed","present":{"true" if present else "false"}'
    )
