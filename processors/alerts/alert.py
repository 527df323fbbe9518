"""An alert as the fold over its events; pure.

What the processors told of it (raised, cleared, withdrawn) goes by its order in the log. An acknowledgement counts for
the raising before it, by recordedtime: commands come by another topic, and may be read before or after (P3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

Phase = Literal["raised", "cleared", "withdrawn"]
TOLD: Final[dict[str, Phase]] = {
    "alert.raised.v1": "raised",
    "alert.cleared.v1": "cleared",
    "alert.withdrawn.v1": "withdrawn",
}
ACKNOWLEDGE: Final = "alert.acknowledge.v1"
DELIVERED: Final = "alert.delivered.v1"

SAME_CAUSE: Final[dict[str, tuple[str, ...]]] = {
    "held": ("forced",),
    "channel-silent": ("silent", "offline"),
}
"""One alert for one cause: while one of these stands at the same subject, an alert of the rule is shown under it, not sent."""


class Told(msgspec.Struct):
    """Data of a raised, cleared or withdrawn alert (written by `processors.runtime.telling`)."""

    alert: str
    domain: str
    rule: str
    subject: str
    start: datetime
    category: str
    priority: str
    notify: bool
    what: str = ""
    site: str | None = None
    point: str | None = None
    end: datetime | None = None
    detail: dict[str, Any] = {}


class Acknowledge(msgspec.Struct):
    """Data of the command."""

    alert: str
    who: str
    note: str = ""


class Delivered(msgspec.Struct):
    """Data of `alert.delivered.v1`: how the delivery of an alert's event by a channel ended."""

    alert: str
    event: str
    channel: Literal["webhook", "mqtt"]
    outcome: Literal["delivered", "dead"]
    attempts: int
    error: str | None = None


@dataclass(slots=True)
class Entry:
    """An event of an alert as its history keeps it."""

    id: str
    type: str
    time: datetime
    recorded: datetime
    offset: int
    data: Any


@dataclass(slots=True)
class Alert:
    """The row of an alert, but for `under`."""

    id: str
    domain: str | None = None
    rule: str | None = None
    subject: str | None = None
    what: str | None = None
    site: str | None = None
    point: str | None = None
    category: str | None = None
    priority: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    raised: datetime | None = None
    cleared: datetime | None = None
    withdrawn: datetime | None = None
    acknowledged: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    notify: bool | None = None
    times: int = 0
    phase: Phase | None = None
    detail: dict[str, Any] | None = None


def fold(alert_id: str, entries: Iterable[Entry]) -> Alert:
    """The alert after all its events, whatever order they are given in."""
    alert = Alert(alert_id)
    since: datetime | None = None
    ordered = sorted(entries, key=lambda entry: (entry.recorded, entry.offset, entry.id))
    for entry in ordered:
        if entry.type in TOLD:
            _tell(alert, TOLD[entry.type], msgspec.convert(entry.data, Told), entry.time)
            since = entry.recorded if alert.phase == "raised" else since
    valid = (entry for entry in ordered if entry.type == ACKNOWLEDGE and since is not None and entry.recorded >= since)
    first = next(valid, None)
    if first is not None:
        said = msgspec.convert(first.data, Acknowledge)
        alert.acknowledged, alert.acknowledged_by, alert.note = first.time, said.who, said.note
    return alert


def _tell(alert: Alert, phase: Phase, told: Told, time: datetime) -> None:
    alert.phase = phase
    setattr(alert, phase, time)
    if phase == "raised":
        alert.times += 1
        alert.cleared = alert.withdrawn = None
        alert.notify = told.notify
    if phase != "withdrawn":  # what vanished has nothing more to say of itself
        alert.end, alert.detail = told.end, told.detail
    alert.domain, alert.rule, alert.subject, alert.what = told.domain, told.rule, told.subject, told.what
    alert.site, alert.point, alert.start = told.site, told.point, told.start
    alert.category, alert.priority = told.category, told.priority
