"""The bridge: messages from the broker into the log, each acknowledged only when the log holds it (P1).

Two threads. The network's (`Connection`) reads, keeps alive and sends acknowledgements; this one decodes what was
read, appends it and gives it back. As there is one of each and one queue between them, acknowledgements go out in the
order of arrival. What was read on one connection is acknowledged on that connection or not at all.

While the log can't be reached, appending is tried again and nothing is acknowledged. Memory stays bounded: the broker
stops at the receive maximum, and from one that doesn't nothing more is read.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from compound.log.port import Log, LogUnavailable, Record
from ingest.connection import Connection
from ingest.intake import Intake
from ingest.load import Load
from ingest.mailbox import EndOfMessages, Mailbox
from ingest.metrics import Metrics

TICK_S: Final = 0.25
FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 5.0


class Bridge:
    """Runs in the caller's thread until told to stop and drained."""

    def __init__(
        self,
        *,
        connection: Connection,
        mailbox: Mailbox,
        log: Log,
        intake: Intake,
        metrics: Metrics,
        alive: Callable[[], Record],
        load: Load,
        batch: int,
        heartbeat_s: float,
        drain_s: float,
    ) -> None:
        """`alive` makes a heartbeat's record; `batch` is the most messages of one append."""
        self._connection = connection
        self._mailbox = mailbox
        self._log = log
        self._intake = intake
        self._metrics = metrics
        self._alive = alive
        self._load = load
        self._batch = batch
        self._heartbeat_s = heartbeat_s
        self._drain_s = drain_s
        self._beat_at = 0.0
        self._failure: BaseException | None = None
        self._log_away = False
        self._out = structlog.get_logger("ingest")

    def missing(self) -> str | None:
        """What keeps messages from the log; None while nothing does. May be asked from another thread."""
        if self._log_away:
            away = "The log is away: nothing is acknowledged until it is back."
            return " ".join((away, self._load.near() or "")).rstrip()
        return None if self._connection.receiving else "It is not subscribed at the broker."

    def run(self, stop: threading.Event) -> None:
        """Bridge until `stop`, then append and acknowledge what has been read, for `drain_s` at most.

        An error that waiting can't mend ends it: nothing of the batch is acknowledged, and the broker sends it again.
        """
        drained = threading.Event()
        network = threading.Thread(target=self._network, args=(stop, drained), name="mqtt")
        network.start()
        try:
            while self._step(stop):
                pass
        finally:
            stop.set()
            drained.set()
            self._mailbox.ring()
            network.join()
            self._mailbox.close()
        if self._failure:
            raise self._failure

    def _network(self, stop: threading.Event, drained: threading.Event) -> None:
        try:
            self._connection.run(stop, drained)
        except BaseException as failure:  # noqa: BLE001 - whatever ends that thread ends ingest
            self._failure = failure
        finally:
            self._mailbox.end()

    def _step(self, stop: threading.Event) -> bool:
        """Bridge one batch; False when there will be no more."""
        try:
            batch = self._mailbox.take(self._batch, TICK_S)
        except EndOfMessages:
            return False
        if batch and not self._connection.holds(batch):
            batch = None  # the broker sends it again on the next connection
        records = self._intake.records(batch.messages) if batch else []
        if self._connection.receiving and time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + self._heartbeat_s
            records.append(self._alive())
        if records and not self._append(records, stop):
            return False
        if batch:
            self._mailbox.give_back(batch)
        return True

    def _append(self, records: Sequence[Record], stop: threading.Event) -> bool:
        """Append until the log holds them; False when the time to drain is over before."""
        wait, give_up = FIRST_WAIT_S, float("inf")
        began = time.monotonic()
        while True:
            try:
                self._log.append(records)
                break
            except LogUnavailable as error:
                self._log_away = True
                self._metrics.log_waits.inc()
                if wait == FIRST_WAIT_S:
                    self._out.warning("log unavailable, nothing is acknowledged until it is back", error=str(error))
            if stop.is_set():
                give_up = min(give_up, time.monotonic() + self._drain_s)
            if time.monotonic() >= give_up:
                self._out.warning("not drained: the log is away; the broker keeps what was not acknowledged")
                return False
            stop.wait(wait) if not stop.is_set() else time.sleep(min(wait, TICK_S))
            wait = min(2 * wait, LONGEST_WAIT_S)
        if self._log_away:
            self._log_away = False
            self._out.info("the log is back")
        self._metrics.append.observe(time.monotonic() - began)
        self._metrics.batch.observe(len(records))
        for topic, count in Counter(record.topic for record in records).items():
            self._metrics.appended.labels(topic).inc(count)
        return True
