"""The solar domain: two timelines (inverters, weather stations) and the clear sky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compound.events import Received
from compound.settings import Settings
from compound.timeutil import HOUR
from processors.runtime.domain import Tx
from processors.runtime.states import StateDomain, points_of
from processors.runtime.tables import Changes
from processors.runtime.telling import Rule
from processors.runtime.timeline import StateTimeline
from processors.solar.decode import inverter_points, weather_points
from processors.solar.inverters import Inverter, Inverters
from processors.solar.sky import Place, fill, places
from processors.solar.weather import Weather

RULES: Final = {"inverter-fault": Rule("maintenance", "medium")}


class Solar(StateDomain[Inverter]):
    """Inverters in the tables without prefix, weather stations in those with `weather_`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("solar", ("inverter", "weather"), inverter_points, Inverters(), RULES, settings)
        self.weather = StateTimeline(Weather(), "weather_", keep=settings.processors_timelines)
        self._places: tuple[int, list[Place]] = (-1, [])
        self._look_again_at = 0

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Points of both kinds into their timelines."""
        super().apply(tx, events)
        self._noted(tx, self.weather.add(tx, points_of(self.name, weather_points, events)))

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """Fold again after a change of the registry; a device is in one of the two timelines."""
        super().rederive(tx, devices)
        self._noted(tx, self.weather.rederive(tx, devices))

    def tick(self, tx: Tx) -> bool:
        """Tell what is due, and keep the clear sky filled."""
        return super().tick(tx) | self._fill(tx)

    def forget(self) -> None:
        """Drop the tails."""
        super().forget()
        self.weather.forget()
        self._places, self._look_again_at = (-1, []), 0

    def _fill(self, tx: Tx) -> bool:
        """Look once a day, or when the registry changed, whether clear sky is missing."""
        if self._places[0] != tx.registry.version:
            self._places, self._look_again_at = (tx.registry.version, places(tx.registry)), 0
        if tx.now < self._look_again_at:
            return False
        filled = [fill(tx, place) for place in self._places[1]]
        if not any(filled):
            self._look_again_at = tx.now + 6 * HOUR
        return any(filled)

    def _noted(self, tx: Tx, changes: Changes) -> None:
        for (subject, _), _kind, _start, _key in (*changes.removed, *changes.added):
            tx.changed.add((self.name, subject))
