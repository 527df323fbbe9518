"""The compound in one look."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from api.models.base import Model, Time


class Archive(Model):
    """How far the book is behind Kafka."""

    example: ClassVar = {
        "behind": 120,
        "oldest_s": 0.4,
        "retention_share": 0.0,
        "seen": "2026-10-01T02:15:01Z",
        "alarm": None,
    }

    behind: int = Field(description="Records that Kafka holds and the book does not yet.")
    oldest_s: float = Field(description="Age of the oldest of them, seconds; 0: none.")
    retention_share: float | None = Field(
        description="That age as a share of Kafka's retention; at 1 Kafka drops what the book does not hold. Null: it keeps all."
    )
    seen: Time | None = Field(description="When archivers had looked at every partition; null: not yet.")
    alarm: str | None = Field(description="Why the archiver can't go on; null: it can.")


class Status(Model):
    """What whoever runs the platform asks first."""

    example: ClassVar = {
        "at": "2026-10-01T02:15:02Z",
        "version": "0.1.0",
        "registry_version": 812,
        "receiving_until": "2026-10-01T02:15:00.400Z",
        "devices": {"alive": 402, "silent": 1},
        "behind": {"energy": 0, "parking": 12},
        "archive": Archive.example,
        "stale": {},
        "waiting_to_be_told": 0,
        "quarantine": {"not JSON": 2},
        "unknown_devices": 0,
        "open_alerts": {"high": 0, "medium": 1, "low": 3},
    }

    at: Time
    version: str = Field(description="Of the API.")
    registry_version: int = Field(description="Grows with every change of the registry.")
    receiving_until: Time | None = Field(description="Newest sign of life of ingest.")
    devices: dict[str, int] = Field(description="Watched devices by state.")
    behind: dict[str, int | None] = Field(
        description="Records that a domain has not read; null: the log does not answer."
    )
    archive: Archive | None = Field(description="The book against Kafka; null where the log is the book.")
    stale: dict[str, int] = Field(description="Devices whose figures are being derived again, by domain.")
    waiting_to_be_told: int = Field(description="History in the outbox, not yet in the log.")
    quarantine: dict[str, int] = Field(description="Messages held, by reason.")
    unknown_devices: int = Field(description="Devices whose messages wait for their registration.")
    open_alerts: dict[str, int] = Field(description="By priority.")
