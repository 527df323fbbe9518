"""Quotas: budgets used, pace, forecast, levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from api import lookups
from api.database import Row, Session, load
from api.ids import path_id
from api.models.quotas import Figure, Medium, QuotaShown
from api.pages import Page, Paged
from api.routes.meters import VOLUMES
from api.services import Db

router = APIRouter(prefix="/v1/quotas", tags=["quotas"])

_QUOTAS = load("quotas")
_FIGURES = load("quota_figures")

YearOf = Annotated[
    int | None,
    Query(alias="year", ge=1970, le=2199, description="Calendar year; the one it is there now when left out."),
]


@router.get("")
async def quotas(database: Db, page: Paged, year: YearOf = None) -> Page[QuotaShown]:
    """All quotas of a year, by id."""
    (after,) = page.after(("",))
    async with database.snapshot() as session:
        rows = await session.rows(_QUOTAS, year=year, after=after, department=None, medium=None, limit=page.limit)
        shown, following = page.cut(rows, lambda row: (row["quota"],))
        items = await _with_figures(session, shown)
    return Page(items=items, next=following)


@router.get("/{department}")
async def department_quotas(
    database: Db,
    department: Annotated[str, path_id("Department.", "d-fin")],
    page: Paged,
    year: YearOf = None,
    medium: Annotated[Medium | None, Query(description="Only this medium.")] = None,
) -> Page[QuotaShown]:
    """The quotas of a department in a year."""
    (after,) = page.after(("",))
    async with database.snapshot() as session:
        await lookups.item(session, "department", department)
        rows = await session.rows(
            _QUOTAS, year=year, after=after, department=department, medium=medium, limit=page.limit
        )
        shown, following = page.cut(rows, lambda row: (row["quota"],))
        items = await _with_figures(session, shown)
    return Page(items=items, next=following)


async def _with_figures(session: Session, rows: Sequence[Row]) -> list[QuotaShown]:
    figures: dict[tuple[str, str], list[Figure]] = {}
    for row in await session.rows(_FIGURES, quotas=[row["quota"] for row in rows]):
        figures.setdefault((row["quota"], row["period"]), []).append(Figure.of(row))
    return [
        QuotaShown.of(
            row,
            unit="l" if row["medium"] in VOLUMES else "Wh",
            total=next(iter(figures.get((row["quota"], "year"), [])), None),
            months=figures.get((row["quota"], "month"), []),
        )
        for row in rows
    ]
