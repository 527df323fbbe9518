"""Reading Kafka as a member of a consumer group (cooperative assignment), with positions kept by the
owner.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from compound.log.book import Headers
from compound.log.generations import Generation
from compound.log.port import LogUnavailable, OffsetLost, Positions, Slot, Stored

LOGGER = logging.getLogger(__name__)

_CHECK_S: Final = 5.0
"""Seconds between two looks at whether the topics are still the same ones.

Kafka's records don't say which incarnation of a topic they are from: within this time after a topic was recreated under
a running reader, records may be read under the old generation. So recreate topics while nothing reads them.
"""

_REQUEST_S: Final = 5.0

_LOST: Final = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)

_Where = tuple[str, int]


class KafkaReader:
    """`compound.log.port.Reader` on Kafka: the topics' current generation. For one thread."""

    def __init__(
        self,
        servers: str,
        group: str,
        topics: Sequence[str],
        positions: Positions,
        settle: Callable[[Collection[str]], Mapping[str, Generation]],
        *,
        session: float,
    ) -> None:
        self._config = {
            "bootstrap.servers": servers,
            "group.id": group,
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "session.timeout.ms": int(session * 1000),
            "heartbeat.interval.ms": int(session * 1000 / 3),
            "queued.max.messages.kbytes": 16384,
            # Else each reader asks again for every few records that came meanwhile: a fifth of Kafka's CPU under load.
            "fetch.min.bytes": 65536,
            "fetch.wait.max.ms": 50,
            "error_cb": self._failed,
        }
        self._topics = list(topics)
        self._ask = positions
        self._settle = settle
        self._consumer: Consumer | None = None
        self._generations: Mapping[str, Generation] = {}
        self._check_at = 0.0
        self._slots: dict[_Where, Slot] = {}
        self._next: dict[Slot, int] = {}
        self._lost: dict[Slot, str] = {}
        self._held: set[Slot] = set()
        self._ends: dict[Slot, int] = {}
        self._away: str | None = None
        self._broken: Exception | None = None

    def poll(self, max_records: int, timeout: float) -> list[Stored]:
        try:
            consumer = self._consumer or self._join()
            self._check()
            for slot, why in self._lost.items():
                raise OffsetLost(f"{slot} does not hold {self._next[slot]}: {why}")
            first = consumer.poll(timeout)
            self._reraise()
            if first is None:
                self._reachable(consumer)
                return []
            messages = [first, *consumer.consume(max_records - 1, 0)] if max_records > 1 else [first]
            self._reraise()
            return self._stored(messages)
        except KafkaException as error:
            self._drop()
            raise LogUnavailable(f"Kafka is away: {error}") from error
        except OffsetLost:
            raise
        except BaseException:
            self._drop()
            raise

    def assigned(self) -> frozenset[Slot]:
        return frozenset(self._next)

    def at_end(self, slot: Slot) -> bool:
        known = slot in self._next and slot not in self._held and self._away is None
        return known and 0 <= self.end(slot) <= self._next[slot]

    def seek(self, slot: Slot, offset: int) -> None:
        """See `Reader.seek`. No effect on a partition that isn't ours: its position is asked for when it
        comes.
        """
        if slot in self._next and self._consumer is not None:
            # Not the client's own seek: that one fails on a partition whose fetching has not begun or has
            # failed.
            self._consumer.incremental_unassign([TopicPartition(slot.topic, slot.partition)])
            self._consumer.incremental_assign([TopicPartition(slot.topic, slot.partition, offset)])
            self._next[slot] = offset
            self._lost.pop(slot, None)
            if slot in self._held:
                self._held.discard(slot)
                self._consumer.resume([TopicPartition(slot.topic, slot.partition)])

    def lag(self) -> dict[Slot, int]:
        return {slot: max(self.end(slot) - at, 0) for slot, at in self._next.items()}

    def position(self, slot: Slot) -> int:
        """The offset that comes next of an assigned partition."""
        return self._next[slot]

    def end(self, slot: Slot) -> int:
        """Where an assigned partition ends as of the last fetch; negative before the first."""
        if self._consumer is None:
            return -1
        seen: int = self._consumer.get_watermark_offsets(TopicPartition(slot.topic, slot.partition), cached=True)[1]
        return max(seen, self._ends.get(slot, -1))

    def lost(self) -> dict[Slot, str]:
        """Assigned partitions whose position Kafka does not hold, with what Kafka says; `seek` decides anew."""
        return dict(self._lost)

    def hold(self, slot: Slot) -> None:
        """Deliver nothing of a partition until the next `seek`; `Positions` may ask for it while being asked."""
        self._held.add(slot)
        self._lost.pop(slot, None)
        if self._consumer is not None and slot in self._next:
            self._consumer.pause([TopicPartition(slot.topic, slot.partition)])

    def close(self) -> None:
        self._drop()

    def _join(self) -> Consumer:
        self._generations = self._settle(self._topics)
        self._check_at = monotonic() + _CHECK_S
        self._consumer = consumer = Consumer(self._config, logger=LOGGER)
        consumer.subscribe(self._topics, on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke)
        return consumer

    def _drop(self) -> None:
        """Leave the group; the next poll joins it anew."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaException, RuntimeError):
                consumer.close()
        self._slots.clear()
        self._next.clear()
        self._lost.clear()
        self._held.clear()
        self._ends.clear()
        self._away = self._broken = None

    def _check(self) -> None:
        """Leave topics that were recreated: their new generation is another one, with its own positions."""
        if monotonic() >= self._check_at:
            if self._settle(self._topics) != self._generations:
                self._drop()
                raise LogUnavailable("A topic was recreated in Kafka; it is read from its new generation's start.")
            self._check_at = monotonic() + _CHECK_S

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        slots = [Slot(found.topic, self._generations[found.topic].generation, found.partition) for found in partitions]
        try:
            positions = self._ask(slots)
        except Exception as error:  # noqa: BLE001 - it can't pass through the client; poll raises it
            self._broken = error
            return
        self._next |= {slot: positions.get(slot, 0) for slot in slots}
        self._slots |= {(slot.topic, slot.partition): slot for slot in slots}
        consumer.incremental_assign([TopicPartition(slot.topic, slot.partition, self._next[slot]) for slot in slots])
        if held := [TopicPartition(slot.topic, slot.partition) for slot in slots if slot in self._held]:
            consumer.pause(held)

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for gone in partitions:
            slot = self._slots.pop((gone.topic, gone.partition), None)
            if slot is not None:
                self._next.pop(slot, None)
                self._lost.pop(slot, None)
                self._ends.pop(slot, None)
                self._held.discard(slot)

    def _failed(self, error: KafkaError) -> None:
        """Called by the client within poll, on errors of no partition."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN or error.fatal():
            self._away = error.str()

    def _reraise(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _reachable(self, consumer: Consumer) -> None:
        """After an empty poll: is there nothing, or nobody? Raises LogUnavailable."""
        if self._away is not None:
            consumer.list_topics(self._topics[0], timeout=1)
            self._away = None

    def _stored(self, messages: list[Any]) -> list[Stored]:
        """The records in `messages`. (Any: the client's types call optional what every message without error
        has.)
        """
        read: list[Stored] = []
        following = self._next
        slots = self._slots
        for message in messages:
            slot = slots.get((message.topic(), message.partition()))
            if (error := message.error()) is not None:
                self._note(error, slot)
                continue
            offset = message.offset()
            if slot is None or slot in self._held or offset < following[slot]:
                continue  # fetched before the partition was taken from us or held, or before a seek
            following[slot] = offset + 1
            read.append(
                Stored(
                    *slot,
                    offset,
                    message.timestamp()[1] * 1000,
                    message.key() or b"",
                    _headers(message),
                    message.value() or b"",
                )
            )
        if read:
            self._away = None
        return read

    def _note(self, error: KafkaError, slot: Slot | None) -> None:
        if slot is not None and error.code() in _LOST:
            if slot not in self._held and self._consumer is not None:
                where = TopicPartition(slot.topic, slot.partition)
                start, self._ends[slot] = self._consumer.get_watermark_offsets(where, timeout=_REQUEST_S)
                self._lost[slot] = f"Kafka holds {start} to {self._ends[slot]}"
                self._check_at = 0.0  # lost, or another topic by now?
        elif error.code() != KafkaError._MAX_POLL_EXCEEDED and not error.retriable():
            raise LogUnavailable(f"Kafka: {error.str()}")


def _headers(message: Any) -> Headers:
    headers = message.headers()
    if headers is None:
        return ()
    for _, value in headers:
        if value is None:  # Kafka knows absent values; we never write them
            return tuple((name, value or b"") for name, value in headers)
    return tuple(headers)
