"""Several ingests: they share a subscription, one leaves for good, and their number changes."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from compound.events import HISTORY
from compound.settings import Settings
from ingest.main import SHARE, leave
from ops.workers import own_settings
from tests.services.mqtt import MqttBroker
from tests.support.ingest_rig import bridging, device, meter, publish, settings, until
from tests.support.memory_log import MemoryLog

COUNT = 200


def worker(number: int, count: int, plain: Settings) -> Settings:
    """The settings of one worker, as `--workers` makes them."""
    own = own_settings("ingest", number, count, plain)
    changed: dict[str, Any] = {name.removeprefix("COMPOUND_").lower(): value for name, value in own.items()}
    return plain.model_copy(update=changed)


def seqs(log: MemoryLog) -> list[int]:
    return sorted(json.loads(one.event.data)["seq"] for one in log.events("meter"))


def beats(log: MemoryLog, more_than: int = 0) -> None:
    """Wait for a heartbeat: then the broker has the subscription."""
    until(lambda: len(log.events(HISTORY)) > more_than)


def arrived(log: MemoryLog, count: int) -> None:
    """Wait for so many messages."""
    until(lambda: len(seqs(log)) >= count)


def test_two_share_and_what_one_leaves_behind_is_taken(mosquitto: MqttBroker, tmp_path: Path):
    """A worker that is away still gets its share from Mosquitto; leaving for good takes that, and ends its session."""
    plain = settings(mosquitto, tmp_path)
    first, second = MemoryLog(), MemoryLog()
    with device(mosquitto) as client, bridging(worker(1, 2, plain), first):
        with bridging(worker(2, 2, plain), second):
            beats(first)
            beats(second)
            publish(client, [meter(number, number) for number in range(COUNT)])
            until(lambda: len(seqs(first)) + len(seqs(second)) == COUNT)
            assert seqs(first)
            assert seqs(second)
        publish(client, [meter(number, number) for number in range(COUNT, 2 * COUNT)])
        rest = MemoryLog()
        assert leave(worker(2, 2, plain), rest, threading.Event())
        assert seqs(rest), "its share of what was sent while it was away"
        publish(client, [meter(number, number) for number in range(2 * COUNT, 3 * COUNT)])
        until(lambda: len(seqs(first)) + len(seqs(second)) + len(seqs(rest)) == 3 * COUNT)
        assert sorted(seqs(first) + seqs(second) + seqs(rest)) == list(range(3 * COUNT))
        assert not leave(worker(2, 2, plain), rest, threading.Event()), "the session is gone"


def test_from_one_to_two_and_back_nothing_comes_twice(mosquitto: MqttBroker, tmp_path: Path):
    """The first worker's session gives up the subscriptions of the other number of workers."""
    plain, sent = settings(mosquitto, tmp_path), 0
    log = MemoryLog()
    with device(mosquitto) as client:
        for count in (1, 2, 1):
            found = worker(1, count, plain)
            assert found.mqtt_share == (SHARE if count > 1 else "")
            before = len(log.events(HISTORY))
            with bridging(found, log):
                beats(log, before)
                publish(client, [meter(number, number) for number in range(sent, sent + COUNT)])
                sent += COUNT
                arrived(log, sent)
            assert seqs(log) == list(range(sent))


def test_the_embedded_broker_takes_the_giving_up_of_what_was_never_subscribed(
    embedded_broker: MqttBroker, tmp_path: Path
):
    found, log = settings(embedded_broker, tmp_path), MemoryLog()
    with device(embedded_broker) as client:
        for start in (0, COUNT):
            before = len(log.events(HISTORY))
            with bridging(found, log):
                beats(log, before)
                publish(client, [meter(number, number) for number in range(start, start + COUNT)])
                arrived(log, start + COUNT)
    assert seqs(log) == list(range(2 * COUNT))
