"""Parcels: banks, cells, parcels, fill and dwell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from api import lookups
from api.database import Database, Session, load, query
from api.ids import ID, path_id
from api.known import known
from api.models.parcels import BankFill, BankShown, Cells, CellShown, Counts, Dwell, DwellReport, Fill, Parcel
from api.pages import Page, Paged
from api.times import EARLIEST, At, Year

router = APIRouter(prefix="/v1/parcels", tags=["parcels"])

Db = Annotated[Database, known("parcels")]

_BANKS = load("banks")
_STALE = load("bank_stale")
_PARCELS = load("parcels")
_CELLS = query("SELECT * FROM parcels.cells(:at, :bank)")
_FILL = query("SELECT * FROM parcels.fill(:at, :bank)")
_DWELL = query("SELECT * FROM parcels.dwell(:since, :until, :bank)")

Bank = Annotated[str, path_id("Locker bank (a point).", "bank-1")]


@router.get("/banks")
async def banks(database: Db, page: Paged, at: At = None) -> Page[BankShown]:
    """The locker banks, each with its fill at a moment."""
    (after,) = page.after(("",))
    moment = at or database.now()
    async with database.snapshot() as session:
        rows = await session.rows(_BANKS, at=moment, after=after, limit=page.limit)
        fill = await session.rows(_FILL, at=moment, bank=None)
    shown, following = page.cut(rows, lambda row: (row["id"],))
    sizes: dict[str, list[Fill]] = {}
    for row in fill:
        sizes.setdefault(row["bank"], []).append(Fill.of(row))
    items = []
    for row in shown:
        by_size = sizes.get(row["id"], [])
        items.append(BankShown.of(row, at=moment, now=_together(by_size), sizes=by_size))
    return Page(items=items, next=following)


@router.get("/dwell")
async def parcels_dwell(
    database: Db,
    when: Year,
    bank: Annotated[str | None, Query(pattern=ID, description="Only this bank.")] = None,
) -> DwellReport:
    """Dwell of the parcels that went in the range, collected and returned apart."""
    async with database.snapshot() as session:
        if bank is not None:
            await lookups.item(session, "point", bank, "locker bank")
        stale = await lookups.stale(session, "parcels")
        rows = await session.rows(_DWELL, since=when.since, until=when.until, bank=bank)
    return DwellReport(stale=stale, items=Dwell.each(rows))


@router.get("/{bank}/cells")
async def bank_cells(database: Db, bank: Bank, at: At = None) -> Cells:
    """All cells of a bank in service at a moment."""
    moment = at or database.now()
    async with database.snapshot() as session:
        stale = await _known(session, bank)
        rows = await session.rows(_CELLS, at=moment, bank=bank)
    return Cells(bank=bank, at=moment, stale=stale, items=CellShown.each(rows))


@router.get("/{bank}/fill")
async def bank_fill(database: Db, bank: Bank, at: At = None) -> BankFill:
    """How full a bank is at a moment, by size of cell."""
    moment = at or database.now()
    async with database.snapshot() as session:
        stale = await _known(session, bank)
        rows = await session.rows(_FILL, at=moment, bank=bank)
    return BankFill(bank=bank, at=moment, stale=stale, items=Fill.each(rows))


@router.get("/{bank}/parcels")
async def bank_parcels(database: Db, bank: Bank, when: Year, page: Paged) -> Page[Parcel]:
    """The parcels that lay in a bank at any time in the range, by deposit."""
    start, device, cell = page.after((EARLIEST, "", ""))
    async with database.snapshot() as session:
        await lookups.item(session, "point", bank, "locker bank")
        rows = await session.rows(
            _PARCELS,
            bank=bank,
            since=when.since,
            until=when.until,
            after_start=start,
            after_device=device,
            after_cell=cell,
            limit=page.limit,
        )
    shown, following = page.cut(rows, lambda row: (row["start"], row["device"], row["cell"]))
    return Page(items=Parcel.each(shown), next=following)


def _together(sizes: Sequence[Fill]) -> Counts:
    """The counts of all sizes."""
    sums = {
        name: sum(getattr(size, name) for size in sizes) for name in ("cells", "free", "reserved", "occupied", "fault")
    }
    sound = sums["cells"] - sums["fault"]
    return Counts(**sums, fill=round(sums["occupied"] / sound, 4) if sound else None)


async def _known(session: Session, bank: str) -> bool:
    """Whether figures of a registered bank are being derived again. Raises Problem not-found."""
    await lookups.item(session, "point", bank, "locker bank")
    return bool(await session.value(_STALE, bank=bank))
