"""The hub of live changes, without a database: order, resuming, heartbeats, slow clients."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest

from api.metrics import Metrics
from api.problems import Problem
from api.stream import HEARTBEAT, HELLO, Change, Hub
from compound.settings import Settings


def hub(ring: int = 8, api_streams: int = 100) -> Hub:
    return Hub(Settings(api_heartbeat_s=0.05, api_streams=api_streams), Metrics(), ring)


def change(number: int, domain: str = "parking") -> Change:
    return Change(domain, [("parking", f"spot-{number}")])


async def take(stream, count: int) -> list[str]:
    return [(await anext(stream)).decode() for _ in range(count)]


async def test_changes_come_in_order_and_of_the_wanted_domains_only():
    made = hub()
    stream = made.stream({"parking"}, None)
    assert await take(stream, 1) == [HELLO.decode()]
    waiting = asyncio.create_task(take(stream, 2))
    await asyncio.sleep(0)
    made.publish(change(1))
    made.publish(change(2, "energy"))
    made.publish(change(3))
    first, second = await waiting
    assert 'event: change\ndata: {"domain":"parking","changes":[["parking","spot-1"]],"more":false}\nid: ' in first
    assert "spot-3" in second
    await stream.aclose()


async def test_a_client_goes_on_after_its_last_event():
    made = hub()
    for number in range(5):
        made.publish(change(number))
    last = f"{made._era}-2"
    stream = made.stream((), last)
    _, first, second = await take(stream, 3)
    assert "spot-3" in first
    assert "spot-4" in second
    await stream.aclose()


@pytest.mark.parametrize("last", ["other-2", "nonsense", "{era}-99", "{era}-0", "{era}--1", "{era}-٣"])
async def test_a_client_whose_last_event_is_not_known_loads_anew(last):
    made = hub(ring=2)
    for number in range(5):
        made.publish(change(number))
    stream = made.stream((), last.format(era=made._era))
    _, reset = await take(stream, 2)
    assert reset.startswith("event: reset")
    await stream.aclose()


async def test_silence_is_filled_with_heartbeats():
    stream = hub().stream((), None)
    assert await take(stream, 3) == [HELLO.decode(), HEARTBEAT.decode(), HEARTBEAT.decode()]
    await stream.aclose()


async def test_a_slow_client_is_reset_and_costs_no_memory():
    made = hub(ring=64)
    streams = [made.stream((), None) for _ in range(20)]
    for stream in streams:
        await take(stream, 1)
    big = Change("parking", [("parking", "x" * 1000)])
    for _ in range(200):
        made.publish(big)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(5000):
        made.publish(big)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000  # the ring's 64 frames, not 5000, and nothing for each client
    for stream in streams:
        (reset,) = await take(stream, 1)
        assert reset.startswith("event: reset")
        await stream.aclose()
    assert made._clients == 0


async def test_the_number_of_clients_is_bounded():
    made = hub(api_streams=1)
    stream = made.stream((), None)
    await take(stream, 1)
    with pytest.raises(Problem, match="1 live streams are open"):
        made.admit()
    await stream.aclose()
    made.admit()


async def test_closing_ends_the_streams():
    made = hub()
    stream = made.stream((), None)
    await take(stream, 1)
    waiting = asyncio.create_task(take(stream, 1))
    await asyncio.sleep(0)
    made.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


def test_a_notification_that_is_no_change_is_passed_over():
    made = hub()
    for payload in ("{", "[]", '{"changes":[]}', '{"domain":"x","changes":[["a"]]}'):
        made._heard(None, 1, "changes", payload)
    made._heard(None, 1, "changes", '{"domain":"x","changes":[["a","b"]],"more":true}')
    assert made._next == 1
