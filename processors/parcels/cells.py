"""The timeline of a locker's cell: its state, the parcels in it, reservations and openings.

Segments (all times µs UTC; `data` names bank (the point), cell and size at the segment's start):

- `state`: data.state free | reserved | occupied | fault. A cell is free until its events say otherwise.
- `parcel`: from the closing after the deposit to the closing after the pick-up (data.outcome collected) or the
  courier's retrieval (returned), with dwell_s; it runs through faults and through openings without pick-up.
  unseen: it went and no event says how (next deposit, bank taken out). uncertain: its deposit or its end was not seen.
  data.parcel: the id that the reservation gave.
- `reservation`: to the deposit (data.outcome used), its cancellation (cancelled), the next one (replaced) or two hours
  after it (expired); a deposit that began in time holds it until the door closes.
- `door`: from opened to closed, data.purpose and present (null when no closing was seen before the next opening).
- `door-left-open`: a condition from the opening + the limit on, to the closing.
- `overdue-24`, `-48`, `-72`: conditions, marks on the parcel from so many hours of plain time on, to its end.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Final

import msgspec

from compound.registry.model import BankPoint
from compound.registry.timeline import Registry
from compound.timeutil import HOUR, SECOND, text
from processors.runtime.point import Point, Segment

OVERDUE: Final = {f"overdue-{hours}": hours * HOUR for hours in (24, 48, 72)}
NO_BANK: Final = BankPoint(site="", cells={})
"""Stands for the bank's place where the device is registered at another kind of place: its limits are the defaults."""
OUTCOME: Final = {"pickup": "collected", "retrieval": "returned", "service": "returned"}
"""Purpose of the opening after which the parcel is gone -> the parcel's outcome."""


class Reservation(msgspec.Struct):
    """A reservation that waits for its deposit until `until`."""

    start: int
    until: int
    parcel: str | None


class Opening(msgspec.Struct):
    """A door that stands open."""

    start: int
    purpose: str | None


class Parcel(msgspec.Struct):
    """A parcel in the cell."""

    start: int
    parcel: str | None
    uncertain: bool


class Cell(msgspec.Struct):
    """Where the fold stands; `shown` is the state since `since`."""

    device: str
    cell: str
    shown: str | None = None
    since: int = 0
    fault: bool = False
    reservation: Reservation | None = None
    parcel: Parcel | None = None
    opening: Opening | None = None


class Cells:
    """The fold of `Cell` over the events of one cell."""

    kind: str | None = "locker"
    state = Cell

    def initial(self, subject: str, what: str) -> Cell:
        """Nothing has happened yet."""
        return Cell(subject, what)

    def order(self, point: Point) -> tuple[Any, ...]:
        """As the design: boot, seq, value."""
        return point.boot, point.seq, point.value

    def step(self, state: Cell, point: Point, registry: Registry) -> list[Segment]:
        """Take one event."""
        time = point.time
        segments = _expire(state, time, registry)
        word, _, more = point.value.partition(" ")
        if word == "reserved":
            segments += _end_reservation(state, time, "replaced", registry)
            wait = _bank(registry, state.device, time).reservation_s * SECOND
            state.reservation = Reservation(time, time + wait, more or None)
        elif word == "cancelled":
            segments += _end_reservation(state, time, "cancelled", registry)
        elif word == "opened":
            segments += _shut(state, time, None, registry)
            state.opening = Opening(time, more or None)
        elif word == "closed":
            segments += _closed(state, time, {"present": True, "empty": False}.get(more), registry)
        else:
            state.fault = word == "fault"
        return segments + _show(state, time, registry)

    def open(self, state: Cell, registry: Registry) -> list[Segment]:
        """What stands. A reservation's end is known already, and that the cell is free then."""
        cell, segments = copy(state), []
        if cell.reservation is not None and not _depositing(cell):
            segments += _expire(cell, cell.reservation.until, registry)
        elif cell.reservation is not None:
            data = {"parcel": cell.reservation.parcel, "outcome": None}
            segments.append(_segment(cell, "reservation", cell.reservation.start, None, data, registry))
        if cell.shown is not None:
            segments.append(_segment(cell, "state", cell.since, None, {"state": cell.shown}, registry))
        if cell.parcel is not None:
            segments += _parcel(cell, cell.parcel, None, None, registry)
        if cell.opening is not None:
            segments += _door(cell, cell.opening, None, None, registry)
        return segments

    def end(self, state: Cell, time: int, registry: Registry) -> list[Segment]:
        """The bank was taken out: nobody sees what becomes of what is in it."""
        segments = _expire(state, time, registry) + _end_reservation(state, time, "expired", registry)
        if state.parcel is not None:
            state.parcel.uncertain = True
            segments += _parcel(state, state.parcel, time, "unseen", registry)
        segments += _shut(state, time, None, registry)
        if state.shown is not None and state.since < time:
            segments.append(_segment(state, "state", state.since, time, {"state": state.shown}, registry))
        return segments


