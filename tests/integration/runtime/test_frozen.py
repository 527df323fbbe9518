"""A process that was stopped inside a transaction must not hold up the house: the server lets go of its locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import pytest

from compound.events import Received
from compound.log.open import open_log
from compound.log.port import Address, Log, Record
from compound.settings import Settings
from compound.store.db import Lock, connect
from processors.parking import create
from processors.runtime import worker as workers
from processors.runtime.domain import Tx
from processors.runtime.outbox import Relay
from processors.runtime.worker import Worker
from tests.support.toy import record

TOLD = ("commands", b"k", b"\x90", b"{}")


def until(true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until `true()`."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


class Stopping:
    """A log whose first append stops its process half-way."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.stopped, self.resumed = threading.Event(), threading.Event()

    def append(self, records: Sequence[Record]) -> list[Address]:
        """Append, but not before it is resumed."""
        self.stopped.set()
        assert self.resumed.wait(60)
        return self.log.append(records)


def test_a_frozen_relay_loses_its_turn_and_goes_on_afterwards(database: str) -> None:
    log = open_log("", database, 1)
    stopping = Stopping(log)
    stop = threading.Event()
    frozen = threading.Thread(target=Relay(stopping, database, frozen_s=3.0).run, args=(stop,))  # type: ignore[arg-type]
    with connect(database, "test", autocommit=True) as conn, connect(database, "other") as other:
        conn.execute("INSERT INTO runtime.outbox (topic, key, headers, value) VALUES (%s, %s, %s, %s)", TOLD)
        frozen.start()
        assert stopping.stopped.wait(30)
        relay = Relay(log, database)
        assert not relay.turn(other)
        until(lambda: relay.turn(other))
        conn.execute("INSERT INTO runtime.outbox (topic, key, headers, value) VALUES (%s, %s, %s, %s)", TOLD)
        stopping.resumed.set()
        until(lambda: conn.execute("SELECT count(*) FROM runtime.outbox").fetchone() == (0,))
    stop.set()
    frozen.join(30)
    assert not frozen.is_alive()
    log.close()


def test_a_frozen_worker_lets_go_of_the_registry_and_takes_the_batch_afterwards(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others could not so much as begin a transaction behind a change of the registry that waits for it."""
    monkeypatch.setattr(workers, "alive", lambda *_: nullcontext())  # in a process that is stopped, it is stopped too
    log = open_log("", database, 1)
    log.append([record("a", 1_700_000_000_000_000, "occupied")])
    settings = Settings(database_url=database, processors_poll_s=0.05, session_s=1)
    domain = create(settings)
    stopped, resumed, stop = threading.Event(), threading.Event(), threading.Event()
    apply = domain.apply

    def stopping(tx: Tx, events: Sequence[Received]) -> None:
        stopped.set()
        assert resumed.wait(60)
        apply(tx, events)

    monkeypatch.setattr(domain, "apply", stopping)
    frozen = threading.Thread(target=Worker(domain, log, settings).run, args=(stop,))
    with connect(database, "test", autocommit=True) as conn:
        frozen.start()
        assert stopped.wait(30)
        conn.execute("SET statement_timeout = '20s'")
        conn.execute("SELECT pg_advisory_lock(%s, 0)", (int(Lock.REGISTRY),))
        conn.execute("SELECT pg_advisory_unlock(%s, 0)", (int(Lock.REGISTRY),))
        assert conn.execute("SELECT count(*) FROM parking.point").fetchone() == (0,)
        resumed.set()
        until(lambda: conn.execute("SELECT count(*) FROM parking.point").fetchone() == (1,))
    stop.set()
    frozen.join(30)
    assert not frozen.is_alive()
    log.close()


def test_a_worker_that_computes_longer_than_the_session_keeps_its_transaction(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chaos, seed 1: its batch failed for ever."""
    log = open_log("", database, 1)
    log.append([record("a", 1_700_000_000_000_000, "occupied")])
    settings = Settings(database_url=database, processors_poll_s=0.05, session_s=3)
    domain = create(settings)
    apply, begun, stop = domain.apply, [], threading.Event()

    def long(tx: Tx, events: Sequence[Received]) -> None:
        begun.append(1)
        time.sleep(7)
        apply(tx, events)

    monkeypatch.setattr(domain, "apply", long)
    worker = threading.Thread(target=Worker(domain, log, settings).run, args=(stop,))
    with connect(database, "test", autocommit=True) as conn:
        worker.start()
        until(lambda: conn.execute("SELECT count(*) FROM parking.point").fetchone() == (1,))
    stop.set()
    worker.join(30)
    assert len(begun) == 1
    log.close()
