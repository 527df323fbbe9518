"""Parcels: locker banks, their cells, and what lay in them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import STALE, Model, NameShown, Share, Time

_COUNTS: dict[str, Any] = {"cells": 24, "free": 9, "reserved": 2, "occupied": 12, "fault": 1, "fill": 0.5217}


class Counts(Model):
    """Cells by state."""

    example: ClassVar = _COUNTS

    cells: int
    free: int
    reserved: int
    occupied: int
    fault: int
    fill: Share | None = Field(description="Occupied / cells not in fault; null where all are.")


class Fill(Counts):
    """How full a bank is in one size of cells."""

    example: ClassVar = {"size": "M", **_COUNTS}

    size: str


class BankShown(Model):
    """A locker bank and how full it is."""

    example: ClassVar = {
        "id": "bank-1",
        "site": "demo",
        "building": "b1",
        "name": {"zh": "一号柜", "en": "Bank 1"},
        "device": "lk-1",
        "at": "2026-10-01T02:00:00Z",
        "now": {"cells": 48, "free": 20, "reserved": 3, "occupied": 24, "fault": 1, "fill": 0.5106},
        "stale": False,
        "sizes": [Fill.example],
    }

    id: str
    site: str
    building: str | None
    name: NameShown | None
    device: str | None = Field(description="The controller in service; null: none.")
    at: Time
    now: Counts
    stale: bool = Field(description=STALE)
    sizes: list[Fill]


class CellShown(Model):
    """A cell of a bank in service."""

    example: ClassVar = {
        "bank": "bank-1",
        "device": "lk-1",
        "cell": "c07",
        "size": "M",
        "state": "occupied",
        "since": "2026-09-29T23:41:05Z",
        "parcel_since": "2026-09-29T23:41:05Z",
        "parcel": "pk-88121",
        "overdue_h": 24,
        "door_open_since": None,
    }

    bank: str
    device: str
    cell: str
    size: str
    state: Literal["free", "reserved", "occupied", "fault"]
    since: Time | None = Field(description="Null: nothing was ever heard of this cell.")
    parcel_since: Time | None = Field(
        description="When the parcel in it was deposited; it also lies there through a fault."
    )
    parcel: str | None = Field(description="Id of the parcel that the reservation gave.")
    overdue_h: Literal[24, 48, 72] | None
    door_open_since: Time | None


class Cells(Model):
    """All cells of a bank at one moment."""

    example: ClassVar = {"bank": "bank-1", "at": "2026-10-01T02:00:00Z", "stale": False, "items": [CellShown.example]}

    bank: str
    at: Time
    stale: bool = Field(description=STALE)
    items: list[CellShown]


class BankFill(Model):
    """How full a bank is, by size."""

    example: ClassVar = {"bank": "bank-1", "at": "2026-10-01T02:00:00Z", "stale": False, "items": [Fill.example]}

    bank: str
    at: Time
    stale: bool = Field(description=STALE)
    items: list[Fill]


class Parcel(Model):
    """A parcel from the closing after its deposit to the closing after it went."""

    example: ClassVar = {
        "device": "lk-1",
        "bank": "bank-1",
        "cell": "c07",
        "size": "M",
        "start": "2026-09-29T23:41:05Z",
        "end": "2026-10-01T01:02:44Z",
        "parcel": "pk-88121",
        "outcome": "collected",
        "dwell_s": 91299.0,
        "uncertain": False,
    }

    device: str
    bank: str | None
    cell: str
    size: str | None
    start: Time
    end: Time | None = Field(description="Null while it lies there.")
    parcel: str | None
    outcome: Literal["collected", "returned", "unseen"] | None
    dwell_s: float | None
    uncertain: bool = Field(description="Its deposit or its end was not seen.")


class Dwell(Model):
    """Dwell of the parcels of a bank that went in the range, by outcome."""

    example: ClassVar = {
        "bank": "bank-1",
        "outcome": "collected",
        "parcels": 118,
        "uncertain": 1,
        "dwell_p50_s": 21600.0,
        "dwell_p95_s": 158400.0,
    }

    bank: str | None
    outcome: Literal["collected", "returned", "unseen"] | None
    parcels: int
    uncertain: int
    dwell_p50_s: float | None = Field(description="Median of the certain ones, seconds.")
    dwell_p95_s: float | None


class DwellReport(Model):
    """Dwell by bank and outcome."""

    example: ClassVar = {"stale": False, "items": [Dwell.example]}

    stale: bool = Field(description=STALE)
    items: list[Dwell]