def _depositing(cell: Cell) -> bool:
    return cell.opening is not None and cell.opening.purpose == "deposit"


def _expire(cell: Cell, time: int, registry: Registry) -> list[Segment]:
    """A reservation without a deposit ends in time, whatever comes later."""
    held = cell.reservation
    if held is None or held.until > time or _depositing(cell):
        return []
    segments = _end_reservation(cell, held.until, "expired", registry)
    return segments + _show(cell, held.until, registry)


def _closed(cell: Cell, time: int, present: bool | None, registry: Registry) -> list[Segment]:
    """The door closed: a parcel came, went, or nothing changed."""
    opening, parcel = cell.opening, cell.parcel
    purpose = opening.purpose if opening is not None else None
    segments = _shut(cell, time, present, registry)
    if present and purpose == "deposit" and opening is not None and parcel is not None:
        parcel.uncertain = True
        segments += _parcel(cell, parcel, opening.start, "unseen", registry)
        parcel = None
    if present and parcel is None:
        held = cell.reservation if purpose in ("deposit", None) else None
        cell.parcel = Parcel(time, held.parcel if held else None, purpose != "deposit")
        segments += _end_reservation(cell, time, "used", registry) if held else []
    elif present is False and parcel is not None:
        outcome = OUTCOME.get(purpose or "", "unseen")
        parcel.uncertain = parcel.uncertain or outcome == "unseen"
        segments += _parcel(cell, parcel, time, outcome, registry)
        cell.parcel = None
    if cell.reservation is not None and cell.reservation.until <= time:
        segments += _end_reservation(cell, time, "expired", registry)
    return segments


def _shut(cell: Cell, time: int, present: bool | None, registry: Registry) -> list[Segment]:
    if cell.opening is None:
        return []
    opening, cell.opening = cell.opening, None
    return _door(cell, opening, time, present, registry)


def _show(cell: Cell, time: int, registry: Registry) -> list[Segment]:
    """The state as it now is; closes the one before where it changed."""
    shown = "fault" if cell.fault else "occupied" if cell.parcel else "reserved" if cell.reservation else "free"
    if shown == cell.shown:
        return []
    before, since = cell.shown, cell.since
    cell.shown, cell.since = shown, time
    return (
        [] if before is None or since == time else [_segment(cell, "state", since, time, {"state": before}, registry)]
    )


def _end_reservation(cell: Cell, time: int, outcome: str, registry: Registry) -> list[Segment]:
    held, cell.reservation = cell.reservation, None
    if held is None:
        return []
    return [_segment(cell, "reservation", held.start, time, {"parcel": held.parcel, "outcome": outcome}, registry)]


def _parcel(cell: Cell, parcel: Parcel, end: int | None, outcome: str | None, registry: Registry) -> list[Segment]:
    """A parcel and its overdue marks; of one that is still there also those to come."""
    dwell = None if end is None else (end - parcel.start) / SECOND
    data = {"parcel": parcel.parcel, "outcome": outcome, "dwell_s": dwell, "uncertain": parcel.uncertain}
    segments = [_segment(cell, "parcel", parcel.start, end, data, registry)]
    about = {"parcel": parcel.parcel, "since": text(parcel.start)}
    for mark, after in OVERDUE.items():
        segments += _condition(cell, mark, parcel.start + after, end, about, registry)
    return segments


def _door(cell: Cell, opening: Opening, end: int | None, present: bool | None, registry: Registry) -> list[Segment]:
    """An opening, and the condition that it lasts too long."""
    limit = _bank(registry, cell.device, opening.start).door_open_limit_s * SECOND
    data = {"purpose": opening.purpose, "present": present}
    segments = [_segment(cell, "door", opening.start, end, data, registry)]
    about = {"purpose": opening.purpose, "opened": text(opening.start)}
    return segments + _condition(cell, "door-left-open", opening.start + limit, end, about, registry)


def _condition(
    cell: Cell, kind: str, start: int, end: int | None, data: dict[str, Any], registry: Registry
) -> list[Segment]:
    if end is not None and end <= start:
        return []
    return [_segment(cell, kind, start, end, data, registry)._replace(tell_at=start)]


def _segment(cell: Cell, kind: str, start: int, end: int | None, data: dict[str, Any], registry: Registry) -> Segment:
    placement = registry.placement(cell.device, start)
    sizes = _bank(registry, cell.device, start).cells
    bank = placement.point_id if placement else None
    return Segment(kind, start, end, {"bank": bank, "cell": cell.cell, "size": sizes.get(cell.cell), **data})


def _bank(registry: Registry, device: str, time: int) -> BankPoint:
    """The bank's place with its limits, as it held at `time`."""
    placement = registry.placement(device, time)
    return placement.point if placement and isinstance(placement.point, BankPoint) else NO_BANK
