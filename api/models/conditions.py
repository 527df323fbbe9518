"""Conditions: facts that may be told."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import Model, Time

ConditionDomain = Literal["energy", "parking", "access", "parcels", "solar", "liveness", "quotas", "platform"]


class Condition(Model):
    """From when to when something held that may be told as an alert."""

    example: ClassVar = {
        "domain": "access",
        "rule": "held",
        "subject": "g-01",
        "what": "door",
        "key": "",
        "start": "2026-10-01T00:58:31.200Z",
        "end": "2026-10-01T01:02:06.900Z",
        "detail": {"point": "door-01", "site": "demo", "opened": "2026-10-01T00:58:01.200Z"},
    }

    domain: ConditionDomain
    rule: str = Field(description="E.g. forced, held, overstay, overdue-24, silent, break, quota-notice.")
    subject: str
    what: str = Field(description="Which timeline of the subject: a cell, a register, a channel.")
    key: str
    start: Time
    end: Time | None = Field(description="Null while it goes on.")
    detail: dict[str, Any]
