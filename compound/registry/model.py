"""What the registry knows: sites, places, devices and rules, as frozen typed items.

Every item has a kind and an id and is dated: a version holds from its ``from`` until the next version of the same
item (see `compound.registry.timeline`). Quantities are integers with the unit in the name; names are shown in Chinese
and English. Secrets never stand here.
"""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import available_timezones

import msgspec

from compound.timeutil import parse

Medium = Literal["electricity", "water", "gas", "heat"]
Role = Literal["main", "sub", "generation", "storage"]

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A whole number that every part of the house can hold."""
Seconds = Annotated[int, msgspec.Meta(ge=0, le=3_660 * 86_400)]
"""A duration of at most ten years: with it every time stays in the calendar."""
Ratio = Annotated[str, msgspec.Meta(pattern=r"^(?=.*[1-9])[0-9]{1,12}(\.[0-9]{1,9})?$")]
"""An exact decimal above 0, as text."""
Weight = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{1,9})?$")]
"""An exact decimal from 0 on, as text."""

OUTSIDE = "outside"
"""The zone id of everything beyond the perimeter."""


class Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name as it is shown to people."""

    zh: str
    en: str


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What every item has."""

    name: Name | None = None


class Site(Item, frozen=True, kw_only=True):
    """A compound. Calendars, quota periods and days are in its zone."""

    timezone: str = "Asia/Shanghai"
    latitude: float
    longitude: float
    altitude_m: float = 0.0
    reset_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 3
    """Local hour of the nightly reset of presence (DOMAIN, People)."""

    def __post_init__(self) -> None:
        if self.timezone not in available_timezones():
            raise ValueError(f"{self.timezone!r} is no time zone")


class Building(Item, frozen=True, kw_only=True):
    """A building of a site."""

    site: str
    area_m2: Count


class Department(Item, frozen=True, kw_only=True):
    """An organisation unit that answers for consumption."""

    site: str
    area_m2: Count
    headcount: Count


class Zone(Item, frozen=True, kw_only=True):
    """An area that doors lead into; `outside` is built in."""

    site: str


class Carpark(Item, frozen=True, kw_only=True):
    """A car park: the spots whose point names it."""

    site: str


class SpotClass(Item, frozen=True, kw_only=True):
    """A class of spots; a stay longer than the limit is an overstay (None: never)."""

    limit_s: Seconds | None = None


class Point(Item, frozen=True, kw_only=True, tag_field="type"):
    """A place where a device sits. History belongs to it when the device is swapped."""

    site: str
    building: str | None = None


class MeterPoint(Point, frozen=True, kw_only=True, tag="meter"):
    """A measuring point; `parent` makes the dated meter tree of its medium.

    role main: import - export of the place that its children divide; generation: behind the main meter named by
    `parent`, adds to consumption, is no child of the residual; storage: register import_wh charges, export_wh discharges.
    """

    medium: Medium
    role: Role = "sub"
    department: str | None = None
    parent: str | None = None


class SolarPoint(Point, frozen=True, kw_only=True, tag="inverter"):
    """An inverter's place; generation behind the main meter point `parent`."""

    plant: str
    parent: str | None = None
    department: str | None = None
    p0_w: Count
    """Installed peak power at standard conditions, W."""
    tilt_deg: float = 0.0
    azimuth_deg: float = 180.0


class WeatherPoint(Point, frozen=True, kw_only=True, tag="weather"):
    """A weather station that measures the plane of `plant`."""

    plant: str


class DoorPoint(Point, frozen=True, kw_only=True, tag="gate"):
    """A door or gate from one zone into another (`in` goes from_zone -> to_zone)."""

    from_zone: str
    to_zone: str
    counts_passages: bool = False
    muster: bool = False


class SpotPoint(Point, frozen=True, kw_only=True, tag="parking"):
    """A parking spot."""

    carpark: str
    spot_class: str | None = None


class BankPoint(Point, frozen=True, kw_only=True, tag="locker"):
    """A locker bank; `cells` maps a cell's id to its size."""

    cells: dict[str, str]
    door_open_limit_s: Seconds = 120
    """A door open for longer is left open."""
    reservation_s: Seconds = 7200
    """A reservation without a deposit expires after this (DOMAIN, Lockers)."""


AnyPoint = MeterPoint | SolarPoint | WeatherPoint | DoorPoint | SpotPoint | BankPoint


class Device(Item, frozen=True, kw_only=True, tag_field="kind"):
    """A device and the point it sits at. A version with ``point = None`` says that it is taken out."""

    site: str
    point: str | None
    silence_s: Seconds = 1800
    """Without any message for this long (by arrival) the device is silent."""
    channel_silence_s: dict[str, Seconds] = {}
    """Limit for a single channel (reading, event) of a device that otherwise lives."""
    maintenance: bool = False


