"""Sending a CSV source as a device: arrays as fast as they are taken, or single objects at a multiple of real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators import clock
from simulators.connection import Connection, Stopped
from simulators.csv_source import Rejected, Row, Source, body
from simulators.pace import Speed
from simulators.wire import LIMIT

Backlog = Callable[[int], int]


@dataclass
class Sent:
    """What became of the rows."""

    rows: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    stopped: bool = False
    """Told to stop before the last row."""


@dataclass
class Sender:
    """Sends rows on the device's topic. `backlog`: as for `simulators.run.Runner`; `tell`: rows read so far."""

    connection: Connection
    topic: str
    speed: Speed = None
    backlog: Backlog | None = None
    most_backlog: int = 60_000
    stop: threading.Event = field(default_factory=threading.Event)
    tell: Callable[[int], None] = lambda rows: None

    def send(self, source: Source, interval_s: int) -> Sent:
        """Send all rows; returns when the broker has acknowledged them. Raises CsvError, Broken."""
        sent = Sent()
        try:
            self._rows(source, interval_s, sent)
            self.connection.flush()
        except Stopped:
            sent.stopped = True
        return sent

    def _rows(self, source: Source, interval_s: int, sent: Sent) -> None:
        begun, first = time.monotonic(), None
        waiting: list[str] = []
        size = 2
        for row in source.rows(interval_s):
            if self.stop.is_set():
                sent.stopped = True
                break
            if isinstance(row, Rejected):
                sent.rejected.append(row)
                continue
            one = body(source, row, interval_s)
            if self.speed is not None:
                first = row.time if first is None else first
                self._wait(row, first, begun)
                self.connection.publish(self.topic, one, stop=self.stop)
            else:
                if size + len(one) + 1 > LIMIT:
                    self._publish(waiting, sent.rows)
                    waiting, size = [], 2
                waiting.append(one)
                size += len(one) + 1
            sent.rows += 1
            self.tell(sent.rows + len(sent.rejected))
        if waiting:
            self._publish(waiting, sent.rows)

    def _publish(self, objects: list[str], sent: int) -> None:
        self.connection.publish(self.topic, f"[{','.join(objects)}]", stop=self.stop)
        while self.backlog is not None and self.backlog(sent) > self.most_backlog and not self.stop.is_set():
            time.sleep(0.5)

    def _wait(self, row: Row, first: int, begun: float) -> None:
        """Until the row is due at the chosen speed; a row from before is due at once."""
        assert self.speed is not None
        due = begun + (row.time - first) / clock.SECOND / self.speed
        self.stop.wait(max(0.0, due - time.monotonic()))
