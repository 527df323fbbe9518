"""How far the processors are behind the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter

from api import lag
from api.models.operations import LagReport
from api.services import All

LOG_S: Final = 3.0
"""Seconds that the log gets to say where it ends."""

router = APIRouter(prefix="/v1/lag", tags=["operations"])


@router.get("")
async def lag_report(services: All) -> LagReport:
    """Positions of all domains against the log's heads, the farthest behind first."""
    return LagReport(at=datetime.now(UTC), items=await lag.report(services.database, services.commands, LOG_S))
