"""The quarantine's projection: one row a message, one a command to send it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import msgspec
import structlog

from compound.events import COMMANDS, QUARANTINE, Received
from compound.quarantine import MESSAGE, RETRY, Quarantined, Retry
from compound.settings import Settings
from compound.timeutil import moment, parse
from processors.quarantine.resend import Resender
from processors.runtime import metrics
from processors.runtime.domain import Tx

_out = structlog.get_logger(domain="quarantine")


class QuarantineDomain:
    """Lists what is in quarantine. A function of the topics alone, whatever the order: copies only count."""

    name = "quarantine"
    topics = (QUARANTINE, COMMANDS)

    def __init__(self, settings: Settings) -> None:
        self.jobs: tuple[tuple[str, Callable[[threading.Event], None]], ...] = (
            ("quarantine-resend", Resender(settings).run),
        )
        """What runs beside the worker: sending again."""

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Take in messages and commands; one that can't be read is counted and said."""
        for received in events:
            try:
                if received.event.type == MESSAGE:
                    self._message(tx, received, msgspec.json.decode(received.event.data, type=Quarantined))
                elif received.event.type == RETRY:
                    self._retry(tx, received, msgspec.json.decode(received.event.data, type=Retry))
            except (ValueError, msgspec.MsgspecError) as error:
                metrics.UNREADABLE.labels(self.name).inc()
                _out.error("not understood", topic=received.topic, offset=received.offset, error=str(error))

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """Nothing here hangs on the registry."""

    def tick(self, tx: Tx) -> bool:
        """Nothing passes with time."""
        return False

    def forget(self) -> None:
        """Nothing is held."""

    def _message(self, tx: Tx, received: Received, found: Quarantined) -> None:
        tx.conn.execute(
            "INSERT INTO message AS held VALUES (%(id)s, %(reason)s, %(detail)s, %(topic)s, %(element)s, %(size)s, %(cut)s,"
            " %(month)s, %(sealed)s, %(received)s, %(recorded)s, %(recorded)s, 1)"
            " ON CONFLICT (id) DO UPDATE SET copies = held.copies + 1,"
            " received = least(held.received, excluded.received),"
            " first_recorded = least(held.first_recorded, excluded.first_recorded),"
            " recorded = greatest(held.recorded, excluded.recorded)",
            {
                "id": received.event.subject,
                "reason": found.reason,
                "detail": found.detail,
                "topic": found.topic,
                "element": found.index,
                "size": found.size,
                "cut": found.cut,
                "month": found.month,
                "sealed": found.sealed,
                "received": moment(parse(found.received)),
                "recorded": moment(received.recorded),
            },
        )
        tx.changed.add(("quarantine", received.event.subject))

    def _retry(self, tx: Tx, received: Received, wish: Retry) -> None:
        tx.conn.execute(
            "INSERT INTO retry (id, command, who, asked) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (wish.id, received.event.id, wish.who, moment(received.recorded)),
        )
        tx.changed.add(("quarantine", wish.id))
