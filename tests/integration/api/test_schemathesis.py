"""Schemathesis over the whole description, against the server as it is run, on a database that has something of everything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from api import docs
from api.main import server
from compound.settings import Settings
from compound.store.db import connect
from ops.embedded.process import free_port
from tests.integration.api import everything
from tests.services.databases import ON_POSTGRESQL, Databases

EXAMPLES = 15

CONFIG = SchemathesisConfig.from_path(Path(__file__).with_name("schemathesis.toml"))


DOCUMENT = schemathesis.openapi.from_dict(docs.app().openapi(), config=CONFIG)


@pytest.fixture(scope="module")
def address(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server runs."""
    url = databases.create()
    with connect(url, "test", autocommit=True) as conn:
        everything.insert(conn)
    port = free_port()
    folder = tmp_path_factory.mktemp("keys")
    made = server(Settings(database_url=url, api_port=port, api_wait_s=0, keys=folder))
    thread = threading.Thread(target=lambda: asyncio.run(made.serve()))
    thread.start()
    pause = threading.Event()
    while not made.started:
        pause.wait(0.01)
    yield f"http://127.0.0.1:{port}"
    made.should_exit = True
    thread.join(60)
    databases.drop(url)


@ON_POSTGRESQL
@DOCUMENT.exclude(path="/v1/stream").parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_failure(case: schemathesis.Case[Any], address: str) -> None:
    case.call_and_validate(base_url=address)
