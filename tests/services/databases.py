"""Fresh, migrated databases on an embedded PostgreSQL, or on TimescaleDB.

The next database is made while the test before it runs: on a disk a copy costs half a second of processor time, in
memory 20 ms (`folder.py`).
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres
from tests.services.timescale import TimescaleServer

KINDS = ("postgresql", "timescaledb")
"""What every test of a database runs on."""

ON_POSTGRESQL = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
"""For a long proof that says nothing of the database: tests/properties and test_late_data have the like on both."""

ON_TIMESCALEDB = pytest.mark.parametrize("database_kind", ["timescaledb"], indirect=True)
"""For what is about another service, beside which the database has little to do: the one-server stack's."""

# Durability stays on (fsync, synchronous_commit): what is proven about kills must hold as in production.
SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "checkpoint_timeout": "1h",
    "max_wal_size": "512MB",  # the folder may lie in memory
}

_TEMPLATE = "migrated"


class Databases:
    """A cluster with one migrated template, from which every test gets a database of its own."""

    def __init__(self, folder: Path, kind: str = "postgresql") -> None:
        """Not started yet; `kind` is one of KINDS."""
        server = {"postgresql": EmbeddedPostgres, "timescaledb": TimescaleServer}[kind]
        self.kind = kind
        self.server: EmbeddedPostgres | TimescaleServer = server(folder / kind, settings=SETTINGS)
        self._numbers = count(1)
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="databases")
        self._template_made = False
        self._next: Future[str] | None = None

    def start(self) -> None:
        """Start the cluster. Raises ServiceError when it can't be."""
        self.server.start()

    def stop(self) -> None:
        """End the cluster."""
        self._aside.shutdown(wait=True, cancel_futures=True)
        self.server.stop()

    def create(self, *, migrated: bool = True) -> str:
        """The URL of a new database, migrated to the newest schema or empty."""
        if not migrated:
            return self._copy("template1")
        if not self._template_made:
            name = sql.Identifier(_TEMPLATE)
            self._run(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))  # where a migration failed half-way
            self._run(sql.SQL("CREATE DATABASE {}").format(name))
            migrate(self.server.url_of(_TEMPLATE))
            self._template_made = True
        ready = self._next or self._aside.submit(self._copy, _TEMPLATE)
        self._next = self._aside.submit(self._copy, _TEMPLATE)
        return ready.result()

    def drop(self, url: str) -> None:
        """Drop a database that `create` made, whoever is still connected; soon, not at once."""
        name = url.rsplit("/", 1)[1]
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        self._aside.submit(self._run, statement)

    def _copy(self, template: str) -> str:
        """The URL of a new copy of `template`. Copied as files: half the processor time of a copy through the WAL."""
        name = f"test_{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.server.url_of(name)

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as conn:
            conn.execute(statement)
