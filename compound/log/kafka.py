"""The event log in Apache Kafka: idempotent producer, acks=all, partitions by our murmur2, times by the broker.

Never transactional and never compacted, so that offsets have no gaps. A topic's generation is that of Kafka's own id
of the topic: a topic moved here, lost or recreated has another id, and the database gives it the next number.
Appending needs Kafka only; until the database could be asked, addresses carry the generation 0, UNKNOWN.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from compound.log import generations
from compound.log.archived_reader import ArchivedReader
from compound.log.generations import Generation, Wanted
from compound.log.kafka_admin import KafkaAdmin, unavailable
from compound.log.kafka_reader import KafkaReader
from compound.log.link import Link
from compound.log.partition import partition_of
from compound.log.port import Address, LogUnavailable, Positions, Reader, Record, Slot

UNKNOWN: Final = 0
"""The generation in an address while the database that numbers generations has not been reached."""

LOGGER = logging.getLogger(__name__)

_UNDELIVERED: Final = Address("", UNKNOWN, 0, 0)


class KafkaLog:
    """`compound.log.port.Log` on Kafka. Threads may share it; their appends go at the same time."""

    def __init__(
        self, servers: str, database_url: str | None, *, patience: float = 10.0, session: float = 10.0
    ) -> None:
        """The log on the cluster `servers` (host:port[,host:port]); connects when first used.

        `database_url` numbers the generations; without it records can be appended but not read. `patience`:
        seconds until an append that isn't acknowledged is LogUnavailable. `session`: seconds after which a
        reader that was killed or stopped loses its partitions.
        """
        self._servers = servers
        self._database_url = database_url
        self._patience = patience
        self._session = session
        self._mutex = threading.Lock()
        self._settling = threading.Lock()  # of its own: nobody who appends waits for the database
        self._producer: Producer | None = None
        self.admin = KafkaAdmin(servers)
        self._link = Link(database_url, "compound log", 0, lambda _: None) if database_url else None
        self._topics: dict[str, Wanted] = {}
        self._generations: dict[str, Generation] = {}

    def ensure_topics(self, topics: Mapping[str, int]) -> None:
        """Make the topics (name -> partitions) that don't exist; one that exists keeps its partitions.

        Raises LogUnavailable without Kafka, not without the database; LogMisplaced where a topic is set up
        otherwise.
        """
        self.admin.create(topics)
        self._describe(topics)
        with suppress(LogUnavailable):
            self.settle(topics)

    def append(self, records: Sequence[Record]) -> list[Address]:
        """See `Log.append`: returns when every record is on all replicas in sync.

        Raises ValueError where a record is larger than Kafka takes.
        """
        delivery = _Delivery()
        producer = self._producing()
        self._know({record.topic for record in records} - self._topics.keys())
        deadline = monotonic() + self._patience + 5  # the client itself gives a message up after `patience`
        try:
            for record in records:
                partition = partition_of(record.key, self._topics[record.topic].partitions)
                _produce(producer, record, partition, delivery.expect(record.topic, partition))
            while delivery.waiting and monotonic() < deadline:
                producer.poll(0.1)
        except KafkaException as error:
            self._discard(producer)
            raise unavailable(error) from error
        if delivery.waiting or delivery.error:
            self._discard(producer)
            raise LogUnavailable(f"Kafka at {self._servers} didn't take all records: {delivery.error or 'no answer'}.")
        known = {topic: found.generation for topic, found in self._generations.items()}
        return delivery.addresses(known)

    def reader(self, group: str, topics: Sequence[str], positions: Positions) -> Reader:
        """See `Log.reader`. Raises ValueError when the log was opened without a database."""
        if self._database_url is None:
            raise ValueError("reading needs the database: positions belong to generations, and it numbers them")
        return ArchivedReader(self._database_url, group, positions, lambda ask: self.tail(group, topics, ask))

    def tail(self, group: str, topics: Sequence[str], positions: Positions) -> KafkaReader:
        """The same of Kafka alone: what Kafka has dropped is lost to this reader, and earlier generations are not its."""
        return KafkaReader(self._servers, group, topics, positions, self.settle, session=self._session)

    def partitions(self, topic: str) -> int:
        self._know({topic} - self._topics.keys())
        return self._topics[topic].partitions

    def generation(self, topic: str) -> int:
        return self.settle([topic])[topic].generation

    def settle(self, topics: Collection[str]) -> dict[str, Generation]:
        """The generations of `topics` as they are in Kafka now, registered. Raises LogUnavailable,
        LogMisplaced.
        """
        wanted = self._describe(topics)
        if self._link is None:
            return {name: Generation(name, UNKNOWN, "kafka", topic_id, n) for name, (n, topic_id) in wanted.items()}
        with self._settling, self._link.use() as conn:
            found = generations.settle(conn, "kafka", wanted)
            conn.commit()
        self._generations |= found
        return found

    def heads(self, topics: Sequence[str]) -> dict[Slot, int]:
        found = self.settle(topics)
        ends = self.admin.ends(
            [(name, partition) for name, generation in found.items() for partition in range(generation.partitions)]
        )
        return {Slot(name, found[name].generation, partition): end for (name, partition), end in ends.items()}

    def close(self) -> None:
        if self._producer is not None:
            self._producer.flush(self._patience)
            self._producer = None
        self.admin.close()
        if self._link is not None:
            self._link.close()

    def _know(self, missing: Collection[str]) -> None:
        if missing:
            self._describe(missing)

    def _describe(self, topics: Iterable[str]) -> dict[str, Wanted]:
        """Partitions and id of each topic."""
        found = self.admin.describe(topics)
        self._topics |= found
        return found

    def _producing(self) -> Producer:
        with self._mutex:
            if self._producer is None:
                self._producer = Producer(
                    {
                        "bootstrap.servers": self._servers,
                        "enable.idempotence": True,
                        "acks": "all",
                        "linger.ms": 1,
                        "delivery.timeout.ms": int(self._patience * 1000),
                        "socket.keepalive.enable": True,
                    },
                    logger=LOGGER,
                )
            return self._producer

    def _discard(self, producer: Producer) -> None:
        """Give a failed client up: after a fatal error it takes nothing any more, and its queue is not ours
        to finish.
        """
        producer.purge()
        with self._mutex:
            if self._producer is producer:
                self._producer = None


_Report = Callable[[KafkaError | None, Message], None]


def _produce(producer: Producer, record: Record, partition: int, report: _Report) -> None:
    """Hand one record to the client; waits while the client's queue is full."""
    topic, key, headers, value = record
    while True:
        try:
            producer.produce(topic, value, key, partition, headers=list(headers), on_delivery=report)
            return
        except BufferError:
            producer.poll(0.05)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                raise ValueError(f"a record of {len(value)} bytes is larger than Kafka takes") from error
            raise


class _Delivery:
    """The delivery reports of one append. Within a partition they come in the order of producing."""

    def __init__(self) -> None:
        self.waiting = 0
        self.error: KafkaError | None = None
        self._order: list[tuple[str, int]] = []
        self._offsets: dict[tuple[str, int], list[int]] = {}
        self._reports: dict[tuple[str, int], _Report] = {}

    def expect(self, topic: str, partition: int) -> _Report:
        """Count on one more report; the callback for it."""
        where = topic, partition
        self.waiting += 1
        self._order.append(where)
        return self._reports.get(where) or self._open(where)

    def addresses(self, known: Mapping[str, int]) -> list[Address]:
        """Where the records stand, in the order of producing; `known` generations by topic."""
        offsets = {where: iter(found) for where, found in self._offsets.items()}
        return [
            Address(where[0], known.get(where[0], UNKNOWN), where[1], next(offsets[where])) for where in self._order
        ]

    def _open(self, where: tuple[str, int]) -> _Report:
        offsets = self._offsets[where] = []

        def report(error: KafkaError | None, message: Any) -> None:
            self.waiting -= 1
            if error is None:
                offsets.append(message.offset())
            else:
                self.error = error

        self._reports[where] = report
        return report
