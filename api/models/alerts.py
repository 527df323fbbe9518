"""Alerts: what was told of conditions, acknowledged, cleared."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from api.models.base import Model, Time

AlertState = Literal["raised", "acknowledged", "unacknowledged", "cleared", "withdrawn"]
Category = Literal["security", "maintenance", "energy", "notification"]

_ALERT: dict[str, Any] = {
    "id": "0b7e5d2c4f6a8190a2b3c4d5e6f70819",
    "domain": "access",
    "rule": "held",
    "subject": "g-01",
    "what": "door",
    "site": "demo",
    "point": "door-01",
    "category": "security",
    "priority": "medium",
    "state": "acknowledged",
    "start": "2026-10-01T00:58:31.200Z",
    "end": None,
    "raised": "2026-10-01T00:58:33.010Z",
    "cleared": None,
    "withdrawn": None,
    "acknowledged": "2026-10-01T00:59:20.450Z",
    "acknowledged_by": "li.wei",
    "note": "cleaning, door is watched",
    "notify": True,
    "under": None,
    "times": 1,
    "detail": {"opened": "2026-10-01T00:58:01.200Z"},
}


class Alert(Model):
    """An alert as it stands."""

    example: ClassVar = _ALERT

    id: str
    domain: str
    rule: str
    subject: str
    what: str
    site: str | None
    point: str | None
    category: Category
    priority: Literal["high", "medium", "low"]
    state: AlertState = Field(
        description="unacknowledged: a security alert that cleared by itself and stays on the desk's list. withdrawn:"
        " later data shows that it need not have been."
    )
    start: Time = Field(description="Of the condition.")
    end: Time | None
    raised: Time = Field(description="When it was told.")
    cleared: Time | None
    withdrawn: Time | None
    acknowledged: Time | None
    acknowledged_by: str | None
    note: str | None
    notify: bool = Field(description="False: over before it could be known; recorded, not sent.")
    under: str | None = Field(description="The alert of the same cause that stands for this one.")
    times: int = Field(description="How often it was raised.")
    detail: dict[str, Any]


class AlertEvent(Model):
    """What was said of an alert, as it stands in the log."""

    example: ClassVar = {
        "id": "77aa01c2d3e4f5015f2a9c01d3e84b96",
        "type": "alert.acknowledge.v1",
        "source": "compound/api",
        "time": "2026-10-01T00:59:20.450Z",
        "recorded": "2026-10-01T00:59:20.461Z",
        "data": {"alert": _ALERT["id"], "who": "li.wei", "note": "cleaning, door is watched"},
    }

    id: str
    type: str
    source: str
    time: Time
    recorded: Time
    data: dict[str, Any]


class Delivery(Model):
    """Sending one of an alert's events by one channel."""

    example: ClassVar = {
        "event": "c01d3e84b9677aa01c2d3e4f5015f2a9",
        "channel": "webhook",
        "state": "delivered",
        "attempts": 2,
        "error": None,
        "delivered": "2026-10-01T00:58:36.800Z",
    }

    event: str
    channel: Literal["webhook", "mqtt"]
    state: Literal["waiting", "delivered", "dead", "left"] = Field(
        description="left: too old to be sent when it was read."
    )
    attempts: int
    error: str | None
    delivered: Time | None


class AlertDetail(Alert):
    """An alert with its history and deliveries."""

    example: ClassVar = {**_ALERT, "events": [AlertEvent.example], "deliveries": [Delivery.example]}

    events: list[AlertEvent]
    deliveries: list[Delivery]
