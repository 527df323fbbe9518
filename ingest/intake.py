"""One MQTT message to the records the log shall hold of it: its events, or its place in quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from compound.log.port import Record
from compound.quarantine import MOST_BYTES
from compound.timeutil import SECOND
from ingest.decoders.base import Decode, Format, Malformed
from ingest.metrics import Metrics
from ingest.quarantine import Quarantine

MOST_TOPICS: Final = 50_000
"""So many topics are remembered with their decoders; beyond, all are forgotten and found again."""


class Message(NamedTuple):
    """A message as it came from the broker."""

    topic: bytes
    payload: bytes
    mid: int
    retain: bool


class Intake:
    """Judges messages by the contract. Holds no state but what it has worked out, so its order of calls is free."""

    def __init__(
        self,
        *,
        formats: Sequence[Format],
        quarantine: Quarantine,
        metrics: Metrics,
        clock: Callable[[], int],
        future_s: float,
    ) -> None:
        """`clock`: microseconds UTC. `future_s`: how far ahead of it a message's time may be."""
        self._formats = [(each.filter.removesuffix("#"), each) for each in formats]
        self._quarantine = quarantine
        self._metrics = metrics
        self._clock = clock
        self._future = int(future_s * SECOND)
        self._decoders: dict[bytes, Decode] = {}

    def records(self, messages: Sequence[Message]) -> list[Record]:
        """What the log shall hold of `messages`, in their order: at least one record of each (P5).

        Raises OSError or KeyLost when a key of personal data can't be had: then nothing may be appended or acknowledged.
        """
        now = self._clock()
        latest = now + self._future
        decoders, out = self._decoders, list[Record]()
        for message in messages:
            topic, payload, _, retain = message
            decode = decoders.get(topic) or self._open(topic)
            if isinstance(decode, Malformed):
                self._refuse(message, decode, now, out, known=False)
                continue
            if len(payload) > MOST_BYTES:
                self._refuse(message, Malformed("longer than 16 KiB"), now, out)
                continue
            for item in decode(payload, latest):
                if isinstance(item, Malformed):
                    self._refuse(message, item, now, out)
                    continue
                place, element, time, data = item
                if time is None:
                    time = now  # a will: what counts is when it was recorded
                if retain:
                    data = b'%b,"retained":true}' % data[:-1]
                out.append(place.record(element, time, data))
        return out

    def _open(self, topic: bytes) -> Decode | Malformed:
        if len(self._decoders) >= MOST_TOPICS:
            self._decoders.clear()
        text = topic.decode(errors="replace")
        for start, known in self._formats:
            if text.startswith(start):
                decode = known.open(text)
                if not isinstance(decode, Malformed):
                    self._decoders[topic] = decode
                return decode
        return Malformed("no such topic")

    def _refuse(
        self, message: Message, malformed: Malformed, now: int, out: list[Record], *, known: bool = True
    ) -> None:
        topic = message.topic.decode(errors="replace")
        out.append(self._quarantine.record(topic, message.payload, malformed, now, known=known))
        self._metrics.quarantined.labels(malformed.reason).inc()
