"""The API on a real database, asked without a network in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from compound.settings import Settings
from compound.store.db import Connection, connect


@pytest.fixture
def settings(database: str) -> Settings:
    return Settings(database_url=database, api_wait_s=0.2, api_connections=4)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    """A connection to put rows in; every statement is committed."""
    with connect(database, "test", autocommit=True) as connection:
        yield connection


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made
