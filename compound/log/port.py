"""The event log as the rest of the house sees it. Two adapters pass one contract suite: `postgres` and `kafka`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from compound.errors import Mendable


class Record(NamedTuple):
    """What is appended. The kernel computes the partition from the key (`compound.log.partition`)."""

    topic: str
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


class Address(NamedTuple):
    """Where a record stands, for ever."""

    topic: str
    generation: int
    partition: int
    offset: int


class Stored(NamedTuple):
    """A record as read. `recorded` is the log's own time, microseconds UTC, and grows with the offset."""

    topic: str
    generation: int
    partition: int
    offset: int
    recorded: int
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def address(self) -> Address:
        return Address(self.topic, self.generation, self.partition, self.offset)


class Slot(NamedTuple):
    """A partition of one incarnation of a topic."""

    topic: str
    generation: int
    partition: int


class LogUnavailable(Mendable):
    """The log can't be reached now; nothing was acknowledged. Try again."""


class OffsetLost(Mendable):
    """The wanted position is not in the log: behind its retention, or past its end. It is never silently moved."""


Positions = Callable[[Sequence[Slot]], Mapping[Slot, int]]
"""Given newly assigned partitions, the next offset of each (0 where nothing was read yet)."""


class Reader(Protocol):
    """One member of a group; the group's members share the partitions of the topics among them.

    Offsets are kept by the reader's owner, beside its effects, never in the log. Delivery within a partition is in
    order of offset without gaps; a record that commits late is never skipped.
    """

    def poll(self, max_records: int, timeout: float) -> list[Stored]:
        """Up to `max_records` next records over the assigned partitions; waits at most `timeout` seconds for the first.

        Raises LogUnavailable, OffsetLost.
        """
        ...

    def assigned(self) -> frozenset[Slot]:
        """The partitions this member reads now."""
        ...

    def at_end(self, slot: Slot) -> bool:
        """Whether all that the partition held at the last poll was delivered."""
        ...

    def seek(self, slot: Slot, offset: int) -> None:
        """Go on at `offset` (after a lost fence)."""
        ...

    def lag(self) -> dict[Slot, int]:
        """Records not yet delivered, by assigned partition."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class Log(Protocol):
    """An append-only, partitioned log."""

    def append(self, records: Sequence[Record]) -> list[Address]:
        """Append in order; durable when it returns.

        Raises LogUnavailable: then none, some or all may stand in the log.
        """
        ...

    def reader(self, group: str, topics: Sequence[str], positions: Positions) -> Reader:
        """Join `group`. `positions` is asked at each assignment."""
        ...

    def partitions(self, topic: str) -> int:
        """Number of partitions of the topic's current generation."""
        ...

    def generation(self, topic: str) -> int:
        """The current incarnation of the topic."""
        ...

    def heads(self, topics: Sequence[str]) -> dict[Slot, int]:
        """The next offset of every partition of the topics' current generations: where the log ends now.

        Raises LogUnavailable, so it tells readiness too.
        """
        ...

    def close(self) -> None:
        """Flush and let go."""
        ...
