"""Parking: what a spot's sensor says, as states, stays and overstays (DOMAIN, Occupancy)."""

from __future__ import annotations

from compound.settings import Settings
from processors.parking.decode import points
from processors.parking.spots import Spot, Spots
from processors.runtime.states import StateDomain
from processors.runtime.telling import Rule

RULES = {"overstay": Rule("security", "low")}


def create(settings: Settings) -> StateDomain[Spot]:
    """The domain: topic `parking` into the schema `parking`."""
    return StateDomain("parking", ("parking",), points, Spots(), RULES, settings)
