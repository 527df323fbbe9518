"""What meters said, reading by reading, and the segments between: the end of every figure's explanation."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query

from api import lookups
from api.database import Database, Row, Session, load
from api.ids import path_id
from api.known import known
from api.models.meters import Address, Counter, Counters, MeterPoint, MeterSegment, Register
from api.pages import Page, Paged
from api.times import EARLIEST, At, Year

router = APIRouter(prefix="/v1/meters", tags=["energy"])

Db = Annotated[Database, known("energy", "meter", "id")]

VERDICTS: Final = {None: "accepted", 1: "suspect", 2: "conflict", 3: "pending", 4: "waiting"}
QUALITIES: Final = ("measured", "estimated", "substituted", "break")
VOLUMES: Final = frozenset({"water", "gas"})
"""Media that are counted in litres; the others in Wh."""

_SERIES = load("meter_series")
_POINTS = load("meter_points")
_SEGMENTS = load("meter_segments")
_COUNTERS = load("meter_counters")

Meter = Annotated[str, path_id("Meter or inverter (a device).", "m-001")]
OnlyRegister = Annotated[Register | None, Query(description="Only this register; all of the meter when left out.")]


@router.get("/{id}/points")
async def meter_points(
    database: Db,
    id: Meter,
    when: Year,
    page: Paged,
    register: OnlyRegister = None,
) -> Page[MeterPoint]:
    """The readings of a meter as they came, with their verdicts; also those that wait for a registration."""
    time, series, value, length, serial = page.after((EARLIEST, 0, 0, 0, 0))
    async with database.snapshot() as session:
        known = await registers(session, id, register)
        rows = await session.rows(
            _POINTS,
            series=list(known),
            since=when.since,
            until=when.until,
            after_time=time,
            after_series=series,
            after_value=value,
            after_length=length,
            after_serial=serial,
            limit=page.limit,
        )
    shown, following = page.cut(rows, lambda r: (r["time"], r["series"], r["value"], r["length"], r["serial_id"]))
    return Page(items=[_point(row, known[row["series"]]["what"]) for row in shown], next=following)


@router.get("/{id}/segments")
async def meter_segments(
    database: Db,
    id: Meter,
    when: Year,
    page: Paged,
    register: OnlyRegister = None,
) -> Page[MeterSegment]:
    """What lies between the readings that count and touches the range; a break is a segment without a quantity."""
    start, series = page.after((EARLIEST, 0))
    async with database.snapshot() as session:
        known = await registers(session, id, register)
        rows = await session.rows(
            _SEGMENTS,
            series=list(known),
            since=when.since,
            until=when.until,
            after_start=start,
            after_series=series,
            limit=page.limit,
        )
    shown, following = page.cut(rows, lambda row: (row["start"], row["series"]))
    return Page(items=[_segment(row, known[row["series"]]) for row in shown], next=following)


@router.get("/{id}/counters")
async def meter_counters(database: Db, id: Meter, at: At = None) -> Counters:
    """What the registers of a meter had counted at a moment; interval data counts nothing and is not among them."""
    moment = at or database.now()
    async with database.snapshot() as session:
        known = {
            n: row for n, row in (await registers(session, id, None)).items() if not row["what"].startswith("interval")
        }
        rows = await session.rows(_COUNTERS, series=list(known), at=moment)
    return Counters(meter=id, at=moment, items=[_counter(row, known[row["series"]]) for row in rows])


async def registers(session: Session, device: str, register: str | None) -> dict[int, Row]:
    """The series of a device by number. Raises Problem when it neither is registered nor ever said anything."""
    rows = await session.rows(_SERIES, device=device, register=register)
    if not rows:
        await lookups.item(session, "device", device, "meter")
    return {row["id"]: row for row in rows}


def _point(row: Row, register: str) -> MeterPoint:
    topic = "inverter" if register == "energy_wh" else "meter"
    return MeterPoint.of(
        {**row, "serial": row["serial"] or None, "verdict": VERDICTS[row["verdict"]]},
        what=register,
        length_s=row["length"],
        address=Address.of(row, topic=topic),
    )


def _segment(row: Row, series: Row) -> MeterSegment:
    quality = QUALITIES[row["mark"]]
    return MeterSegment.of(
        row,
        what=series["what"],
        unit="l" if series["medium"] in VOLUMES else "Wh",
        quantity=None if quality == "break" else row["last"] - row["first"],
        quality=quality,
    )


def _counter(row: Row, series: Row) -> Counter:
    quality = None if row["mark"] is None else QUALITIES[row["mark"]]
    return Counter.of(row, what=series["what"], unit="l" if series["medium"] in VOLUMES else "Wh", quality=quality)
