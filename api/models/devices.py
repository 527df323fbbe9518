"""Devices, their state, and their events."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from api.models.base import Model, Time
from api.models.meters import Address


class DeviceEvent(Model):
    """An event of a device, as it stands in the book. Personal data are tokens."""

    example: ClassVar = {
        "id": "5f0c3b1a9d2e4f60718293a4b5c6d7e8",
        "type": "meter.reading.v1",
        "source": "compound/v1/demo/meter/m-001",
        "time": "2026-10-01T02:15:00Z",
        "recorded": "2026-10-01T02:15:00.412Z",
        "address": Address.example,
        "data": {"time": "2026-10-01T02:15:00Z", "boot": 3, "seq": 912, "import_wh": 1000400},
    }

    id: str
    type: str
    source: str
    time: Time = Field(description="The device's own.")
    recorded: Time = Field(description="The log's own; it grows with the offset.")
    address: Address
    data: dict[str, Any]