class MeterDevice(Device, frozen=True, kw_only=True, tag="meter"):
    """A meter. Rated power (or flow) is required: without it no step can be judged (DOMAIN, Fits).

    quantity = (r2 - r1) mod modulus x ct x pt x unit; registers as in the MQTT contract (secondary Wh, litres, pulses).
    """

    rated_w: Count | None = None
    rated_l_h: Count | None = None
    digits: Annotated[int, msgspec.Meta(ge=1, le=15)] = 8
    """Digits of the register, decimals included."""
    step: Count = 10
    """One step of the register's last digit in its field's unit (10 Wh = 0.01 kWh): modulus = 10**digits * step."""
    ct: Ratio = "1"
    pt: Ratio = "1"
    unit: Ratio = "1"
    """Wh or litres that one unit of the register stands for, exact decimal; 0.625 for a pulse of 0.625 Wh."""
    serial: str | None = None
    interval_s: Seconds = 900


class InverterDevice(Device, frozen=True, kw_only=True, tag="inverter"):
    """An inverter with an acc32 counter in Wh (SunSpec 103)."""

    rated_w: Count
    interval_s: Seconds = 300


class WeatherDevice(Device, frozen=True, kw_only=True, tag="weather"):
    """A weather station."""

    interval_s: Seconds = 300


class GateDevice(Device, frozen=True, kw_only=True, tag="gate"):
    """A door controller."""


class ParkingDevice(Device, frozen=True, kw_only=True, tag="parking"):
    """A spot's sensor; its state is unknown after `heartbeat_limit_s` without a point (by device time)."""

    heartbeat_limit_s: Seconds = 600


class LockerDevice(Device, frozen=True, kw_only=True, tag="locker"):
    """A locker bank's controller."""


AnyDevice = MeterDevice | InverterDevice | WeatherDevice | GateDevice | ParkingDevice | LockerDevice


class Replacement(Item, frozen=True, kw_only=True):
    """A register's replacement, or its reading at a change of CT, PT or digits (removed_at = installed_at, final = start).

    Registers are in the field's unit. Times are RFC 3339. The new meter's parameters come with a device version from
    `installed_at` on.
    """

    device: str
    register: str
    removed_at: str
    final: Count
    installed_at: str
    start: Count
    serial: str | None = None
    """Serial of the installed register; readings go by it where they carry one, else by time."""

    def __post_init__(self) -> None:
        if parse(self.removed_at) > parse(self.installed_at):
            raise ValueError("removed_at is after installed_at")


class Choice(Item, frozen=True, kw_only=True):
    """A person's pick between conflicting readings of one time (DOMAIN, same meter, register, time)."""

    device: str
    register: str
    time: str
    value: Count
    reason: str

    def __post_init__(self) -> None:
        parse(self.time)


class Quota(Item, frozen=True, kw_only=True):
    """A yearly budget (Wh or litres) of a department; weights of the months sum to 1 (exact decimals)."""

    department: str
    year: Annotated[int, msgspec.Meta(ge=1900, le=9000)]
    medium: Medium
    budget: Count
    weights: Annotated[list[Weight], msgspec.Meta(min_length=12, max_length=12)]
    free_day_weight: Weight = "0.5"
    counts: Literal["consumption", "import"] = "consumption"
    calendar: str | None = None
    source: str = ""


class Calendar(Item, frozen=True, kw_only=True):
    """Days off of a year where they differ from Monday-Friday: ISO date -> working day?"""

    year: Annotated[int, msgspec.Meta(ge=1900, le=9000)]
    working: dict[str, bool]
    source: str = ""


class Retention(Item, frozen=True, kw_only=True):
    """How long personal data stays readable; the item's id is its category (`compound.keys.CATEGORIES`).

    A month's key is destroyed so many days after the month's end. Events, counts and figures stay.
    """

    days: Annotated[int, msgspec.Meta(ge=1, le=3660)]
    source: str = ""


KINDS: dict[str, object] = {
    "site": Site,
    "building": Building,
    "department": Department,
    "zone": Zone,
    "carpark": Carpark,
    "spot_class": SpotClass,
    "point": AnyPoint,
    "device": AnyDevice,
    "replacement": Replacement,
    "choice": Choice,
    "quota": Quota,
    "calendar": Calendar,
    "retention": Retention,
}
"""Kind of item -> its type. The order is that of a file's sections and of `apply`."""
