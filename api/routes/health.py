"""Health for supervisors, metrics for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api import archive, lag
from api.database import query
from api.models.operations import Check, Live, Ready
from api.openapi import VERSION
from api.problems import Problem
from api.services import All, Services
from compound.events import TOPICS
from compound.log.generations import LogMisplaced
from compound.log.port import LogUnavailable
from compound.store.migrate import FOLDER

router = APIRouter(tags=["operations"])

_SERVER = query("SELECT current_setting('server_version')")
_MIGRATED = query("SELECT migration_id FROM public._yoyo_migration")


@router.get("/health/live")
async def live() -> Live:
    """Whether the process answers at all; says nothing of the database or the log."""
    return Live(version=VERSION)


@router.get(
    "/health/ready",
    responses={503: {"description": "Not ready: the body says what is missing.", "model": Ready}},
)
async def ready(services: All, response: Response) -> Ready:
    """Whether database, schema and log are there, so that requests can be answered; 503 with the same body when not."""
    checks = {
        "database": await _database(services),
        "migrations": await _migrations(services),
        "log": await _log(services),
    }
    good = all(check.ok for check in checks.values())
    if not good:
        response.status_code = 503
    return Ready(status="ready" if good else "not ready", checks=checks)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"example": "compound_api_streams 2.0\n"}}}},
)
async def metrics(services: All) -> Response:
    """Metrics in Prometheus' text format; the lag of every domain and topic is read at the scrape."""
    told = services.metrics
    told.connections.set(services.database.busy)
    try:
        items = await lag.report(services.database, services.commands)
        behind = await archive.look(services.database, services.commands)
    except Problem:
        told.database.set(0)
        told.lag.clear()
    else:
        told.database.set(1)
        sums: dict[tuple[str, str], int] = {}
        for item in items:
            if item.lag is not None:
                sums[item.domain, item.topic] = sums.get((item.domain, item.topic), 0) + item.lag
        for (domain, topic), records in sums.items():
            told.lag.labels(domain, topic).set(records)
        if behind is not None:
            told.archive_records.set(behind.records)
            told.archive_seconds.set(archive.age_s(behind))
            told.archive_share.set(behind.share or 0)
            told.archive_alarms.set(len(behind.alarms))
    return Response(generate_latest(told.registry), media_type=CONTENT_TYPE_LATEST)


async def _database(services: Services) -> Check:
    try:
        return Check(ok=True, detail=f"PostgreSQL {await services.database.value(_SERVER)}")
    except Problem as problem:
        return Check(ok=False, detail=problem.detail)


async def _migrations(services: Services) -> Check:
    wanted = {path.stem for path in FOLDER.glob("*.sql") if not path.name.endswith(".rollback.sql")}
    try:
        applied = {row["migration_id"] for row in await services.database.rows(_MIGRATED)}
    except Problem as problem:
        return Check(ok=False, detail=problem.detail)
    if missing := sorted(wanted - applied):
        return Check(ok=False, detail=f"not applied: {', '.join(missing)}")
    return Check(ok=True, detail=f"{len(wanted)} applied, none missing")


async def _log(services: Services) -> Check:
    try:
        heads = await services.commands.heads(TOPICS)
    except (LogUnavailable, LogMisplaced, ValueError) as error:
        return Check(ok=False, detail=str(error))
    return Check(ok=True, detail=f"{len(heads)} partitions")
