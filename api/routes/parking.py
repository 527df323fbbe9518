"""Parking: occupancy now and over time, stays, turnover."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api import lookups
from api.database import Database, Session, load, query
from api.ids import path_id
from api.known import known
from api.models.parking import (
    CarparkHistory,
    CarparkNow,
    CarparkShown,
    Occupancy,
    OccupancyAt,
    SpotNow,
    Stay,
    Turnover,
    TurnoverDay,
)
from api.models.segments import Segment
from api.pages import Page, Paged
from api.times import EARLIEST, At, Step, Year, step_seconds

router = APIRouter(prefix="/v1/parking", tags=["parking"])

Db = Annotated[Database, known("parking")]

_CARPARKS = load("carparks")
_STALE = load("carpark_stale")
_STAYS = load("stays")
_SEGMENTS = load("spot_segments")
_OCCUPANCY = query("SELECT * FROM parking.occupancy(:carpark, :at)")
_SPOTS = query("SELECT * FROM parking.spots(:carpark, :at)")
_HISTORY = query("SELECT * FROM parking.history(:carpark, :since, :until, :step_s)")
_TURNOVER = query(
    "SELECT day::text, start, spots, stays, uncertain, turnover, dwell_p50_s, dwell_p95_s"
    " FROM parking.turnover(:carpark, :since, :until)"
)

Carpark = Annotated[str, path_id("Car park.", "north")]


@router.get("/carparks")
async def carparks(database: Db, page: Paged, at: At = None) -> Page[CarparkShown]:
    """The car parks, each with its occupancy at a moment."""
    (after,) = page.after(("",))
    moment = at or database.now()
    rows = await database.rows(_CARPARKS, at=moment, after=after, limit=page.limit)
    shown, following = page.cut(rows, lambda row: (row["id"],))
    return Page(items=[CarparkShown.of(row, at=moment, now=Occupancy.of(row)) for row in shown], next=following)


@router.get("/{carpark}/now")
async def carpark_now(database: Db, carpark: Carpark, at: At = None) -> CarparkNow:
    """A car park at a moment (now when left out), spot by spot."""
    moment = at or database.now()
    async with database.snapshot() as session:
        stale = await _known(session, carpark)
        counts = await session.row(_OCCUPANCY, carpark=carpark, at=moment)
        spots = await session.rows(_SPOTS, carpark=carpark, at=moment)
    return CarparkNow.of(counts or {}, carpark=carpark, at=moment, stale=stale, spots=SpotNow.each(spots))


@router.get("/{carpark}/history")
async def carpark_history(database: Db, carpark: Carpark, when: Year, step: Step = "15m") -> CarparkHistory:
    """Occupancy at `from`, `from` + step, … before `to`."""
    seconds = step_seconds(when, step)
    async with database.snapshot() as session:
        stale = await _known(session, carpark)
        rows = await session.rows(_HISTORY, carpark=carpark, since=when.since, until=when.until, step_s=seconds)
    return CarparkHistory(carpark=carpark, step_s=seconds, stale=stale, items=OccupancyAt.each(rows))


@router.get("/{carpark}/stays")
async def carpark_stays(database: Db, carpark: Carpark, when: Year, page: Paged) -> Page[Stay]:
    """The stays that ended in the range, by their end. Those that go on stand in `now`."""
    end, device, start = page.after((EARLIEST, "", EARLIEST))
    async with database.snapshot() as session:
        await lookups.item(session, "carpark", carpark)
        rows = await session.rows(
            _STAYS,
            carpark=carpark,
            since=when.since,
            until=when.until,
            after_end=end,
            after_device=device,
            after_start=start,
            limit=page.limit,
        )
    shown, following = page.cut(rows, lambda row: (row["end"], row["device"], row["start"]))
    return Page(items=Stay.each(shown), next=following)


@router.get("/{carpark}/turnover")
async def carpark_turnover(database: Db, carpark: Carpark, when: Year) -> Turnover:
    """Turnover and dwell by day in the site's zone; a stay counts on the day it ended."""
    async with database.snapshot() as session:
        place = await lookups.item(session, "carpark", carpark)
        zone = await lookups.zone(session, place["site"])
        stale = bool(await session.value(_STALE, carpark=carpark))
        rows = await session.rows(_TURNOVER, carpark=carpark, since=when.since, until=when.until)
    return Turnover(carpark=carpark, timezone=zone, stale=stale, items=TurnoverDay.each(rows))


@router.get("/spots/{spot}/segments")
async def spot_segments(
    database: Db,
    spot: Annotated[str, path_id("Spot (a point).", "spot-n-001")],
    when: Year,
    page: Paged,
) -> Page[Segment]:
    """States, stays and overstays of a spot that touch the range, by start."""
    start, kind, subject, key = page.after((EARLIEST, "", "", ""))
    async with database.snapshot() as session:
        await lookups.item(session, "point", spot, "spot")
        rows = await session.rows(
            _SEGMENTS,
            spot=spot,
            since=when.since,
            until=when.until,
            after_start=start,
            after_kind=kind,
            after_subject=subject,
            after_key=key,
            limit=page.limit,
        )
    shown, following = page.cut(rows, lambda row: (row["start"], row["kind"], row["subject"], row["key"]))
    return Page(items=[Segment.shown(row) for row in shown], next=following)


async def _known(session: Session, carpark: str) -> bool:
    """Whether figures of a registered car park are being derived again. Raises Problem not-found."""
    await lookups.item(session, "carpark", carpark, "car park")
    return bool(await session.value(_STALE, carpark=carpark))
