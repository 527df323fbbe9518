"""Meters that a gateway reads by DL/T 645-2007 and sends as decimal kWh: `dlt645/v1/{site}/{gateway}/data`.

DL/T 645 shows kWh with two decimals, so a register is a whole number of watt-hours. One with more than three decimals
is refused, not rounded: the register is multiplied by CT × PT later, and only the product may be rounded (DOMAIN,
Metering). Combined active energy (00000000) is never consumption and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from compound.timeutil import micros
from ingest.decoders.arrays import several
from ingest.decoders.base import Decode, Malformed, Observed, Place, out_of_time, why
from ingest.decoders.native import ID
from ingest.decoders.schema import Count, Id, Time

ITEMS: Final = {"00010000": "import_wh", "00020000": "export_wh"}
"""Data identifier -> register of the house. Forward and reverse active energy, total."""

_TOPIC = re.compile(rf"dlt645/v1/{ID}/(?P<gateway>{ID})/data")
_KWH = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_WH_IN_KWH = Decimal(1000)


class Gateway(Struct, forbid_unknown_fields=True):
    """What a gateway sends: meters it has read."""

    gateway: Id
    meters: list[msgspec.Raw]
    time: Time | None = None


class Meter(Struct, forbid_unknown_fields=True):
    """One meter's reading. `items` maps data identifiers to decimal kWh as text."""

    addr: Annotated[str, Meta(pattern=r"^[0-9]{1,12}\Z")]
    time: Time
    boot: Count
    seq: Count
    items: dict[Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{8}\Z")], Annotated[str, Meta(max_length=32)]]


class Dlt645:
    """Meters behind a gateway become `meter.reading.v1`; the device is the meter's address."""

    filter = "dlt645/v1/#"

    def __init__(self) -> None:
        self._gateway = msgspec.json.Decoder(Gateway)
        self._meter = msgspec.json.Decoder(Meter)

    def open(self, topic: str) -> Decode | Malformed:
        found = _TOPIC.fullmatch(topic)
        if not found:
            return Malformed("no such topic")
        return partial(self._decode, topic, found["gateway"])

    def _decode(self, topic: str, gateway: str, payload: bytes, latest: int) -> Iterable[Observed | Malformed]:
        try:
            sent = self._gateway.decode(payload)
        except Exception as error:  # noqa: BLE001 - whatever a payload does, the next one must be read (P5)
            return (why(error),)
        if sent.gateway != gateway:
            return (Malformed("wrong value", "gateway is not the topic's"),)
        if not sent.meters:
            return (Malformed("empty payload"),)
        judge = partial(self._judge, topic)
        return several([bytes(raw) for raw in sent.meters], latest, judge, partial(_alone, gateway))

    def _judge(self, topic: str, element: bytes, latest: int) -> Observed | Malformed:
        meter = self._meter.decode(element)
        time, registers = micros(meter.time), _registers(meter.items)
        if isinstance(registers, Malformed):
            return registers
        late = out_of_time(time, latest)
        if late:
            return late
        place = Place(log="meter", topic=topic, kind="meter.reading.v1", subject=meter.addr)
        data = {"time": meter.time, "boot": meter.boot, "seq": meter.seq, **registers}
        return Observed(place, element, time, msgspec.json.encode(data))


def _registers(items: dict[str, str]) -> dict[str, int] | Malformed:
    """The registers in Wh. What the gateway read beside them is not asked for (see docs/mqtt-contract.md)."""
    found: dict[str, int] = {}
    for code, name in ITEMS.items():
        kwh = items.get(code)
        if kwh is None:
            continue
        if not _KWH.fullmatch(kwh):
            return Malformed("wrong value", f"{code} is no decimal number of kWh")
        watt_hours = Decimal(kwh) * _WH_IN_KWH
        if watt_hours != watt_hours.to_integral_value():
            return Malformed("finer than a watt-hour", f"{code} has more than three decimals")
        found[name] = int(watt_hours)
    return found or Malformed("says nothing", "no forward or reverse active energy")


def _alone(gateway: str, element: bytes) -> bytes:
    """A payload with only this meter, to be retried."""
    return b'{"gateway":%b,"meters":[%b]}' % (msgspec.json.encode(gateway), element)
