"""Making the quarantine's records."""

from __future__ import annotations

import msgspec

from compound.events import QUARANTINE, Event, to_record
from compound.keys import Keys, Months
from compound.log.port import Record
from compound.quarantine import MESSAGE, MOST_BYTES, Quarantined, seal
from compound.timeutil import text
from ingest.decoders.base import Malformed


class Quarantine:
    """Turns what can't be read into a record of the topic `quarantine`, encrypted under the month of its arrival."""

    def __init__(self, keys: Keys, months: Months) -> None:
        self._keys = keys
        self._months = months

    def record(self, topic: str, payload: bytes, malformed: Malformed, now: int, *, known: bool) -> Record:
        """The record of a message or an element of it. `known`: the topic follows the contract and may be named.

        The same message gets the same id, also when the broker delivers it again. Raises OSError.
        """
        held = payload if malformed.payload is None else malformed.payload
        month = self._months.of(now)
        identity, sealed = seal(self._keys, month, topic, held[:MOST_BYTES])
        data = Quarantined(
            reason=malformed.reason,
            received=text(now),
            size=len(held),
            month=month,
            sealed=sealed,
            topic=topic if known else None,
            detail=malformed.detail,
            index=malformed.at,
            cut=len(held) > MOST_BYTES,
        )
        event = Event(
            id=identity,
            source=topic.rpartition("/")[0] if known else "mqtt",
            type=MESSAGE,
            time=now,
            subject=identity,
            data=msgspec.json.encode(data),
        )
        return to_record(QUARANTINE, event)
