"""Solar: yield, performance ratio, self-consumption; inverters' states."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from api import lookups
from api.buckets import ByQuery, buckets
from api.database import Database, load, query
from api.ids import path_id
from api.known import known
from api.models.energy import Consumption
from api.models.segments import Segment
from api.models.solar import InverterState, Plant, PlantQuarter, PlantReport, Ratios, RatiosOf
from api.pages import Page, Paged
from api.problems import missing
from api.routes.energy import energy_use
from api.times import EARLIEST, At, From, To, Year, check_range

router = APIRouter(prefix="/v1/solar", tags=["solar"])

RegistryDb = Annotated[Database, known("registry")]
PlantDb = Annotated[Database, known("solar", "plant", "plant")]
CounterDb = Annotated[Database, known("energy", "meter", "device")]
InverterDb = Annotated[Database, known("solar", "meter", "device")]

MOST_QUARTERS: Final = timedelta(days=31)

Inverter = Annotated[str, path_id("Inverter (a device).", "inv-dev-1")]

_PLANTS = load("plants")
_SITE = load("plant_site")
_RATIOS = load("plant_ratios")
_STATES = load("inverter_states")
_STATE = load("inverter_state")
_QUARTERS = query(
    "SELECT *, yield_wh AS wh, yield_coverage AS coverage FROM solar.plant_quarter(:plant, :since, :until)"
)


@router.get("/plants")
async def plants(database: RegistryDb, page: Paged, at: At = None) -> Page[Plant]:
    """The plants that are registered at a moment."""
    (after,) = page.after(("",))
    rows = await database.rows(_PLANTS, at=at or database.now(), after=after, limit=page.limit)
    shown, following = page.cut(rows, lambda row: (row["id"],))
    return Page(items=Plant.each(shown), next=following)


@router.get("/{plant}")
async def plant_report(
    database: PlantDb,
    plant: Annotated[str, path_id("Plant.", "roof")],
    when: Year,
    by: ByQuery = "day",
) -> PlantReport:
    """Yield and ratios of the days or months that begin in the range; by quarter (at most 31 days) the figures behind."""
    async with database.snapshot() as session:
        place = await session.row(_SITE, plant=plant)
        if place is None:
            raise missing("plant", plant)
        zone = await lookups.zone(session, place["site"])
        if by == "quarter":
            check_range(when.since, when.until, MOST_QUARTERS, " by quarter; ask by day")
        grid = [] if by == "quarter" else list(buckets(when.since, when.until, by, ZoneInfo(zone)))
        starts, ends = [each.start for each in grid], [each.end for each in grid]
        asked = {"plant": plant, "since": when.since, "until": when.until}
        total, *ratios = await session.rows(_RATIOS, **asked, starts=starts, ends=ends)
        quarters = await session.rows(_QUARTERS, **asked) if by == "quarter" else []
    items = PlantQuarter.each(quarters) if by == "quarter" else RatiosOf.each(ratios)
    return PlantReport(plant=plant, by=by, timezone=zone, stale=place["stale"], total=Ratios.of(total), items=items)


@router.get("/inverters/{device}")
async def inverter_yield(
    database: CounterDb,
    device: Inverter,
    since: From,
    until: To,
    page: Paged,
) -> Consumption:
    """What an inverter counted, by quarter hour."""
    return await energy_use(database, "meter", device, since, until, page, "quarter", None, "energy_wh")


@router.get("/inverters/{device}/state")
async def inverter_state(database: InverterDb, device: Inverter, at: At = None) -> InverterState:
    """What an inverter was in at a moment."""
    moment = at or database.now()
    async with database.snapshot() as session:
        await lookups.item(session, "device", device, "inverter")
        row = await session.row(_STATE, device=device, at=moment)
    return InverterState.of(row or {"state": "unknown", "faults": [], "since": None}, device=device, at=moment)


@router.get("/inverters/{device}/states")
async def inverter_states(database: InverterDb, device: Inverter, when: Year, page: Paged) -> Page[Segment]:
    """The states and faults of an inverter that touch the range, by start."""
    start, kind, key = page.after((EARLIEST, "", ""))
    async with database.snapshot() as session:
        await lookups.item(session, "device", device, "inverter")
        rows = await session.rows(
            _STATES,
            device=device,
            since=when.since,
            until=when.until,
            after_start=start,
            after_kind=kind,
            after_key=key,
            limit=page.limit,
        )
    shown, following = page.cut(rows, lambda row: (row["start"], row["kind"], row["key"]))
    return Page(items=[Segment.shown(row) for row in shown], next=following)
