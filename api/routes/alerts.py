"""Alerts: the desks' list, an alert's history, and acknowledging."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.database import Database, Row, Session, load, query
from api.known import known
from api.models.alerts import Alert, AlertDetail, AlertEvent, AlertState, Category, Delivery
from api.pages import Page, Paged
from api.problems import missing
from api.services import All
from api.times import LATEST, At
from compound.events import COMMANDS, Event, history_id

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

Db = Annotated[Database, known("alerts")]

STATES: Final[Sequence[AlertState]] = ("raised", "acknowledged", "unacknowledged", "cleared", "withdrawn")
OPEN: Final[Sequence[AlertState]] = STATES[:3]
"""What stands on a desk's list."""

_ALERTS = load("alerts")
_ALERTS_AT = load("alerts_at")
_EVENTS = query(
    "SELECT id, type, source, time, recorded, data FROM alerts.event WHERE alert = :id"
    ' ORDER BY recorded, "offset", id LIMIT 1000'
)
_DELIVERIES = query(
    "SELECT event, channel, state, attempts, error, delivered FROM alerts.delivery WHERE alert = :id"
    " ORDER BY number LIMIT 1000"
)

AlertId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Alert.", examples=[Alert.example["id"]])]


class Acknowledgement(BaseModel):
    """Who takes note of an alert, and what of."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"who": "li.wei", "note": "cleaning, door is watched"}}
    )

    who: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")
    note: str = Field("", max_length=2000, pattern=r"^[^\x00]*$")


@router.get("")
async def alerts(
    database: Db,
    page: Paged,
    state: Annotated[
        AlertState | Literal["open"] | None,
        Query(description="Only in this state; open: raised, acknowledged or unacknowledged. All when left out."),
    ] = None,
    category: Annotated[Category | None, Query(description="Only of this category.")] = None,
    subject: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9._:-]{1,80}$", description="Only of this device, person or department.")
    ] = None,
    rule: Annotated[str | None, Query(pattern=r"^[a-z0-9-]{1,40}$", description="Only of this rule.")] = None,
    at: At = None,
) -> Page[Alert]:
    """Alerts as they stand, or as they stood at a moment, the newest first; at K or as known at K is the same: history."""
    raised, id_ = page.after((LATEST, ""))
    only: dict[str, Any] = {
        "states": list(STATES if state is None else OPEN if state == "open" else [state]),
        "category": category,
        "subject": subject,
        "rule": rule,
        "after_raised": raised,
        "after_id": id_,
        "limit": page.limit,
    }
    rows = await (database.rows(_ALERTS, id=None, **only) if at is None else database.rows(_ALERTS_AT, at=at, **only))
    shown, following = page.cut(rows, lambda row: (row["raised"], row["id"]))
    return Page(items=Alert.each(shown), next=following)


@router.get("/{id}")
async def alert(database: Db, id: AlertId) -> AlertDetail:
    """One alert with its history and deliveries; as known at K with the deliveries that had ended by then."""
    async with database.snapshot() as session:
        row = await _known(session, id)
        events = AlertEvent.each(await session.rows(_EVENTS, id=id))
        deliveries = Delivery.each(await session.rows(_DELIVERIES, id=id))
    return AlertDetail.of(row, events=events, deliveries=deliveries)


@router.post(
    "/{id}/acknowledge",
    responses={202: {"model": Alert, "description": "In the log; the alert shows it soon."}},
)
async def alert_acknowledge(services: All, response: Response, id: AlertId, given: Acknowledgement) -> Alert:
    """Acknowledge an alert: an event in the log. Who does so again, or of one that is no longer open, changes nothing."""
    async with services.database.session() as session:
        row = await _known(session, id)
    if row["acknowledged"] is not None or row["state"] not in OPEN:
        return Alert.of(row)
    now = time.time_ns() // 1000
    data = msgspec.json.encode({"alert": id, "who": given.who, "note": given.note})
    event = Event(history_id("acknowledge", id, now), "compound/api", "alert.acknowledge.v1", now, id, data)
    addresses = await services.commands.append(COMMANDS, [event])
    if not await services.commands.projected("alerts", addresses):
        response.status_code = 202
    async with services.database.session() as session:
        return Alert.of(await _known(session, id))


async def _known(session: Session, id_: str) -> Row:
    row = await session.row(
        _ALERTS,
        id=id_,
        states=list(STATES),
        category=None,
        subject=None,
        rule=None,
        after_raised=LATEST,
        after_id="",
        limit=1,
    )
    if row is None:
        raise missing("alert", id_, "known")
    return row
