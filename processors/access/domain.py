"""The access domain: doors first; their named passages are contributions to the persons' own timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from compound.settings import Settings
from compound.store.db import Connection
from processors.access.decode import points
from processors.access.doors import Door, Doors
from processors.access.opening import INSTANT
from processors.access.persons import People, point_of
from processors.runtime.domain import Tx
from processors.runtime.point import Point, Segment
from processors.runtime.states import StateDomain
from processors.runtime.tables import Changes, Name
from processors.runtime.telling import Name as Condition
from processors.runtime.telling import Rule, Teller, segments_of
from processors.runtime.timeline import StateTimeline

RULES: Final = {
    "forced": Rule("security", "high"),
    "duress": Rule("security", "high"),
    "tamper": Rule("security", "high"),
    "held": Rule("security", "medium"),
    "tailgating": Rule("security", "medium"),
    "anti-passback": Rule("security", "medium"),
}

_stored = segments_of("segment", "person_segment")


class AccessDomain(StateDomain[Door]):
    """Topic `gate`: doors by device, people by token."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("access", ("gate",), points, Doors(), RULES, settings)
        self.teller = Teller(RULES, settings.quiet_s, settings.late_s, standing)
        self.persons = StateTimeline(People(), "person_", shared=True)

    def contribute(self, tx: Tx, changes: Changes) -> None:
        """Passages that changed are taken from and given to the persons' timelines."""
        gone, come = _points(changes.removed), _points(changes.added)
        if gone == come:
            return
        moved = self.persons.add(tx, come - gone, gone - come)
        for _, segment in (*moved.removed.items(), *moved.added.items()):
            if segment.kind == "place":
                tx.changed.add(("zone", segment.data["zone"]))

    def forget(self) -> None:
        """Drop the tails of both stages."""
        super().forget()
        self.persons.forget()


def standing(conn: Connection, names: Sequence[Condition]) -> Mapping[Condition, Segment]:
    """Conditions as they are told: a minute at least. Who forced a door and shut it behind him is inside all the same."""
    found = dict(_stored(conn, names))
    for name, segment in found.items():
        if segment.end is not None and segment.tell_at is not None and segment.kind != "held":
            found[name] = segment._replace(end=max(segment.end, segment.tell_at + INSTANT))
    return found


def _points(segments: Mapping[Name, Segment]) -> set[Point]:
    found = set[Point]()
    for ((device, _), kind, _, _), segment in segments.items():
        if kind == "passage" and (point := point_of(device, segment)) is not None:
            found.add(point)
    return found
