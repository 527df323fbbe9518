"""What is asked of Kafka beside records: topics and their settings, and where partitions begin and end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import (  # exported, but typed only there
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from compound.log.generations import LogMisplaced, Wanted
from compound.log.port import LogUnavailable

LOGGER = logging.getLogger(__name__)

FOR_EVER: Final = -1
"""Kafka's retention while there is none."""

_TOPIC_CONFIG: Final = {
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "delete",
    "retention.bytes": "-1",
    "retention.ms": str(FOR_EVER),  # all of it, until an archiver has copied it into the book
}
_CHECKED: Final = ("message.timestamp.type", "cleanup.policy")
_REQUEST_S: Final = 5.0

Where = tuple[str, int]
"""A partition of a topic as Kafka knows it: without the generation."""


class Bounds(NamedTuple):
    """What Kafka holds of a partition: the first offset that it has not dropped, and the one that comes next."""

    start: int
    end: int


class KafkaAdmin:
    """Requests to the cluster `servers`, each tried for a while. Threads may share it. All raise LogUnavailable."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._mutex = threading.Lock()
        self._made: AdminClient | None = None

    def create(self, topics: Mapping[str, int]) -> None:
        """Make the topics (name -> partitions) that don't exist. Raises LogMisplaced where one is set up otherwise."""
        new = [NewTopic(name, partitions, config=_TOPIC_CONFIG) for name, partitions in topics.items()]
        for future in self._client().create_topics(new, request_timeout=_REQUEST_S).values():
            try:
                future.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise unavailable(error) from error
        for topic, config in self._configs(topics).items():
            for name in _CHECKED:
                if config[name] != _TOPIC_CONFIG[name]:
                    raise LogMisplaced(
                        f"Topic {topic} has {name}={config[name]} in Kafka; it must be"
                        f" {_TOPIC_CONFIG[name]}: set it, or let `compound` make the topic."
                    )

    def describe(self, topics: Iterable[str]) -> dict[str, Wanted]:
        """Partitions and id of each topic."""
        wanted = TopicCollection(list(topics))
        described = self._request(lambda admin: admin.describe_topics(wanted, request_timeout=_REQUEST_S))
        return {name: Wanted(len(topic.partitions), str(topic.topic_id)) for name, topic in described.items()}

    def ends(self, partitions: Collection[Where]) -> dict[Where, int]:
        """The next offset of each."""
        return self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def bounds(self, partitions: Collection[Where]) -> dict[Where, Bounds]:
        """The first and the next offset of each."""
        starts = self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self.ends(partitions)
        return {where: Bounds(start, ends[where]) for where, start in starts.items()}

    def since(self, partitions: Collection[Where], time: int) -> dict[Where, int]:
        """The first offset recorded at or after `time` (µs UTC); the next one where there is none."""
        ends = self.ends(partitions)  # asked first: what comes meanwhile is later anyway
        found = self._offsets(partitions, OffsetSpec.for_timestamp(time // 1000))
        return {where: ends[where] if offset < 0 else offset for where, offset in found.items()}

    def retention(self, topics: Iterable[str]) -> dict[str, int]:
        """For how long Kafka keeps each topic's records, milliseconds, or FOR_EVER."""
        return {topic: int(config["retention.ms"]) for topic, config in self._configs(topics).items()}

    def retain(self, topics: Iterable[str], milliseconds: int) -> None:
        """Have Kafka keep the topics' records for so long."""
        entry = ConfigEntry("retention.ms", str(milliseconds), incremental_operation=AlterConfigOpType.SET)
        wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in topics]
        self._request(lambda admin: admin.incremental_alter_configs(wanted, request_timeout=_REQUEST_S))

    def close(self) -> None:
        """Let go of the connections; the next request makes others."""
        with self._mutex:
            self._made = None

    def _configs(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        wanted = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
        found = self._request(lambda admin: admin.describe_configs(wanted, request_timeout=_REQUEST_S))
        return {topic.name: {name: entry.value for name, entry in config.items()} for topic, config in found.items()}

    def _offsets(self, partitions: Collection[Where], spec: OffsetSpec) -> dict[Where, int]:
        if not partitions:
            return {}
        wanted = {TopicPartition(*where): spec for where in partitions}
        found = self._request(lambda admin: admin.list_offsets(wanted, request_timeout=_REQUEST_S))
        return {(at.topic, at.partition): result.offset for at, result in found.items()}

    def _request(self, request: Callable[[AdminClient], Mapping[Any, Future[Any]]]) -> dict[Any, Any]:
        """The results of a request, tried for a while: a topic made just now may take a moment to be seen."""

        def once() -> dict[Any, Any]:
            return {name: future.result() for name, future in request(self._client()).items()}

        attempts = Retrying(
            retry=retry_if_exception_type(KafkaException),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            stop=stop_after_delay(_REQUEST_S),
            reraise=True,
        )
        try:
            return attempts(once)
        except KafkaException as error:
            raise unavailable(error) from error

    def _client(self) -> AdminClient:
        with self._mutex:
            if self._made is None:
                self._made = AdminClient({"bootstrap.servers": self._servers}, logger=LOGGER)
            return self._made


def unavailable(error: KafkaException) -> LogUnavailable:
    """The same said in the port's words."""
    found: Any = error.args[0]
    return LogUnavailable(f"Kafka is away: {found.str() if isinstance(found, KafkaError) else found}.")
