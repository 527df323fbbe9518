"""The role as a process: starts without a database, serves, and ends when told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from ops.embedded.process import free_port

PROGRAM = "from compound.settings import load; from api.main import run; run(load())"


@pytest.fixture
def start() -> Iterator[object]:
    made: list[subprocess.Popen[str]] = []

    def begin(**settings: object) -> subprocess.Popen[str]:
        env = {**os.environ, **{f"COMPOUND_{name.upper()}": str(value) for name, value in settings.items()}}
        made.append(subprocess.Popen([sys.executable, "-c", PROGRAM], env=env, stderr=subprocess.PIPE, text=True))
        return made[-1]

    yield begin
    for process in made:
        process.kill()
        process.communicate()


def wait_live(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False, timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the API does not come up")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_with_a_stream_open(start, database, number):
    port = free_port()
    process = start(api_port=port, database_url=database)
    wait_live(port)
    with httpx.stream("GET", f"http://127.0.0.1:{port}/v1/stream", trust_env=False, timeout=60) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": live"
        process.send_signal(number)
        list(lines)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    assert "graceful shutdown exceeded" not in said


def test_it_starts_while_the_database_is_away(start):
    port = free_port()
    start(api_port=port, database_url="postgresql://x@127.0.0.1:1/x")
    wait_live(port)
    answer = httpx.get(f"http://127.0.0.1:{port}/v1/devices", trust_env=False, timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:smart-compound:problem:database-away")


def test_a_taken_port_and_a_foreign_host_are_told_in_a_sentence(start, database):
    port = free_port()
    first = start(api_port=port, database_url=database)
    wait_live(port)
    second = start(api_port=port, database_url=database)
    assert "COMPOUND_API_PORT" in second.communicate(timeout=60)[1]
    assert second.returncode == 1
    third = start(api_host="0.0.0.0", api_port=free_port(), database_url=database)
    assert "COMPOUND_API_TOKEN_FILE" in third.communicate(timeout=60)[1]
    assert first.poll() is None


async def test_docs_need_nothing_from_elsewhere(client):
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "/v1/energy/{group}/{id}" in page.text
    assert "http://" not in page.text.replace("http://127.0.0.1", "")
    assert "<script" not in page.text
