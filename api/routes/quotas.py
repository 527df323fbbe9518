"""Quotas: budgets used, pace, forecast, levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import lookups
from api.database import Database, Row, Session, load
from api.ids import path_id
from api.known import known_or_at
from api.models.quotas import Figure, Medium, QuotaShown
from api.pages import Page, Paged
from api.routes.meters import VOLUMES
from api.times import At

router = APIRouter(prefix="/v1/quotas", tags=["quotas"])

_QUOTAS = load("quotas")
_FIGURES = load("quota_figures")

AllDb = Annotated[Database, known_or_at("quotas")]
DepartmentDb = Annotated[Database, known_or_at("quotas", "department", "department")]
YearOf = Annotated[
    int | None,
    Query(alias="year", ge=1970, le=2199, description="Calendar year; the one it is there now when left out."),
]


@router.get("")
async def quotas(database: AllDb, page: Paged, year: YearOf = None, at: At = None) -> Page[QuotaShown]:
    """All quotas of a year, by id; at a moment as they held then, with the quarter hours that had ended."""
    (after,) = page.after(("",))
    only: dict[str, Any] = {"department": None, "medium": None, "limit": page.limit}
    async with database.snapshot() as session:
        rows = await session.rows(_QUOTAS, year=year, at=at, now=database.now(), after=after, **only)
        shown, following = page.cut(rows, lambda row: (row["quota"],))
        items = await _with_figures(session, shown)
    return Page(items=items, next=following)


@router.get("/{department}")
async def department_quotas(
    database: DepartmentDb,
    department: Annotated[str, path_id("Department.", "d-fin")],
    page: Paged,
    year: YearOf = None,
    medium: Annotated[Medium | None, Query(description="Only this medium.")] = None,
    at: At = None,
) -> Page[QuotaShown]:
    """The quotas of a department in a year, or as they stood at a moment of it."""
    (after,) = page.after(("",))
    only: dict[str, Any] = {"department": department, "medium": medium, "limit": page.limit}
    async with database.snapshot() as session:
        await lookups.item(session, "department", department)
        rows = await session.rows(_QUOTAS, year=year, at=at, now=database.now(), after=after, **only)
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
