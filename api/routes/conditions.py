"""Conditions: what held that may be told, of all domains. What was told of it are alerts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.database import Database, load
from api.known import KnownAt, opened
from api.models.conditions import Condition, ConditionDomain
from api.pages import Page, Paged
from api.times import EARLIEST, Year
from compound.known import CONDITIONS

router = APIRouter(prefix="/v1/conditions", tags=["alerts"])

_CONDITIONS = load("conditions")

OfDomain = Annotated[ConditionDomain | None, Query(description="Only of this domain.")]
OfSubject = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9._:-]{1,80}$", description="Only of this device, person or department.")
]


def _database(
    request: Request, domain: OfDomain = None, subject: OfSubject = None, known_at: KnownAt = None
) -> Database:
    """Only what is asked for is derived: give a domain, or a subject."""
    return opened(request, known_at, CONDITIONS, domain, subject)


@router.get("")
async def conditions(
    database: Annotated[Database, Depends(_database)],
    when: Year,
    page: Paged,
    domain: OfDomain = None,
    rule: Annotated[
        str | None, Query(pattern=r"^[a-z0-9-]{1,40}$", description="Only of this rule.", examples=["overstay"])
    ] = None,
    subject: OfSubject = None,
) -> Page[Condition]:
    """The conditions that held at some time in the range, by start, whether they were told or not."""
    start, of_domain, of_rule, of_subject, what, key = page.after((EARLIEST, "", "", "", "", ""))
    rows = await database.rows(
        _CONDITIONS,
        since=when.since,
        until=when.until,
        now=database.now(),
        domain=domain,
        rule=rule,
        subject=subject,
        after_start=start,
        after_domain=of_domain,
        after_rule=of_rule,
        after_subject=of_subject,
        after_what=what,
        after_key=key,
        limit=page.limit,
    )
    shown, following = page.cut(
        rows, lambda row: (row["start"], row["domain"], row["rule"], row["subject"], row["what"], row["key"])
    )
    return Page(items=Condition.each(shown), next=following)
