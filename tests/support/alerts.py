"""Events of alerts, as processors and the API make them."""

from __future__ import annotations

from typing import Any

import msgspec

from compound.events import Event
from compound.timeutil import text


def told(phase: str, alert: str, time: int, number: int = 1, **more: Any) -> Event:
    """An alert raised, cleared or withdrawn at `time` (µs); `number` tells repeated ones apart."""
    data = {
        "alert": alert,
        "domain": "access",
        "rule": "held",
        "subject": "gate-south",
        "what": "door",
        "key": "",
        "site": "s",
        "point": "south",
        "start": text(time),
        "end": None,
        "priority": "medium",
        "category": "security",
        "notify": True,
        "detail": {"opening": text(time)},
        **more,
    }
    subject = str(data["subject"])
    return Event(
        f"{alert}-{phase}-{number}",
        "compound/processors/access",
        f"alert.{phase}.v1",
        time,
        subject,
        msgspec.json.encode(data),
    )


def acknowledge(alert: str, time: int, who: str = "guard", note: str = "seen") -> Event:
    """The command."""
    data = msgspec.json.encode({"alert": alert, "who": who, "note": note})
    return Event(f"{alert}-ack-{who}-{time}", "compound/api", "alert.acknowledge.v1", time, alert, data)
