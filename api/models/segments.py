"""Segments of state timelines, and conditions, in one shape for all domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from api.models.base import Model, Time


class Segment(Model):
    """What is known between two points of a subject's timeline; the fields of its kind stand beside these."""

    model_config = ConfigDict(extra="allow", frozen=True)
    example: ClassVar = {
        "subject": "ps-n-001",
        "kind": "state",
        "start": "2026-10-01T00:31:10Z",
        "end": None,
        "spot": "spot-n-001",
        "carpark": "north",
        "state": "occupied",
        "known_until": "2026-10-01T02:10:10Z",
    }

    subject: str
    kind: str
    start: Time
    end: Time | None = Field(description="Null while it goes on.")

    @classmethod
    def shown(cls, row: Mapping[str, Any]) -> Segment:
        """A row of a `segment` table."""
        return cls(
            **{**row["data"], "subject": row["subject"], "kind": row["kind"], "start": row["start"], "end": row["end"]}
        )
