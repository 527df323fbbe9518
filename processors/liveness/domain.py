"""The liveness domain: what arrives of every device, and who is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from compound.events import DEVICE_TOPICS, HISTORY, Received
from compound.settings import Settings
from compound.timeutil import MINUTE, SECOND
from processors.liveness import broker, silence, tables, watch
from processors.liveness.seen import gather, waiting, wills
from processors.runtime import metrics
from processors.runtime.domain import Tx
from processors.runtime.telling import Rule, Teller

ALIVE: Final = "ingest.alive.v1"
MISSED: Final = 3
"""So many heartbeats of ingest may be missing before it counts as not receiving."""
AGAIN: Final = MINUTE
"""The registry is looked at so often, besides after its changes: what it says may begin or end by the clock."""

RULES: Final = {
    "silent": Rule("maintenance", "medium"),
    "offline": Rule("maintenance", "medium"),
    "channel-silent": Rule("maintenance", "low"),
}


_out = structlog.get_logger(domain="liveness")


class LivenessDomain:
    """All device topics, and history for ingest's heartbeats. Silence is told, not a fact: it is judged by arrival."""

    name = "liveness"
    topics: tuple[str, ...] = (*DEVICE_TOPICS, HISTORY)
    gather_s = 1.0
    """Every message says that its device lives; written once a second, that costs a fraction when there are many."""

    def __init__(self, settings: Settings) -> None:
        self._teller = Teller(RULES, settings.quiet_s, settings.late_s, silence.lookup)
        self._apart = int(MISSED * settings.ingest_heartbeat_s * SECOND)
        self._synced: tuple[int, int] | None = None

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Note who spoke."""
        heartbeats = [e for e in events if e.topic == HISTORY and e.event.type == ALIVE]
        if heartbeats:
            silence.heard(tx.conn, [e.recorded for e in heartbeats], self._apart)
            broker.said(tx.conn, heartbeats)
        messages = [e for e in events if e.topic != HISTORY]
        boots = tables.boots(tx.conn, wills(messages))
        try:
            seen = gather(messages, boots)
        except msgspec.DecodeError:
            messages = [e for e in messages if _legible(e)]
            seen = gather(messages, boots)
        tables.write_seen(tx.conn, seen)
        tables.write_waiting(tx.conn, waiting(messages, tx.registry))
        silence.come_back(tx.conn, seen)
        tx.changed.update(("device", device) for device in seen)

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """Nothing is derived from the registry but what `tick` brings up to date."""

    def tick(self, tx: Tx) -> bool:
        """Find who is lost by now, and tell."""
        if self._synced is None or tx.registry.version != self._synced[0] or tx.now >= self._synced[1]:
            if watch.sync(tx.conn, tx.registry, tx.now):
                silence.unwatched(tx.conn, tx.now)
            self._synced = tx.registry.version, tx.now + AGAIN
        read = None if tx.slots is None else {(slot.topic, slot.partition) for slot in tx.slots}
        found = silence.find_lost(tx.conn, tx.now, read)
        return self._teller.tick(tx) or found

    def forget(self) -> None:
        """Look at the registry again."""
        self._synced = None


def _legible(received: Received) -> bool:
    """Whether the event is one; what ingest would not have let in is counted, said, and passed over. It stays in the log."""
    try:
        gather([received], {})
    except msgspec.DecodeError as error:
        metrics.UNREADABLE.labels(LivenessDomain.name).inc()
        _out.error("no message", topic=received.topic, offset=received.offset, error=str(error))
        return False
    return True
