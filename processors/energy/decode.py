"""From events of meters and inverters to the readings of their registers, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
import numpy as np
import structlog

from compound.events import Received
from compound.store.db import Connection
from compound.timeutil import SECOND
from processors.energy.exact import Bools, Ints
from processors.energy.numbers import Numbers
from processors.runtime import metrics

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
REGISTERS: Final = ("import_wh", "export_wh", "volume_l", "heat_wh", "pulses")
INTERVALS: Final = ("interval_wh", "interval_l")

_out = structlog.get_logger(domain="energy")


class MeterReading(msgspec.Struct, gc=False):
    """What a meter says (docs/mqtt-contract.md, meter reading); interval data has `interval_s`, and its time is the end."""

    serial: str = ""
    import_wh: Count | None = None
    export_wh: Count | None = None
    volume_l: Count | None = None
    heat_wh: Count | None = None
    pulses: Count | None = None
    interval_s: Annotated[int, msgspec.Meta(ge=1, le=32 * 86_400)] | None = None
    interval_wh: Count | None = None
    interval_l: Count | None = None


class InverterReading(msgspec.Struct, gc=False):
    """The energy counter of an inverter; 0 means that it has not accumulated, and is no reading (DOMAIN, Solar)."""

    energy_wh: Count = 0


_meter = msgspec.json.Decoder(MeterReading).decode
_inverter = msgspec.json.Decoder(InverterReading).decode

Row = tuple[str, str, str, int, int, int, int, int, int, int]
"""subject, what, serial, time, value, length, generation, partition, offset, recorded."""


class Batch(NamedTuple):
    """Readings as columns, distinct, in order of (series, time, value, length, serial). `length` is seconds, 0 of a register."""

    series: Ints
    serial: Ints
    time: Ints
    value: Ints
    length: Ints
    generation: Ints
    partition: Ints
    offset: Ints
    recorded: Ints

    def take(self, index: Ints | Bools) -> Batch:
        """The chosen readings."""
        return Batch._make(column[index] for column in self)


def readings(received: Received) -> list[Row]:
    """The readings in one event. Raises msgspec.ValidationError when it breaks the contract that ingest enforces."""
    event = received.event
    at = (received.generation, received.partition, received.offset, received.recorded)
    if event.type == "meter.reading.v1":
        reading = _meter(event.data)
        serial, seconds = reading.serial, reading.interval_s
        rows: list[Row] = []
        for what in REGISTERS:
            value = getattr(reading, what)
            if value is not None:
                rows.append((event.subject, what, serial, event.time, value, 0, *at))
        if seconds is not None:
            start = event.time - seconds * SECOND
            for what in INTERVALS:
                value = getattr(reading, what)
                if value is not None:
                    rows.append((event.subject, what, serial, start, value, seconds, *at))
        return rows
    if event.type == "inverter.reading.v1":
        energy = _inverter(event.data).energy_wh
        return [(event.subject, "energy_wh", "", event.time, energy, 0, *at)] if energy else []
    return []


def decode(conn: Connection, numbers: Numbers, events: Sequence[Received]) -> Batch:
    """All readings of `events`; of copies the first recorded stays. An event that is none is counted and said."""
    rows: list[Row] = []
    for received in events:
        try:
            rows += readings(received)
        except msgspec.DecodeError as error:
            metrics.UNREADABLE.labels("energy").inc()
            _out.error("no reading", topic=received.topic, offset=received.offset, error=str(error))
    subjects, whats, serials, *rest = zip(*rows, strict=True) if rows else [()] * 10
    keys = list(zip(subjects, whats, strict=True))
    series = numbers.of(conn, "series", keys)
    known = numbers.of(conn, "serial", {(serial,) for serial in serials if serial})
    time, value, length, *address = (np.array(column, np.int64) for column in rest)
    batch = Batch(
        np.array([series[key] for key in keys], np.int64),
        np.array([known[serial,] if serial else 0 for serial in serials], np.int64),
        time,
        value,
        length,
        *address,
    )
    batch = batch.take(np.lexsort((batch.serial, batch.length, batch.value, batch.time, batch.series)))
    same = np.logical_and.reduce([column[1:] == column[:-1] for column in batch[:5]])
    return batch.take(np.append(True, ~same)[: len(batch.series)])
