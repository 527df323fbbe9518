"""Live changes from a commit in PostgreSQL to a client on a socket, with the server as it is run."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import tracemalloc
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from api.main import Server, server
from api.stream import RING, Change
from compound.settings import Settings
from ops.embedded.process import free_port


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Server, str]]:
    made = server(settings)
    running = asyncio.create_task(made._serve())
    while not made.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield made, f"http://127.0.0.1:{settings.api_port}"
    finally:
        made.should_exit = True
        await asyncio.wait_for(running, 60)


@pytest.fixture
def settings(database: str) -> Settings:
    return Settings(database_url=database, api_port=free_port(), api_heartbeat_s=0.2)


async def events(lines: AsyncIterator[str], count: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    current: dict[str, str] = {}
    async for line in lines:
        if line == "" and current.get("event"):
            found.append(current)
            if len(found) == count:
                return found
        if line == "":
            current = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            current[name] = value
    return found


async def test_a_commit_reaches_the_client_and_stopping_lets_it_go(settings, conn):
    async with serving(settings) as (made, url), httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        await _heard(made)
        async with client.stream("GET", "/v1/stream", params={"topics": "parking"}) as answer:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            lines = answer.aiter_lines()
            assert await anext(lines) == ": live"
            with conn.transaction():
                conn.execute("SELECT pg_notify('changes', %s)", ('{"domain":"energy","changes":[["energy","m"]]}',))
                conn.execute("SELECT pg_notify('changes', %s)", ('{"domain":"parking","changes":[["parking","s"]]}',))
            (event,) = await events(lines, 1)
            assert json.loads(event["data"]) == {"domain": "parking", "changes": [["parking", "s"]], "more": False}
            made.should_exit = True
            assert await events(lines, 1) == []
        assert made.lifespan.should_exit is False


async def test_a_client_that_does_not_read_costs_no_memory(settings):
    async with serving(settings) as (made, _):
        hub = made.hub
        with socket.create_connection(("127.0.0.1", settings.api_port)) as client:
            client.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not hub._clients:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for _ in range(2 * RING):  # fill the ring and the socket's buffers
                hub.publish(Change("parking", [("parking", "x" * 1000)]))
            await asyncio.sleep(0.2)
            tracemalloc.start()
            for _ in range(5):
                for _ in range(RING):
                    hub.publish(Change("parking", [("parking", "x" * 1000)]))
                await asyncio.sleep(0.02)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
        # What tracemalloc saw made and still stands: the ring itself (4096 frames of 1.1 kB), made anew five times.
        assert grown < 1.5 * RING * 1200


async def test_a_lost_database_resets_the_clients(settings, conn):
    async with (
        serving(settings) as (made, url),
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client,
    ):
        await _heard(made)
        async with client.stream("GET", "/v1/stream") as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'compound api changes' AND datname = current_database()"
            )
            (event,) = await events(lines, 1)
            assert event["event"] == "reset"


async def test_who_came_before_the_database_was_heard_loads_anew(settings, monkeypatch):
    """What was committed between its first look and the LISTEN nobody told it."""
    asked = asyncio.Event()
    connect = asyncpg.connect

    async def late(*args, **kwargs):
        await asked.wait()
        return await connect(*args, **kwargs)

    monkeypatch.setattr(asyncpg, "connect", late)
    async with (
        serving(settings) as (_, url),
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client,
        client.stream("GET", "/v1/stream", params={"topics": "energy"}) as answer,
    ):
        lines = answer.aiter_lines()
        assert await anext(lines) == ": live"
        asked.set()
        (event,) = await events(lines, 1)
        assert event["event"] == "reset"


async def _heard(made: Server) -> None:
    """Wait until the server hears what is notified."""
    for _ in range(1200):
        if made.hub._next:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the API does not listen")
