"""Devices: their state by arrival, their events from the book, what of their messages never arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import book, lookups
from api.database import Database, Row, Session, load, query
from api.ids import ID, path_id
from api.known import known, known_or_at
from api.models.devices import Channel, DeviceDetail, DeviceEvent, DeviceKind, DeviceShown, Gap, State
from api.pages import Page, Paged
from api.problems import missing
from api.services import Db
from api.times import At, Year

router = APIRouter(prefix="/v1/devices", tags=["devices"])

_DEVICES = load("devices")
_DEVICES_AT = load("devices_at")
_CHANNELS = load("device_channels")
_GAPS = load("device_gaps")
_LOST = query("SELECT coalesce(sum(last - first + 1), 0)::bigint FROM liveness.gap WHERE device = :id")
_STALE = query("SELECT EXISTS (SELECT FROM registry.stale WHERE device = :id)")

Device = Annotated[str, path_id("Device.", "m-001")]
AllDb = Annotated[Database, known("liveness")]
GapsDb = Annotated[Database, known("liveness", "device", "id")]
DeviceDb = Annotated[Database, known_or_at("liveness", "device", "id")]


@router.get("")
async def devices(
    database: AllDb,
    page: Paged,
    kind: Annotated[DeviceKind | None, Query(description="Only this kind.")] = None,
    site: Annotated[str | None, Query(pattern=ID, description="Only of this site.")] = None,
    state: Annotated[State | None, Query(description="Only in this state.")] = None,
    at: At = None,
) -> Page[DeviceShown]:
    """The devices that are registered at a moment (now) or were heard by then, by id, with their state."""
    (after,) = page.after(("",))
    only: dict[str, Any] = {"kind": kind, "site": site, "state": state, "after": after, "limit": page.limit}
    if at is None:
        rows = await database.rows(_DEVICES, now=database.now(), id=None, **only)
    else:
        rows = await database.rows(_DEVICES_AT, at=at, **only)
    shown, following = page.cut(rows, lambda row: (row["id"],))
    return Page(items=DeviceShown.each(shown), next=following)


@router.get("/{id}")
async def device(database: DeviceDb, id: Device) -> DeviceDetail:
    """A device: where it sits, whether it lives, its channels, and how many of its messages never arrived (by then)."""
    async with database.snapshot() as session:
        row = await _known(session, id, database.now())
        channels = await session.rows(_CHANNELS, id=id)
        lost = await session.value(_LOST, id=id)
        stale = await session.value(_STALE, id=id)
    return DeviceDetail.of(row, channels=Channel.each(channels), lost=lost, stale=stale)


@router.get("/{id}/gaps")
async def device_gaps(database: GapsDb, id: Device, page: Paged) -> Page[Gap]:
    """Numbers (seq) of a device that never arrived, by its starts (boot)."""
    boot, first = page.after((-1, -1))
    async with database.snapshot() as session:
        await _known(session, id, database.now())
        rows = await session.rows(_GAPS, id=id, after_boot=boot, after_first=first, limit=page.limit)
    shown, following = page.cut(rows, lambda row: (row["boot"], row["first"]))
    return Page(items=Gap.each(shown), next=following)


@router.get("/{id}/events")
async def device_events(database: Db, id: Device, when: Year, page: Paged) -> Page[DeviceEvent]:
    """A device's events as they stand in the book, recorded in the range. A page may be short and still have a next."""
    start = page.after((0, 0))
    async with database.snapshot() as session:
        row = await _known(session, id, database.now())
        found = await book.events(session, row["kind"], id, when, (start[0], start[1]), page.limit)
    return Page(items=found.items, next=None if found.next is None else page.encode(found.next))


async def _known(session: Session, id_: str, now: datetime) -> Row:
    """The device, registered at `now` or heard; else as it was registered. Raises Problem not-found."""
    rows = await session.rows(_DEVICES, now=now, id=id_, kind=None, site=None, state=None, after="", limit=1)
    if rows:
        return rows[0]
    await lookups.item(session, "device", id_)
    raise missing("device", id_, "registered now, nor was it ever heard; the registry has its versions")
