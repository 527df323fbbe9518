"""The embedded database of a data folder, for one command while no `up` runs on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.embedded.postgres import EmbeddedPostgres
from ops.up.folder import DataFolder


@contextmanager
def database_alone(data: Path) -> Iterator[str]:
    """The database's address while the block runs; the folder is held, the server started and stopped.

    Raises Busy, ServiceError.
    """
    folder = DataFolder(data)
    folder.lock()
    server = EmbeddedPostgres(folder.postgres)
    server.start()
    try:
        yield server.make("compound")
    finally:
        server.stop()
