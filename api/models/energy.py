"""Consumption by quarter hour, day and month, and the balance of a place."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from api.models.base import STALE, Model, Share, Time

By = Literal["quarter", "day", "month"]
Group = Literal["meter", "point", "building", "department", "site"]
Medium = Literal["electricity", "water", "gas", "heat"]
Unit = Literal["Wh", "l"]


class _Used(Model):
    start: Time
    quality: Literal["measured", "estimated", "substituted"] | None = Field(
        description="The worst mark in it at this length; null where nothing is known."
    )
    coverage: Share = Field(description="Known time / elapsed time, over the meters by rated power.")
    estimated_share: Share | None = Field(description="Share of the quantity that is not measured at this length.")
    incomplete_meters: int = Field(description="Meters that are not covered throughout.")
    stale: bool = Field(description=STALE)


class Energy(_Used):
    """Energy used in a quarter hour, day or month."""

    example: ClassVar = {
        "start": "2026-09-30T16:00:00Z",
        "wh": 512340,
        "quality": "measured",
        "coverage": 1.0,
        "estimated_share": 0.0,
        "incomplete_meters": 0,
        "stale": False,
    }

    wh: int | None = Field(description="Null where nothing is known.")


class Volume(_Used):
    """Volume used in a quarter hour, day or month."""

    example: ClassVar = {
        "start": "2026-09-30T16:00:00Z",
        "l": 1830,
        "quality": "measured",
        "coverage": 1.0,
        "estimated_share": 0.0,
        "incomplete_meters": 0,
        "stale": False,
    }

    litres: int | None = Field(alias="l", description="Null where nothing is known.")


class Consumption(Model):
    """What a subject used, in order of time; only what has begun is listed."""

    example: ClassVar = {
        "subject": "b1",
        "group": "building",
        "medium": "electricity",
        "register": None,
        "unit": "Wh",
        "by": "day",
        "timezone": "Asia/Shanghai",
        "items": [Energy.example],
        "next": None,
    }

    subject: str
    group: Group
    medium: Medium
    what: str | None = Field(
        alias="register", description="The register asked for; null: what the medium's use is made of."
    )
    unit: Unit
    by: By
    timezone: str = Field(description="Zone of the site: its days and months are meant.")
    items: list[Energy] | list[Volume]
    next: str | None = Field(None, description="Give it as `cursor` to get the next page; null: this is the last.")


class BalanceItem(Model):
    """A place: what came in, what went out, what it used, and where that went; in the balance's unit."""

    example: ClassVar = {
        "start": "2026-09-30T16:00:00Z",
        "import": 1000,
        "export": 120,
        "generation": 400,
        "storage": None,
        "consumption": 1280,
        "children": 1240,
        "residual": 40,
        "residual_known": 40,
        "known": 1.0,
        "fault": False,
    }

    start: Time
    imported: int | None = Field(alias="import")
    export: int | None
    generation: int | None
    storage: int | None = Field(description="Discharge - charge.")
    consumption: int | None = Field(description="import - export + generation + storage, over the known quarter hours.")
    children: int | None = Field(
        description="Consumption of the direct children in the meter tree, over the known ones."
    )
    residual: int | None = Field(description="consumption - children; null unless every meter is known throughout.")
    residual_known: int | None = Field(description="The same over the quarter hours in which every meter is known.")
    known: Share | None = Field(description="Share of these quarter hours.")
    fault: bool = Field(description="The known residual is below -1 % of the consumption.")


class Balance(Model):
    """The balance of a main meter's place."""

    example: ClassVar = {
        "point": "p-main",
        "medium": "electricity",
        "unit": "Wh",
        "by": "day",
        "timezone": "Asia/Shanghai",
        "stale": False,
        "items": [BalanceItem.example],
    }

    point: str
    medium: Medium
    unit: Unit
    by: By
    timezone: str
    stale: bool = Field(description=STALE)
    items: list[BalanceItem]
