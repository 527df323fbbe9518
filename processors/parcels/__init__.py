"""Parcels: what a locker bank's cells say, as states, parcels, reservations and openings (DOMAIN, Lockers)."""

from __future__ import annotations

from compound.settings import Settings
from processors.parcels.cells import Cell, Cells
from processors.parcels.decode import points
from processors.runtime.states import StateDomain
from processors.runtime.telling import Rule

RULES = {
    "overdue-24": Rule("notification", "low"),
    "overdue-48": Rule("notification", "low"),
    "overdue-72": Rule("notification", "low"),
    "door-left-open": Rule("security", "medium"),
}


def create(settings: Settings) -> StateDomain[Cell]:
    """The domain: topic `locker` into the schema `parcels`."""
    return StateDomain("parcels", ("locker",), points, Cells(), RULES, settings)
