"""Quarantine: what could not be read, why, and another try."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.database import Row, Session, load
from api.models.quarantine import Entry
from api.pages import Page, Paged
from api.problems import CONFLICT, Problem, missing
from api.services import All, Db
from api.times import LATEST
from compound.events import COMMANDS
from compound.quarantine import retry_command

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])

_ENTRIES = load("quarantine")

EntryId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Id of an entry.", examples=[Entry.example["id"]])
]


class RetryGiven(BaseModel):
    """Who wants it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"who": "li.wei"}})

    who: str = Field("somebody", min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")


@router.get("")
async def quarantine(
    database: Db,
    page: Paged,
    reason: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=r"^[^\x00-\x1f]*$",
            description="Only this reason; `unknown device` for devices that are not registered.",
            examples=["unknown device"],
        ),
    ] = None,
) -> Page[Entry]:
    """What stands in quarantine, the newest first: messages that could not be read, and devices that are not registered."""
    recorded, id_ = page.after((LATEST, ""))
    rows = await database.rows(
        _ENTRIES, id=None, reason=reason, after_recorded=recorded, after_id=id_, limit=page.limit
    )
    shown, following = page.cut(rows, lambda row: (row["recorded"], row["id"]))
    return Page(items=Entry.each(shown), next=following)


@router.get("/{id}")
async def quarantine_entry(database: Db, id: EntryId) -> Entry:
    """One entry. Its payload may hold personal data and stays sealed."""
    async with database.session() as session:
        return Entry.of(await _known(session, id))


@router.post("/{id}/retry", responses={202: {"model": Entry, "description": "The wish stands in the log."}})
async def quarantine_retry(services: All, response: Response, id: EntryId, given: RetryGiven) -> Entry:
    """Have a message sent again to where it came from, and judged anew; answers once the wish is seen, not once it is done."""
    async with services.database.session() as session:
        entry = await _known(session, id)
    if entry["kind"] == "device":
        raise Problem(
            CONFLICT,
            f"Register the device {entry['device']!r}: its {entry['count']} messages then come in by themselves.",
        )
    if entry["cut"]:
        raise Problem(CONFLICT, "The message was longer than what is kept of it; it can't be sent again.")
    command = retry_command(id, given.who, time.time_ns() // 1000)
    addresses = await services.commands.append(COMMANDS, [command])
    if not await services.commands.projected("quarantine", addresses):
        response.status_code = 202
    async with services.database.session() as session:
        return Entry.of(await _known(session, id))


async def _known(session: Session, id_: str) -> Row:
    row = await session.row(_ENTRIES, id=id_, reason=None, after_recorded=LATEST, after_id="", limit=1)
    if row is None:
        raise missing("entry", id_, "in quarantine")
    return row
