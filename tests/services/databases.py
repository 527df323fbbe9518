"""Fresh, migrated databases on an embedded PostgreSQL, at about 20 ms each."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from compound.store.migrate import migrate
from ops.embedded.postgres import EmbeddedPostgres

# Durability stays on (fsync, synchronous_commit): what is proven about kills must hold as in production.
SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
}

_TEMPLATE = "migrated"


class Databases:
    """A cluster with one migrated template, from which every test gets a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder / "postgres", settings=SETTINGS)
        self._numbers = count(1)
        self._template_made = False

    def start(self) -> None:
        """Start the cluster. Raises ServiceError when it can't be."""
        self.server.start()

    def stop(self) -> None:
        """End the cluster."""
        self.server.stop()

    def create(self, *, migrated: bool = True) -> str:
        """The URL of a new database, migrated to the newest schema or empty."""
        if migrated and not self._template_made:
            self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
            migrate(self.server.url_of(_TEMPLATE))
            self._template_made = True
        name = f"test_{next(self._numbers)}"
        template = sql.Identifier(_TEMPLATE if migrated else "template1")
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
        return self.server.url_of(name)

    def drop(self, url: str) -> None:
        """Drop a database that `create` made, whoever is still connected."""
        name = url.rsplit("/", 1)[1]
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as conn:
            conn.execute(statement)
