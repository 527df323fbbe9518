"""What could not be read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from api.models.base import Model, Time


class Entry(Model):
    """A message that could not be read, or the messages of a device that is not registered. Payloads stay sealed."""

    example: ClassVar = {
        "id": "9f2c4e6a8b0d1f3e5c7a9b8d6f4e2c1a",
        "kind": "message",
        "reason": "not JSON",
        "detail": "unexpected end of data (byte 118)",
        "topic": "compound/v1/demo/meter/m-001/reading",
        "device": None,
        "received": "2026-10-01T02:15:00.400Z",
        "recorded": "2026-10-01T02:15:00.412Z",
        "size": 118,
        "element": None,
        "cut": False,
        "count": 1,
        "state": "held",
        "retried_by": None,
        "retry_asked": None,
        "retry_sent": None,
        "retry_failed": None,
    }

    id: str
    kind: Literal["message", "device"] = Field(
        description="device: the messages of a device that is not registered; registering it lets them in."
    )
    reason: str
    detail: str | None
    topic: str | None = Field(description="MQTT topic, where it follows the contract.")
    device: str | None
    received: Time = Field(description="By ingest's clock, the first time.")
    recorded: Time = Field(description="The newest copy, by the log's clock.")
    size: int | None = Field(description="Bytes.")
    element: int | None = Field(description="Place in the payload's array.")
    cut: bool = Field(description="Longer than what is kept: it can't be sent again.")
    count: int = Field(description="Copies, or messages that wait.")
    state: Literal["held", "retrying", "retried"]
    retried_by: str | None
    retry_asked: Time | None
    retry_sent: Time | None
    retry_failed: str | None = Field(description="Why the last retry could not be carried out.")
