"""Energy: what meters, places, buildings, departments and sites used, and the balance of a place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query

from api import lookups
from api.buckets import Bucket, ByQuery, buckets, check
from api.database import Database, Row, Session, load
from api.ids import path_id
from api.known import known
from api.models.energy import Balance, BalanceItem, Consumption, Energy, Group, Medium, Volume
from api.models.meters import Register
from api.pages import Paged
from api.routes.meters import VOLUMES
from api.times import EARLIEST, From, Range, To, check_range

router = APIRouter(prefix="/v1/energy", tags=["energy"])

_USE = load("energy_use")
_SUBJECT = load("energy_subject")
_BALANCE = load("balance")

REGISTERED: Final[Mapping[str, str]] = {"meter": "device"}
"""The registry's kind of a group, where it is not called the same."""
BALANCED: Final = {"quarter": 31, "day": 92, "month": 366}
"""Most days of one balance: it is made of quarter hours at any length."""

GroupPath = Annotated[
    Group, Path(description="What `id` is; a meter is a device, a point is where it sits.", examples=["building"])
]
MediumQuery = Annotated[
    Medium | None, Query(description="Electricity when left out; of a meter or point its own medium.")
]


@router.get("/balance/{point}")
async def energy_balance(
    database: Annotated[Database, known("energy", "balance", "point")],
    point: Annotated[str, path_id("Measuring point of a main meter.", "p-main")],
    since: From,
    until: To,
    by: ByQuery = "day",
) -> Balance:
    """What came into a place, what it used, and where that went; the residual is null where a meter is unknown."""
    when = check_range(since, until, timedelta(days=BALANCED[by]), f" in a balance by {by}")
    async with database.snapshot() as session:
        await lookups.item(session, "point", point, "measuring point")
        subject = await _subject(session, "point", point)
        rows = await session.rows(_BALANCE, point=point, since=when.since, until=when.until, by=by, now=database.now())
        stale = await lookups.stale(session, "energy")
    return Balance(
        point=point,
        medium=subject["medium"],
        unit=_unit(subject["medium"]),
        by=by,
        timezone=subject["timezone"],
        stale=stale,
        items=[BalanceItem.of({**row, "imported": row["import"]}) for row in rows],
    )


@router.get("/{group}/{id}")
async def energy_use(
    database: Annotated[Database, known("energy", "{group}", "id")],
    group: GroupPath,
    id: Annotated[str, path_id("Id of the meter, point, building, department or site.", "b1")],
    since: From,
    until: To,
    page: Paged,
    by: ByQuery = "day",
    medium: MediumQuery = None,
    register: Annotated[
        Register | None, Query(description="Only this register, e.g. export_wh; else what the medium's use is made of.")
    ] = None,
) -> Consumption:
    """Consumption by quarter hour, day or month; those that begin in the range and have begun, with their coverage."""
    when = check(Range(since, until), by)
    (after,) = page.after((EARLIEST,))
    now = database.now()
    async with database.snapshot() as session:
        await lookups.item(session, REGISTERED.get(group, group), id, group)
        subject = await _subject(session, group, id)
        chosen = medium or subject["medium"] or "electricity"
        zone = ZoneInfo(subject["timezone"])
        begun = buckets(max(when.since, after + timedelta(microseconds=1)), min(when.until, now), by, zone)
        grid = list(islice(begun, page.limit + 1))
        shown, following = page.cut(grid, lambda bucket: (bucket.start,))
        rows = await _used(session, group, id, list(shown), by, chosen, register, now)
    unit = _unit(chosen)
    known = {row["start"]: row for row in rows}
    items: Any = [_item(bucket, known.get(bucket.start), unit) for bucket in shown]
    return Consumption(
        subject=id,
        group=group,
        medium=chosen,
        what=register,
        unit=unit,
        by=by,
        timezone=subject["timezone"],
        items=items,
        next=following,
    )


async def _subject(session: Session, group: str, id_: str) -> Row:
    row = await session.row(_SUBJECT, kind=group, id=id_)
    assert row is not None
    return row


async def _used(
    session: Session,
    group: str,
    id_: str,
    grid: list[Bucket],
    by: str,
    medium: str,
    register: str | None,
    now: datetime,
) -> list[Row]:
    if not grid:
        return []
    return await session.rows(
        _USE,
        kind=group,
        id=id_,
        since=grid[0].start,
        until=grid[-1].end,
        by=by,
        medium=medium,
        register=register,
        now=now,
    )


def _item(bucket: Bucket, row: Row | None, unit: str) -> Energy | Volume:
    """A bucket's figure; where nothing was registered nothing is known."""
    quantity = None if row is None else row["quantity"]
    more: dict[str, Any] = {
        "start": bucket.start,
        "quality": None if row is None else row["quality"],
        "coverage": 0.0 if row is None else row["coverage"],
        "estimated_share": None if row is None else row["estimated_share"],
        "incomplete_meters": 0 if row is None else row["incomplete_meters"],
        "stale": False if row is None else row["stale"],
    }
    return Energy(wh=quantity, **more) if unit == "Wh" else Volume(litres=quantity, **more)


def _unit(medium: str) -> Any:
    return "l" if medium in VOLUMES else "Wh"
