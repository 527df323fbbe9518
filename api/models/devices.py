"""Devices, their state, and their events."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import Model, NameShown, Time
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


State = Literal["alive", "silent", "offline", "never"]
DeviceKind = Literal["meter", "inverter", "weather", "gate", "parking", "locker"]

_DEVICE: dict[str, Any] = {
    "id": "m-001",
    "kind": "meter",
    "site": "demo",
    "registered": True,
    "point": "p-b1",
    "name": {"zh": "一号楼总表", "en": "Building 1"},
    "maintenance": False,
    "state": "alive",
    "since": "2026-09-12T07:00:02.118Z",
    "first_seen": "2026-09-01T00:00:03.500Z",
    "last_seen": "2026-10-01T02:15:00.412Z",
    "newest": "2026-10-01T02:15:00Z",
    "boot": 3,
    "messages": 2880,
}


class DeviceShown(Model):
    """A device that is registered or was heard, and whether it lives."""

    example: ClassVar = _DEVICE

    id: str
    kind: DeviceKind
    site: str
    registered: bool = Field(description="Whether the registry knows it now; else its points wait.")
    point: str | None = Field(description="Where it sits.")
    name: NameShown | None
    maintenance: bool
    state: State = Field(description="By arrival: never means that nothing but retained replays came.")
    since: Time | None = Field(description="Since when it is in this state.")
    first_seen: Time | None
    last_seen: Time | None = Field(description="Newest arrival (the log's time).")
    newest: Time | None = Field(description="Newest time of its own.")
    boot: int | None = Field(description="Which start of the device was heard last.")
    messages: int | None = Field(description="Records in the log; null at a moment that lies behind.")


class Channel(Model):
    """A channel of a device."""

    example: ClassVar = {"channel": "reading", "last_seen": "2026-10-01T02:15:00.412Z", "silent_since": None}

    channel: Literal["reading", "event", "status"]
    last_seen: Time
    silent_since: Time | None = Field(description="Last sign before it fell silent, while the device otherwise lives.")


class DeviceDetail(DeviceShown):
    """A device with its parameters, channels and losses."""

    example: ClassVar = {
        **_DEVICE,
        "channels": [Channel.example],
        "lost": 0,
        "stale": False,
        "data": {"kind": "meter", "site": "demo", "point": "p-b1", "rated_w": 200000},
    }

    channels: list[Channel]
    lost: int = Field(description="Numbers (seq) that never arrived, of all its starts; see gaps.")
    stale: bool = Field(description="Whether what was made of its points is being derived again.")
    data: dict[str, Any] | None = Field(description="As the registry has it now.")


class Gap(Model):
    """Numbers of one start of a device that never arrived."""

    example: ClassVar = {"boot": 3, "first": 211, "last": 213, "count": 3}

    boot: int
    first: int
    last: int = Field(description="Included.")
    count: int
