"""The MQTT contract's payloads as types: one struct a kind of device and channel, with the ranges of its values.

docs/asyncapi.yaml says the same and is tested against this. Quantities are integers with the unit in the name.
An unknown field is refused: it could hold personal data, which must not reach the log. So is null: a field that has
nothing to say is left out, and whoever reads the log has one case less.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

ID_PATTERN: Final = r"^[A-Za-z0-9._-]{1,64}\Z"

Time = Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset or Z, up to microseconds")]
Boot = Annotated[int, Meta(ge=0, le=2**63 - 1, description="which start of the device; grows")]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1, description="number of the reading or event in its boot; grows by 1")]
WattHours = Annotated[int, Meta(ge=0, le=2**63 - 1, description="Wh")]
Litres = Annotated[int, Meta(ge=0, le=2**63 - 1, description="litres")]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Watts = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000, description="W, now")]
Bits32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Irradiance = Annotated[int, Meta(ge=-50, le=2000, description="W/m²")]
MilliCelsius = Annotated[int, Meta(ge=-90_000, le=150_000, description="thousandths of °C")]
Seconds = Annotated[int, Meta(ge=1, le=32 * 86_400, description="length of the interval that ends at time, s")]
Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Personal = Annotated[str, Meta(min_length=1, max_length=64, description="personal: ingest puts a token in its place")]


class Payload(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, kw_only=True):
    """What every reading and event has: the device's time, its start, and the number in it."""

    personal: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Fields that become tokens, each with the category of its key."""

    time: Time
    boot: Boot
    seq: Seq

    def fault(self) -> str | None:
        """What the field types can't say: why this payload says nothing, or None."""
        return None


class MeterReading(Payload, kw_only=True):
    """Registers as the meter shows them (secondary values), or the energy of an interval that ends at `time`."""

    serial: Id | UnsetType = UNSET
    import_wh: WattHours | UnsetType = UNSET
    export_wh: WattHours | UnsetType = UNSET
    volume_l: Litres | UnsetType = UNSET
    heat_wh: WattHours | UnsetType = UNSET
    pulses: Annotated[Count, Meta(description="impulses counted")] | UnsetType = UNSET
    power_w: Watts | UnsetType = UNSET
    interval_s: Seconds | UnsetType = UNSET
    interval_wh: WattHours | UnsetType = UNSET
    interval_l: Litres | UnsetType = UNSET

    def fault(self) -> str | None:
        """A reading has a register or an interval, not both; an interval has its length and one quantity."""
        interval = (self.interval_wh is not UNSET) + (self.interval_l is not UNSET)
        register = (
            self.import_wh is not UNSET
            or self.export_wh is not UNSET
            or self.volume_l is not UNSET
            or self.heat_wh is not UNSET
            or self.pulses is not UNSET
        )
        if self.interval_s is UNSET and not interval:
            return None if register else "no register and no interval"
        if register:
            return "both registers and an interval"
        return (
            None if interval == 1 and self.interval_s is not UNSET else "an interval needs interval_s and one quantity"
        )


class InverterReading(Payload, kw_only=True):
    """A SunSpec inverter: `energy_wh` is the acc32 counter (wraps at 2**32; 0: not accumulated)."""

    energy_wh: Annotated[Bits32, Meta(description="Wh, counter of 32 bits that wraps; 0: not accumulated")]
    power_w: Watts
    state: Annotated[int, Meta(ge=1, le=8, description="operating state of SunSpec 103")]
    evt1: Annotated[Bits32, Meta(description="event bits of SunSpec 103")]
    dc_power_w: Watts | UnsetType = UNSET


class WeatherReading(Payload, kw_only=True):
    """A weather station; what is absent was not measured."""

    poa_w_m2: Irradiance | UnsetType = UNSET
    ghi_w_m2: Irradiance | UnsetType = UNSET
    ambient_mc: MilliCelsius | UnsetType = UNSET
    module_mc: MilliCelsius | UnsetType = UNSET

    def fault(self) -> str | None:
        """Something must have been measured."""
        measured = (self.poa_w_m2, self.ghi_w_m2, self.ambient_mc, self.module_mc)
        return "nothing measured" if all(value is UNSET for value in measured) else None


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
    card: Personal | UnsetType = UNSET
    direction: Literal["in", "out"] | UnsetType = UNSET


class GateReading(Payload, kw_only=True):
    """Heartbeat of a door."""

    door: Literal["open", "closed"]


class ParkingEvent(Payload, kw_only=True):
    """A spot changed its state."""

    personal: ClassVar = (("plate", "parking"),)

    state: Literal["occupied", "free"]
    plate: Personal | UnsetType = UNSET


class ParkingReading(Payload, kw_only=True):
    """Heartbeat of a spot."""

    state: Literal["occupied", "free"]


class LockerEvent(Payload, kw_only=True):
    """A cell of a bank."""

    personal: ClassVar = (("phone", "parcels"),)

    cell: Id
    event: Literal["reserved", "opened", "closed", "fault", "repaired", "cancelled"]
    purpose: Literal["deposit", "pickup", "retrieval", "service"] | UnsetType = UNSET
    present: Annotated[bool, Meta(description="a parcel is in the cell")] | UnsetType = UNSET
    phone: Personal | UnsetType = UNSET
    parcel: Id | UnsetType = UNSET

    def fault(self) -> str | None:
        """An opening says what for, a closing whether a parcel is in the cell."""
        if self.event == "opened" and self.purpose is UNSET:
            return "opened without purpose"
        if self.event == "closed" and self.present is UNSET:
            return "closed without present"
        return None


class LockerReading(Payload, kw_only=True):
    """Heartbeat of a bank."""

    cells_free: Annotated[int, Meta(ge=0, le=100_000, description="cells without parcel and reservation")]


class Status(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, kw_only=True):
    """Retained state of a device. The last will, written when the device connects, has no time of its own."""

    personal: ClassVar[tuple[tuple[str, str], ...]] = ()

    boot: Boot
    state: Literal["online", "offline"]
    time: Time | UnsetType = UNSET
    will: Annotated[bool, Meta(description="true in the last will, which has no time")] = False

    def fault(self) -> str | None:
        """Only a will may be without time, and a will says offline."""
        if self.will:
            return None if self.state == "offline" else "a will that says online"
        return "time is missing" if self.time is UNSET else None


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
