"""What the book holds, then Kafka: for a reader that comes from before Kafka's retention, or from an earlier generation.

Whatever Kafka says it has dropped is read from the book, up to where that ends; there Kafka goes on. Earlier generations
of a topic (in another log, or a topic that was recreated) are in the book alone. Each of their partitions is read by the
member that reads its number modulo the partitions of today, and before that partition's own records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from compound.log import pages
from compound.log.kafka_reader import KafkaReader
from compound.log.link import Link
from compound.log.port import OffsetLost, Positions, Slot, Stored
from compound.store import db

_EARLIER = """
SELECT p.topic, p.generation, p.partition, p.next_offset, g.generation, p.partition %% g.partitions
FROM unnest(%s::text[], %s::int[]) AS t(topic, generation)
JOIN book.generation g USING (topic, generation)
JOIN book.partition p ON p.topic = g.topic AND p.generation < g.generation
"""


class ArchivedReader:
    """`compound.log.port.Reader` on Kafka and the book: all generations of the topics. For one thread."""

    def __init__(self, url: str, group: str, positions: Positions, tail: Callable[[Positions], KafkaReader]) -> None:
        """`url`: the book's database. `tail` joins the group in Kafka, with the positions that it is given."""
        self._ask = positions
        self._kafka = tail(self._positions)
        self._link = Link(url, f"compound reader {group}", 0, pages.prepare, autocommit=True)
        self._earlier: dict[Slot, Slot] = {}
        """Partitions of earlier generations, and the one of today whose reader reads them."""
        self._book: dict[Slot, int] = {}
        """Partitions that are read from the book now, and the offset that comes next."""
        self._ends: dict[Slot, int] = {}
        self._books_turn = False

    def poll(self, max_records: int, timeout: float) -> list[Stored]:
        """See `Reader.poll`. Book and Kafka take turns: a member that doesn't poll Kafka is taken for dead."""
        self._books_turn = bool(self._book) and not self._books_turn
        if self._books_turn:
            return self._from_book(max_records)
        read = self._from_kafka(max_records, 0 if self._book else timeout)
        return read if read or not self._book else self._from_book(max_records)

    def assigned(self) -> frozenset[Slot]:
        return self._kafka.assigned() | self._earlier.keys()

    def at_end(self, slot: Slot) -> bool:
        return slot not in self._book and (slot in self._earlier or self._kafka.at_end(slot))

    def seek(self, slot: Slot, offset: int) -> None:
        if slot in self._earlier:
            self._read_earlier(slot, offset)
        elif slot in self._kafka.assigned():
            self._book.pop(slot, None)
            self._kafka.seek(slot, offset)
            if any(self._earlier.get(other) == slot for other in self._book):
                self._kafka.hold(slot)

    def lag(self) -> dict[Slot, int]:
        found = dict.fromkeys(self._earlier, 0) | self._kafka.lag()
        for slot, at in self._book.items():
            end = self._ends[slot] if slot in self._earlier else max(self._ends[slot], self._kafka.end(slot))
            found[slot] = max(end - at, 0)
        return found

    def close(self) -> None:
        self._kafka.close()
        self._link.close()
        self._forget()

    def _positions(self, slots: Sequence[Slot]) -> Mapping[Slot, int]:
        """Ask for newly assigned partitions, and for those of earlier generations that come with them."""
        if not slots:
            return {}
        with self._link.use() as conn:
            rows = conn.execute(_EARLIER, db.arrays({slot[:2] for slot in slots})).fetchall()
        ends = {Slot(*row[:3]): row[3] for row in rows}
        today = {Slot(*row[:3]): Slot(row[0], row[4], row[5]) for row in rows}
        mine = {slot: now for slot, now in today.items() if now in slots}
        found = self._ask([*slots, *sorted(mine)])
        self._earlier |= mine
        for slot in mine:
            self._ends[slot] = ends[slot]
            self._read_earlier(slot, found.get(slot, 0))
        return found

    def _read_earlier(self, slot: Slot, offset: int) -> None:
        """Go on at `offset` in a partition of an earlier generation; its successor waits until it is read."""
        if offset < self._ends[slot]:
            self._book[slot] = offset
            self._kafka.hold(self._earlier[slot])
        else:
            self._book.pop(slot, None)

    def _from_kafka(self, max_records: int, timeout: float) -> list[Stored]:
        try:
            return self._kafka.poll(max_records, timeout)
        except OffsetLost:
            self._turn_to_book(self._kafka.lost())
            return []
        finally:
            held = self._kafka.assigned()
            for slot in [slot for slot in self._book if self._earlier.get(slot, slot) not in held]:
                del self._book[slot]
            self._earlier = {slot: now for slot, now in self._earlier.items() if now in held}
            if not self._book:
                self._link.close()

    def _turn_to_book(self, lost: Mapping[Slot, str]) -> None:
        """Read from the book what Kafka doesn't hold. Raises OffsetLost where the book doesn't either."""
        with self._link.use() as conn:
            ends = pages.ends(conn, lost)
        for slot in lost:
            if self._kafka.position(slot) < ends.get(slot, 0):
                self._book[slot], self._ends[slot] = self._kafka.position(slot), ends[slot]
                self._kafka.hold(slot)
        for slot, why in lost.items():
            if slot not in self._book:
                wanted, end = self._kafka.position(slot), ends.get(slot, 0)
                raise OffsetLost(f"{slot} does not hold {wanted}: {why}, and the book ends at {end}")

    def _from_book(self, max_records: int) -> list[Stored]:
        with self._link.use() as conn:
            self._ends |= pages.ends(conn, self._book)
            wanted = pages.share(self._book, self._ends, max_records)
            read = pages.read(conn, wanted)
        self._book |= {slot: until for slot, (_, until) in wanted.items()}
        for slot, at in [(slot, at) for slot, at in self._book.items() if at >= self._ends[slot]]:
            del self._book[slot]
            now = self._earlier.get(slot, slot)
            if not any(self._earlier.get(other) == now for other in self._book):
                self._kafka.seek(now, at if now == slot else self._kafka.position(now))
        return read

    def _forget(self) -> None:
        self._earlier.clear()
        self._book.clear()
        self._ends.clear()
