"""What a meter said, and what was made of it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from api.models.base import Model, Time

Register = Literal["import_wh", "export_wh", "volume_l", "heat_wh", "pulses", "energy_wh", "interval_wh", "interval_l"]
Verdict = Literal["accepted", "suspect", "conflict", "pending", "waiting"]


class Address(Model):
    """Where an event stands in the log, for ever."""

    example: ClassVar = {"topic": "meter", "generation": 1, "partition": 2, "offset": 10420}

    topic: str
    generation: int
    partition: int
    offset: int


class MeterPoint(Model):
    """A reading as it came, with what was made of it."""

    example: ClassVar = {
        "register": "import_wh",
        "time": "2026-10-01T02:15:00Z",
        "value": 1000400,
        "length_s": 0,
        "serial": None,
        "verdict": "accepted",
        "recorded": "2026-10-01T02:15:00.412Z",
        "address": Address.example,
    }

    what: Register = Field(alias="register")
    time: Time = Field(description="Of interval data: the interval's start.")
    value: int = Field(description="As the register shows it, in the field's own unit.")
    length_s: int = Field(description="Seconds of interval data; 0 of a register.")
    serial: str | None = Field(description="Serial of the register that the reading carried.")
    verdict: Verdict = Field(
        description="accepted: counts. suspect: does not fit. conflict: another value of the same time. pending: the"
        " newest one, does not fit yet. waiting: its device was not registered then."
    )
    recorded: Time
    address: Address


class MeterSegment(Model):
    """What was used between two neighbouring readings that count; the counter's shares of it make the quarter hours."""

    example: ClassVar = {
        "register": "import_wh",
        "start": "2026-10-01T02:00:00Z",
        "end": "2026-10-01T02:15:00Z",
        "unit": "Wh",
        "first": 40016000,
        "last": 40052000,
        "quantity": 36000,
        "quality": "measured",
    }

    what: Register = Field(alias="register")
    start: Time
    end: Time
    unit: Literal["Wh", "l"]
    first: int = Field(description="The counter at the start: floor(register x ratio); unrolled at its end.")
    last: int
    quantity: int | None = Field(description="last - first; null in a break.")
    quality: Literal["measured", "estimated", "substituted", "break"]


class Counter(Model):
    """A register at a moment: the energy (or volume) it had counted, from its first reading's own value on."""

    example: ClassVar = {
        "register": "import_wh",
        "unit": "Wh",
        "counter": 40030400,
        "quality": "measured",
        "start": "2026-10-01T02:00:00Z",
        "end": "2026-10-01T02:15:00Z",
    }

    what: Register = Field(alias="register")
    unit: Literal["Wh", "l"]
    counter: int | None = Field(
        description="Evenly between the readings around; null in a break, where no reading follows, and within a stretch that is"
        " spread by the clear sky."
    )
    quality: Literal["measured", "estimated", "substituted", "break"] | None = Field(
        description="Of the segment around."
    )
    start: Time | None = Field(description="Of the segment around: the reading before.")
    end: Time | None = Field(description="The reading after.")


class Counters(Model):
    """All registers of a meter at a moment."""

    example: ClassVar = {"meter": "m-001", "at": "2026-10-01T02:06:00Z", "items": [Counter.example]}

    meter: str
    at: Time
    items: list[Counter]
