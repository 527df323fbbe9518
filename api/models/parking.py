"""Parking: car parks, spots, stays."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import STALE, Model, NameShown, Share, Time

_NOW: dict[str, Any] = {
    "in_service": 95,
    "occupied": 40,
    "free": 40,
    "unknown": 15,
    "known_share": 0.8421,
    "occupancy": 0.5,
}


class Occupancy(Model):
    """Counts of the spots in service."""

    example: ClassVar = _NOW

    in_service: int = Field(description="Spots with a sensor that is not in maintenance.")
    occupied: int
    free: int
    unknown: int = Field(description="Spots without a sign within the sensor's heartbeat limit.")
    known_share: Share | None = Field(description="(occupied + free) / in service; null without spots in service.")
    occupancy: Share | None = Field(description="occupied / (occupied + free); null below 80 % known share.")


class CarparkShown(Model):
    """A car park and its occupancy now."""

    example: ClassVar = {
        "id": "north",
        "site": "demo",
        "name": {"zh": "北停车场", "en": "North car park"},
        "at": "2026-10-01T02:00:00Z",
        "now": _NOW,
        "stale": False,
    }

    id: str
    site: str
    name: NameShown | None
    at: Time
    now: Occupancy
    stale: bool = Field(description=STALE)


class SpotNow(Model):
    """A spot in service."""

    spot: str
    device: str
    spot_class: str | None
    state: Literal["occupied", "free", "unknown"]
    since: Time | None = Field(description="Since when this state is known; null while unknown.")
    stay_since: Time | None = Field(description="Since when a stay goes on here, also through unknown.")


class CarparkNow(Model):
    """A car park at one moment, spot by spot."""

    example: ClassVar = {
        "carpark": "north",
        "at": "2026-10-01T02:00:00Z",
        **_NOW,
        "stale": False,
        "spots": [
            {
                "spot": "spot-n-001",
                "device": "ps-n-001",
                "spot_class": "visitor",
                "state": "occupied",
                "since": "2026-10-01T00:31:10Z",
                "stay_since": "2026-10-01T00:31:10Z",
            }
        ],
    }

    carpark: str
    at: Time
    in_service: int
    occupied: int
    free: int
    unknown: int
    known_share: Share | None = Field(description="(occupied + free) / in service.")
    occupancy: Share | None = Field(description="occupied / (occupied + free); null below 80 % known share.")
    stale: bool = Field(description=STALE)
    spots: list[SpotNow]


class OccupancyAt(Occupancy):
    """Counts at one moment."""

    example: ClassVar = {"at": "2026-10-01T02:00:00Z", **_NOW}

    at: Time


class CarparkHistory(Model):
    """Occupancy at from, from + step, … before to."""

    example: ClassVar = {"carpark": "north", "step_s": 900, "stale": False, "items": [OccupancyAt.example]}

    carpark: str
    step_s: int
    stale: bool = Field(description=STALE)
    items: list[OccupancyAt]


class Stay(Model):
    """A stay on a spot."""

    example: ClassVar = {
        "device": "ps-n-001",
        "spot": "spot-n-001",
        "carpark": "north",
        "start": "2026-10-01T01:00:00Z",
        "end": "2026-10-01T03:00:00Z",
        "dwell_s": 7200.0,
        "uncertain": True,
    }

    device: str
    spot: str | None
    carpark: str | None
    start: Time
    end: Time | None = Field(description="Null while it goes on.")
    dwell_s: float | None
    uncertain: bool = Field(description="It went on through unknown, or its start or end was not seen.")


class TurnoverDay(Model):
    """A local day: the stays that ended in it."""

    example: ClassVar = {
        "day": "2026-10-01",
        "start": "2026-09-30T16:00:00Z",
        "spots": 95,
        "stays": 190,
        "uncertain": 3,
        "turnover": 2.0,
        "dwell_p50_s": 5400.0,
        "dwell_p95_s": 30600.0,
    }

    day: str
    start: Time
    spots: int
    stays: int
    uncertain: int
    turnover: float | None = Field(description="Stays per spot in service; null without spots.")
    dwell_p50_s: float | None = Field(description="Median dwell of the certain stays, seconds.")
    dwell_p95_s: float | None


class Turnover(Model):
    """Turnover and dwell by local day."""

    example: ClassVar = {
        "carpark": "north",
        "timezone": "Asia/Shanghai",
        "stale": False,
        "items": [TurnoverDay.example],
    }

    carpark: str
    timezone: str
    stale: bool = Field(description=STALE)
    items: list[TurnoverDay]
