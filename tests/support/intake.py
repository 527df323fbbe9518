"""An intake without broker and log, with a clock that stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from compound.events import QUARANTINE, Event, from_stored
from compound.keys import Keys, Months
from compound.log.port import Record, Stored
from compound.quarantine import Quarantined
from compound.timeutil import parse
from ingest.decoders import formats
from ingest.intake import Intake, Message
from ingest.metrics import Metrics
from ingest.quarantine import Quarantine
from ingest.tokens import Tokens

NOW = parse("2026-11-02T08:00:00Z")


class Desk:
    """Give it messages, get events and quarantined ones."""

    def __init__(self, folder: Path, zone: str = "Asia/Shanghai") -> None:
        self.keys = Keys(folder)
        self.months = Months(ZoneInfo(zone), 3)
        self.metrics = Metrics()
        self.now = NOW
        self.intake = Intake(
            formats=formats(Tokens(self.keys, self.months).token),
            quarantine=Quarantine(self.keys, self.months),
            metrics=self.metrics,
            clock=lambda: self.now,
            future_s=300,
        )

    def records(self, topic: str, payload: object, *, retain: bool = False) -> list[Record]:
        sent = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        return self.intake.records([Message(topic.encode(), sent, 1, retain)])

    def judge(self, topic: str, payload: object, *, retain: bool = False) -> tuple[list[Event], list[Quarantined]]:
        events, bad = [], []
        for record in self.records(topic, payload, retain=retain):
            event = event_of(record)
            if record.topic == QUARANTINE:
                bad.append(msgspec.json.decode(event.data, type=Quarantined))
            else:
                events.append(event)
        return events, bad

    def good(self, topic: str, payload: object) -> list[dict[str, Any]]:
        """The data of the events of a payload in which nothing is bad."""
        events, bad = self.judge(topic, payload)
        assert not bad
        return [msgspec.json.decode(event.data) for event in events]

    def reasons(self, topic: str, payload: object) -> list[str]:
        events, bad = self.judge(topic, payload)
        assert not events
        return [one.reason for one in bad]


def event_of(record: Record) -> Event:
    return from_stored(Stored(record.topic, 1, 0, 0, 0, *record[1:])).event
