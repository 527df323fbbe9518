"""Health and lag."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from api.models.base import Model, Time


class Live(Model):
    """The process answers."""

    example: ClassVar = {"status": "live", "version": "0.1.0"}

    status: Literal["live"] = "live"
    version: str


class Check(Model):
    """One thing that must be there."""

    ok: bool
    detail: str


class Ready(Model):
    """Whether requests can be answered, and what is missing."""

    example: ClassVar = {
        "status": "ready",
        "checks": {
            "database": {"ok": True, "detail": "PostgreSQL 18.6"},
            "migrations": {"ok": True, "detail": "12 applied, none missing"},
            "log": {"ok": True, "detail": "28 partitions"},
        },
    }

    status: Literal["ready", "not ready"]
    checks: dict[str, Check]


class Lag(Model):
    """How far a domain has read one partition of the log."""

    example: ClassVar = {
        "domain": "energy",
        "topic": "meter",
        "generation": 1,
        "partition": 0,
        "next_offset": 10420,
        "head": 10500,
        "lag": 80,
        "behind_s": 0.8,
    }

    domain: str
    topic: str
    generation: int
    partition: int
    next_offset: int = Field(description="Offset of the next record it reads.")
    head: int | None = Field(description="Next offset of the log; null when the log can't be asked.")
    lag: int | None = Field(description="Records it has not read.")
    behind_s: float | None = Field(
        description="Age of the oldest record it has not read, seconds; 0: none. Null: not known."
    )


class LagReport(Model):
    """All partitions, the farthest behind first."""

    example: ClassVar = {"at": "2026-10-01T02:15:02Z", "records": {"meter": 128_400}, "items": [Lag.example]}

    at: Time
    records: dict[str, int] | None = Field(
        description="Records that each topic ever got, those of left generations too; null: the log does not answer."
    )
    items: list[Lag]
