"""The timeline of a door: openings and what they own, from grants, exit requests, openings, passages and closings.

Segments (all times µs UTC): `opening`, `passage` (of a moment: start = end), `released`, and the conditions `forced`,
`held`, `tailgating`, `duress`, `tamper`; their data stand in `processors.access.opening`.

Points of one time go by boot, seq, then grant < exit request < opened < passage < closed. A grant is owned by the
earliest opening whose stretch [opening - 10 s, max(closing, opening + 2 s)] holds it. So an opening is final once a
point after that stretch is in.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from compound.registry.timeline import Registry
from processors.access.decode import SEEN_CLOSED, SEEN_OPEN, Sign, sign
from processors.access.opening import BEFORE, INSTANT, Opening, Pass, key_of, passage, place_of, reset_of, segments
from processors.runtime.point import Point, Segment

_RANK: Final = {
    name: rank
    for rank, name in enumerate(
        ("grant", "duress", "exit_request", "opened", SEEN_OPEN, "passage", SEEN_CLOSED, "closed")
    )
}


class Door(msgspec.Struct):
    """Where the fold stands: grants that wait for an opening, and the openings that are not final, by time."""

    device: str
    waiting: list[Pass] = []
    openings: list[Opening] = []
    released: int | None = None

    @property
    def standing(self) -> Opening | None:
        """The opening that goes on; it is the last one."""
        return self.openings[-1] if self.openings and self.openings[-1].end is None else None


class Doors:
    """The fold of `Door` over the points of one gate device."""

    kind: str | None = "gate"
    state = Door

    def initial(self, subject: str, what: str) -> Door:
        """A closed, secured door."""
        return Door(subject)

    def order(self, point: Point) -> tuple[Any, ...]:
        """Boot, seq, then causes before what they cause (DOMAIN, Doors)."""
        return point.boot, point.seq, _RANK.get(sign(point).event, len(_RANK)), point.value

    def step(self, state: Door, point: Point, registry: Registry) -> list[Segment]:
        """Take a point; openings that no later point can change are closed by it."""
        final = _settle(state, point.time, registry)
        said, standing = sign(point), state.standing
        match said.event:
            case "opened":
                _open(state, Opening(state.device, point.time, released=state.released is not None))
            case "seen-open" if standing is None:
                _open(state, Opening(state.device, point.time, began=False, released=state.released is not None))
            case "closed" | "seen-closed" if standing is not None:
                standing.end, standing.ended = point.time, said.event == "closed"
            case "grant" | "exit_request":
                _own(state, _pass(point, said))
            case "duress":
                _own(state, _pass(point, said))
                final.append(
                    _moment(state.device, point, said, registry, {"token": said.token or None, "silent": True})
                )
            case "tamper":
                final.append(_moment(state.device, point, said, registry, {}))
            case "passage":
                final += _count(state, point, said, registry)
            case "released" if state.released is None:
                state.released = point.time
                if standing is not None:
                    standing.release(point.time)
            case "secured" if state.released is not None:
                final.append(_released(state, point.time, registry))
                state.released = None
                if standing is not None:
                    standing.secure(point.time)
            case _:
                pass  # denied, muster and repeats change nothing here
        return final

    def open(self, state: Door, registry: Registry) -> list[Segment]:
        """What stands: the openings that may still change, and a release."""
        found = [segment for opening in state.openings for segment in segments(opening, registry)]
        return found if state.released is None else [*found, _released(state, None, registry)]

    def end(self, state: Door, time: int, registry: Registry) -> list[Segment]:
        """The device left the door: what stands open ends there, unseen."""
        if state.standing is not None:
            state.standing.end = time
        found = [segment for opening in state.openings for segment in segments(opening, registry)]
        return found if state.released is None else [*found, _released(state, time, registry)]


def _settle(state: Door, time: int, registry: Registry) -> list[Segment]:
    """The segments of openings that no point from `time` on can change; grants nobody can own any more are forgotten."""
    final: list[Segment] = []
    kept: list[Opening] = []
    for opening in state.openings:
        if opening.owns_until is not None and opening.owns_until < time:
            final += segments(opening, registry)
        else:
            kept.append(opening)
    state.openings = kept
    state.waiting = [each for each in state.waiting if each.time >= time - BEFORE]
    return final


def _open(state: Door, opening: Opening) -> None:
    """A new opening takes what waits for it. One that stood open ends here: its closing was lost."""
    if state.standing is not None:
        state.standing.end = opening.start
    opening.owned, state.waiting = state.waiting, []
    if state.released is not None:
        opening.freed = [(opening.start, None)]
    state.openings.append(opening)


def _own(state: Door, granted: Pass) -> None:
    """The earliest opening that can own it does (all that are not final can), else it waits for one."""
    if state.openings:
        state.openings[0].owned.append(granted)
    else:
        state.waiting.append(granted)


def _count(state: Door, point: Point, said: Sign, registry: Registry) -> list[Segment]:
    """A counted passage belongs to the newest opening; without one it stands for itself, without a name."""
    if state.openings:
        state.openings[-1].passages.append(_pass(point, said))
        return []
    door, place = place_of(registry, state.device, point.time)
    common = {**place, "opening": None, **reset_of(registry, place["site"], point.time)}
    return [passage(door, common, point.time, said.direction, "", key_of(point))]


def _pass(point: Point, said: Sign) -> Pass:
    return Pass(point.time, said.event, said.direction, said.token, key_of(point))


def _moment(device: str, point: Point, said: Sign, registry: Registry, data: dict[str, Any]) -> Segment:
    """A condition of a moment."""
    _, place = place_of(registry, device, point.time)
    start = point.time
    data = {**place, **data, "opening": None}
    return Segment(said.event, start, start + INSTANT, data, key_of(point), tell_at=start)


def _released(state: Door, end: int | None, registry: Registry) -> Segment:
    assert state.released is not None
    _, place = place_of(registry, state.device, state.released)
    return Segment("released", state.released, end, place)
