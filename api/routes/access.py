"""Access: presence by zone, doors, passages, places of a person."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from api import lookups
from api.database import Database, load, query
from api.ids import ID, path_id
from api.known import known
from api.models.access import Opening, Passage, Place, Presence, PresenceAt, ZoneHistory, ZonePresence
from api.pages import Page, Paged
from api.times import EARLIEST, At, Step, Year, step_seconds

router = APIRouter(prefix="/v1/access", tags=["access"])

Db = Annotated[Database, known("access")]

TOKEN: Final = r"^tok:access:[0-9]{4}-[0-9]{2}:[0-9a-f]{32}$"  # noqa: S105 - a pattern

_PRESENCE = load("presence")
_HISTORY = query("SELECT * FROM access.presence_history(:zone, :since, :until, :step_s)")
_OPENINGS = load("openings")
_PASSAGES = load("passages")
_PLACES = load("places")

Zone = Annotated[str, path_id("Zone.", "main-building")]
Door = Annotated[str, path_id("Door (a gate device).", "g-01")]
Token = Annotated[
    str,
    Path(pattern=TOKEN, description="A person's token of a month.", examples=[Passage.example["token"]]),
]


@router.get("/zones")
async def zones(database: Db, at: At = None) -> Presence:
    """Headcount of every zone at a moment: inside, uncertain, and passages without a name."""
    moment = at or database.now()
    async with database.snapshot() as session:
        rows = await session.rows(_PRESENCE, at=moment)
        stale = await lookups.stale(session, "access")
    return Presence(at=moment, stale=stale, items=ZonePresence.each(rows))


@router.get("/zones/{id}/history")
async def zone_history(database: Db, id: Zone, when: Year, step: Step = "15m") -> ZoneHistory:
    """Headcount of a zone at `from`, `from` + step, … before `to`."""
    seconds = step_seconds(when, step)
    async with database.snapshot() as session:
        await lookups.item(session, "zone", id)
        rows = await session.rows(_HISTORY, zone=id, since=when.since, until=when.until, step_s=seconds)
        stale = await lookups.stale(session, "access")
    return ZoneHistory(zone=id, step_s=seconds, stale=stale, items=PresenceAt.each(rows))


@router.get("/doors/{device}/openings")
async def door_openings(database: Db, device: Door, when: Year, page: Paged) -> Page[Opening]:
    """The openings of a door that touch the range, by start."""
    (after,) = page.after((EARLIEST,))
    async with database.snapshot() as session:
        await lookups.item(session, "device", device, "door")
        rows = await session.rows(
            _OPENINGS, device=device, since=when.since, until=when.until, after=after, limit=page.limit
        )
    shown, following = page.cut(rows, lambda row: (row["start"],))
    return Page(items=Opening.each(shown), next=following)


@router.get("/passages")
async def passages(
    database: Db,
    when: Year,
    page: Paged,
    door: Annotated[str | None, Query(pattern=ID, description="Only through this door (a gate device).")] = None,
) -> Page[Passage]:
    """The ways through doors, by time; nobody is named, persons are tokens of a month."""
    time, device, key = page.after((EARLIEST, "", ""))
    rows = await database.rows(
        _PASSAGES,
        since=when.since,
        until=when.until,
        door=door,
        after_time=time,
        after_device=device,
        after_key=key,
        limit=page.limit,
    )
    shown, following = page.cut(rows, lambda row: (row["time"], row["device"], row["key"]))
    return Page(items=Passage.each(shown), next=following)


@router.get("/persons/{token}/places")
async def person_places(database: Db, token: Token, when: Year, page: Paged) -> Page[Place]:
    """Where the person behind a token was, by start; empty for a token that was never seen."""
    (after,) = page.after((EARLIEST,))
    rows = await database.rows(_PLACES, token=token, since=when.since, until=when.until, after=after, limit=page.limit)
    shown, following = page.cut(rows, lambda row: (row["start"],))
    return Page(items=Place.each(shown), next=following)
