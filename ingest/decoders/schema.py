"""The MQTT contract's payloads as types: one struct a kind of device and channel, with the ranges of its values.

docs/asyncapi.yaml says the same and is tested against this. Quantities are integers with the unit in the name.
An unknown field is refused: it could hold personal data, which must not reach the log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, Struct

ID_PATTERN: Final = r"^[A-Za-z0-9._-]{1,64}\Z"

Time = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Watts = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
Bits32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Personal = Annotated[str, Meta(min_length=1, max_length=64)]


class Payload(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, kw_only=True):
    """What every reading and event has: the device's time, its start, and the number in it."""

    personal: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Fields that become tokens, each with the category of its key."""

    time: Time
    boot: Count
    seq: Count

    def fault(self) -> str | None:
        """What the field types can't say: why this payload says nothing, or None."""
        return None


class MeterReading(Payload, kw_only=True):
    """Registers as the meter shows them (secondary values), or the energy of an interval that ends at `time`."""

    serial: Id | None = None
    import_wh: Count | None = None
    export_wh: Count | None = None
    volume_l: Count | None = None
    heat_wh: Count | None = None
    pulses: Count | None = None
    power_w: Watts | None = None
    interval_s: Annotated[int, Meta(ge=1, le=32 * 86_400)] | None = None
    interval_wh: Count | None = None
    interval_l: Count | None = None

    def fault(self) -> str | None:
        """A reading has a register or an interval, not both; an interval has its length and one quantity."""
        interval = (self.interval_wh is not None) + (self.interval_l is not None)
        register = (
            self.import_wh is not None
            or self.export_wh is not None
            or self.volume_l is not None
            or self.heat_wh is not None
            or self.pulses is not None
        )
        if self.interval_s is None and not interval:
            return None if register else "no register and no interval"
        if register:
            return "both registers and an interval"
        return (
            None if interval == 1 and self.interval_s is not None else "an interval needs interval_s and one quantity"
        )


class InverterReading(Payload, kw_only=True):
    """A SunSpec inverter: `energy_wh` is the acc32 counter (wraps at 2**32; 0: not accumulated)."""

    energy_wh: Bits32
    power_w: Watts
    state: Annotated[int, Meta(ge=1, le=8)]
    evt1: Bits32
    dc_power_w: Watts | None = None


class WeatherReading(Payload, kw_only=True):
    """A weather station; what is absent was not measured."""

    poa_w_m2: Annotated[int, Meta(ge=-50, le=2000)] | None = None
    ghi_w_m2: Annotated[int, Meta(ge=-50, le=2000)] | None = None
    ambient_mc: Annotated[int, Meta(ge=-90_000, le=80_000)] | None = None
    module_mc: Annotated[int, Meta(ge=-90_000, le=150_000)] | None = None

    def fault(self) -> str | None:
        """Something must have been measured."""
        measured = (self.poa_w_m2, self.ghi_w_m2, self.ambient_mc, self.module_mc)
        return "nothing measured" if all(value is None for value in measured) else None


class GateEvent(Payload, kw_only=True):
    """One door."""

    personal: ClassVar = (("card", "access"),)

    event: Literal[
        "grant",
        "denied",
        "exit_request",
        "opened",
        "passage",
        "closed",
        "released",
        "secured",
        "duress",
        "tamper",
        "muster",
    ]
    card: Personal | None = None
    direction: Literal["in", "out"] | None = None


class GateReading(Payload, kw_only=True):
    """Heartbeat of a door."""

    door: Literal["open", "closed"]


class ParkingEvent(Payload, kw_only=True):
    """A spot changed its state."""

    personal: ClassVar = (("plate", "parking"),)

    state: Literal["occupied", "free"]
    plate: Personal | None = None


class ParkingReading(Payload, kw_only=True):
    """Heartbeat of a spot."""

    state: Literal["occupied", "free"]


class LockerEvent(Payload, kw_only=True):
    """A cell of a bank."""

    personal: ClassVar = (("phone", "parcels"),)

    cell: Id
    event: Literal["reserved", "opened", "closed", "fault", "repaired", "cancelled"]
    purpose: Literal["deposit", "pickup", "retrieval", "service"] | None = None
    present: bool | None = None
    phone: Personal | None = None
    parcel: Id | None = None

    def fault(self) -> str | None:
        """An opening says what for, a closing whether a parcel is in the cell."""
        if self.event == "opened" and self.purpose is None:
            return "opened without purpose"
        if self.event == "closed" and self.present is None:
            return "closed without present"
        return None


class LockerReading(Payload, kw_only=True):
    """Heartbeat of a bank."""

    cells_free: Annotated[int, Meta(ge=0, le=100_000)]


class Status(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, kw_only=True):
    """Retained state of a device. The last will, written when the device connects, has no time of its own."""

    personal: ClassVar[tuple[tuple[str, str], ...]] = ()

    boot: Count
    state: Literal["online", "offline"]
    time: Time | None = None
    will: bool = False

    def fault(self) -> str | None:
        """Only a will may be without time, and a will says offline."""
        if self.will:
            return None if self.state == "offline" else "a will that says online"
        return "time is missing" if self.time is None else None


Data = Payload | Status

CHANNELS: Final[dict[tuple[str, str], type[Data]]] = {
    ("meter", "reading"): MeterReading,
    ("inverter", "reading"): InverterReading,
    ("weather", "reading"): WeatherReading,
    ("gate", "event"): GateEvent,
    ("gate", "reading"): GateReading,
    ("parking", "event"): ParkingEvent,
    ("parking", "reading"): ParkingReading,
    ("locker", "event"): LockerEvent,
    ("locker", "reading"): LockerReading,
    **{(kind, "status"): Status for kind in ("meter", "inverter", "weather", "gate", "parking", "locker")},
}
"""(kind, channel) -> its payload."""
