"""The alerts domain: history and commands in, alerts and their deliveries out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog

from compound.events import COMMANDS, HISTORY, Received
from compound.settings import Settings
from compound.timeutil import micros, moment
from processors.alerts import tables
from processors.alerts.alert import (
    ACKNOWLEDGE,
    DELIVERED,
    SAME_CAUSE,
    TOLD,
    Acknowledge,
    Delivered,
    Entry,
    Told,
    fold,
)
from processors.alerts.channels import channels
from processors.alerts.sender import Sender
from processors.runtime.domain import Tx

_SHAPES: Final[dict[str, Any]] = {**dict.fromkeys(TOLD, Told), ACKNOWLEDGE: Acknowledge, DELIVERED: Delivered}
APART: Final = timedelta(seconds=5)
"""So long after the alert above it ended an alert is taken to go on: one cause ends both, but not in one event."""

_out = structlog.get_logger(domain="alerts")


class AlertsDomain:
    """Topics `history` and `commands`. The events of an alert are kept; its row is always their fold (P3)."""

    name = "alerts"
    topics: tuple[str, ...] = (HISTORY, COMMANDS)

    def __init__(self, settings: Settings) -> None:
        self._channels = channels(settings)
        self._settings = settings

    @property
    def jobs(self) -> list[tuple[str, Callable[[threading.Event], None]]]:
        """What runs beside the worker: a sender for each channel."""
        return [
            (f"alerts/{name}", Sender(name, make, self._settings).run) for name, make in sorted(self._channels.items())
        ]

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Take in what is new of each alert, and queue what is to be sent."""
        said = [(received, data) for received in events if (data := _data(received)) is not None]
        if not said:
            return
        tables.lock(tx.conn, {data.alert for _, data in said})
        for received, data in said:
            if not tables.insert(tx.conn, data.alert, *_entry(received)):
                continue
            tables.write(tx.conn, fold(data.alert, tables.entries(tx.conn, data.alert)))
            if isinstance(data, Told):
                self._told(tx, received, data)
            elif isinstance(data, Delivered):
                tables.settle(tx.conn, data, moment(received.event.time))
            tx.changed.add(("alert", data.alert))

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """Alerts are history: a change of the registry changes none."""

    def tick(self, tx: Tx) -> bool:
        """Alerts that go on although the one above them ended stand for themselves: the log is read to its end, so an end
        of their own, which comes with that of the other, is in.
        """
        released = tables.release(tx.conn, moment(tx.now) - APART)
        for alert, event, ended in released:
            self._queue(tx, alert, event, micros(ended))
            tx.changed.add(("alert", alert))
        return bool(released)

    def forget(self) -> None:
        """Nothing is held in memory."""

    def _told(self, tx: Tx, received: Received, told: Told) -> None:
        """Queue the deliveries of one event. One cause is one alert: another of it waits under the first."""
        if TOLD[received.event.type] == "raised":
            over = tables.standing(tx.conn, told.subject, SAME_CAUSE.get(told.rule, ())) if told.notify else None
            tables.put_under(tx.conn, told.alert, over)
        if told.notify and not tables.is_under(tx.conn, told.alert):
            self._queue(tx, told.alert, received.event.id, received.recorded)

    def _queue(self, tx: Tx, alert: str, event: str, recorded: int) -> None:
        fresh = moment(tx.now) - moment(recorded) <= timedelta(seconds=self._settings.alert_age_s)
        for channel in sorted(self._channels):
            tables.queue(tx.conn, alert, event, channel, "waiting" if fresh else "left", moment(tx.now))


def _data(received: Received) -> Any:
    """The event's data; None where it is none of ours or can't be read (that is said, and stays in the log)."""
    shape = _SHAPES.get(received.event.type)
    if shape is None or (received.topic == COMMANDS) != (shape is Acknowledge):
        return None
    try:
        return msgspec.json.decode(received.event.data, type=shape)
    except msgspec.DecodeError as error:
        _out.error("unreadable", id=received.event.id, type=received.event.type, error=str(error))
        return None


def _entry(received: Received) -> tuple[Entry, str]:
    event = received.event
    data = msgspec.json.decode(event.data)
    return Entry(
        event.id, event.type, moment(event.time), moment(received.recorded), received.offset, data
    ), event.source
