"""A log in memory, for tests of what appends: it can be taken away, and made slow."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence

from compound.events import Received, from_stored
from compound.log.partition import partition_of
from compound.log.port import Address, LogUnavailable, Positions, Reader, Record, Slot, Stored


class MemoryLog:
    """Keeps records in order; readers are not offered."""

    def __init__(self, partitions: int = 4) -> None:
        self._partitions = partitions
        self._lock = threading.Lock()
        self._next: Counter[tuple[str, int]] = Counter()
        self.stored: list[Stored] = []
        self.appends = 0
        self.away = False
        self.delay_s = 0.0

    def append(self, records: Sequence[Record]) -> list[Address]:
        if self.away:
            raise LogUnavailable("taken away by the test")
        time.sleep(self.delay_s)
        with self._lock:
            self.appends += 1
            return [self._put(record) for record in records]

    def _put(self, record: Record) -> Address:
        partition = partition_of(record.key, self._partitions)
        offset = self._next[record.topic, partition]
        self._next[record.topic, partition] += 1
        stored = Stored(record.topic, 1, partition, offset, time.time_ns() // 1000, *record[1:])
        self.stored.append(stored)
        return stored.address

    def events(self, topic: str) -> list[Received]:
        return [from_stored(one) for one in self.stored if one.topic == topic]

    def reader(self, group: str, topics: Sequence[str], positions: Positions) -> Reader:
        raise NotImplementedError

    def partitions(self, topic: str) -> int:
        return self._partitions

    def generation(self, topic: str) -> int:
        return 1

    def heads(self, topics: Sequence[str]) -> dict[Slot, int]:
        return {
            Slot(topic, 1, partition): offset for (topic, partition), offset in self._next.items() if topic in topics
        }

    def close(self) -> None:
        pass
