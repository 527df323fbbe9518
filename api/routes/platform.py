"""How the platform itself is: how far its processors are behind the log, and its figures in one look."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter

from api import archive, lag
from api.database import load
from api.models.operations import LagReport
from api.models.status import Status
from api.openapi import VERSION
from api.services import All

router = APIRouter(prefix="/v1", tags=["operations"])

_STATUS = load("status")


@router.get("/lag")
async def lag_report(services: All) -> LagReport:
    """Positions of all domains against the log's heads, the farthest behind first."""
    records = await lag.records(services.database, services.commands)
    items = await lag.report(services.database, services.commands)
    return LagReport(at=datetime.now(UTC), records=records, items=items)


@router.get("/status")
async def status(services: All) -> Status:
    """The platform in one look: what arrives, what lags, what waits, what is open."""
    behind: dict[str, int | None] = {}
    for item in await lag.report(services.database, services.commands):
        so_far = behind.get(item.domain, 0)
        behind[item.domain] = None if item.lag is None or so_far is None else so_far + item.lag
    row = await services.database.row(_STATUS)
    assert row is not None
    return Status.of(
        row,
        at=datetime.now(UTC),
        version=VERSION,
        behind=dict(sorted(behind.items())),
        archive=await archive.report(services.database, services.commands),
    )
