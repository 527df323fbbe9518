"""SunSpec inverters (models 101–103: integers with scale factors) sent as registers: `sunspec/v1/{site}/{device}/data`.

The energy counter WH is an acc32: it wraps at 2**32 in its own unit. With a scale factor ≥ 0 the counter in Wh is
WH × 10**SF modulo 2**32, exact over every wrap because 10**SF is whole. With a negative one it would be a fraction
of a watt-hour at some wrap, so it is refused. Power is no register: it is rounded half up to whole watts.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from compound.timeutil import micros
from ingest.decoders.arrays import Judge, each
from ingest.decoders.base import Decode, Malformed, Observed, Place, out_of_time
from ingest.decoders.native import ID
from ingest.decoders.schema import Bits32, Count, Time

_TOPIC = re.compile(rf"sunspec/v1/{ID}/(?P<device>{ID})/data")
ACC32: Final = 2**32

# "not implemented" in SunSpec: int16 and sunssf 0x8000 (also seen unsigned), enum16 0xFFFF, bitfield32 0xFFFFFFFF
Int16 = Annotated[int, Meta(ge=-0x8000, le=0x8000)]
NO_INT16: Final = (-0x8000, 0x8000)
NO_ENUM16: Final = 0xFFFF
NO_BITS32: Final = 0xFFFF_FFFF


class Registers(Struct):
    """The registers of the model that are used; a device may send more of them."""

    WH: Bits32 | None = None
    WH_SF: Int16 = 0
    W: Int16 | None = None
    W_SF: Int16 = 0
    St: Annotated[int, Meta(ge=0, le=0xFFFF)] | None = None
    Evt1: Bits32 | None = None
    DCW: Int16 | None = None
    DCW_SF: Int16 = 0


class Reading(Struct, forbid_unknown_fields=True):
    """One reading of an inverter's model."""

    time: Time
    boot: Count
    seq: Count
    model: Literal[101, 102, 103]
    registers: Registers


class SunSpec:
    """An inverter's registers become `inverter.reading.v1`; what it doesn't implement is absent."""

    filter = "sunspec/v1/#"

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(Reading)

    def open(self, topic: str) -> Decode | Malformed:
        found = _TOPIC.fullmatch(topic)
        if not found:
            return Malformed("no such topic")
        place = Place(log="inverter", topic=topic, kind="inverter.reading.v1", subject=found["device"])
        return partial(each, judge=self._judge(place))

    def _judge(self, place: Place) -> Judge:
        def judge(element: bytes, latest: int) -> Observed | Malformed:
            sent = self._decoder.decode(element)
            time, said = micros(sent.time), _values(sent.registers)
            if isinstance(said, Malformed):
                return said
            late = out_of_time(time, latest)
            if late:
                return late
            data = {"time": sent.time, "boot": sent.boot, "seq": sent.seq, **said}
            return Observed(place, element, time, msgspec.json.encode(data))

        return judge


def _values(found: Registers) -> dict[str, int] | Malformed:
    """The registers in the contract's fields and units."""
    said: dict[str, int] = {}
    for exponent in (found.WH_SF, found.W_SF, found.DCW_SF):
        if exponent not in NO_INT16 and not -10 <= exponent <= 10:
            return Malformed("out of range", "a scale factor is -10 to 10")
    if found.WH is not None and found.WH != NO_BITS32 and found.WH_SF not in NO_INT16:
        if found.WH_SF < 0 and found.WH:
            return Malformed("finer than a watt-hour", "WH_SF below 0")
        said["energy_wh"] = found.WH * 10 ** max(found.WH_SF, 0) % ACC32
    for name, value, exponent in (("power_w", found.W, found.W_SF), ("dc_power_w", found.DCW, found.DCW_SF)):
        if value is not None and value not in NO_INT16 and exponent not in NO_INT16:
            said[name] = _scaled(value, exponent)
    if found.St is not None and found.St != NO_ENUM16:
        if not 1 <= found.St <= 8:
            return Malformed("out of range", "St is 1 to 8")
        said["state"] = found.St
    if found.Evt1 is not None and found.Evt1 != NO_BITS32:
        said["evt1"] = found.Evt1
    return said or Malformed("says nothing", "no register is implemented")


def _scaled(value: int, exponent: int) -> int:
    """The value × 10**exponent, rounded half up to a whole number."""
    if exponent >= 0:
        return int(value * 10**exponent)
    divisor = 10**-exponent
    return int((2 * value + divisor) // (2 * divisor))
