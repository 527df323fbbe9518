"""Migrations: plain SQL files beside this module, applied in order by yoyo."""

from __future__ import annotations

from pathlib import Path

from yoyo import get_backend, read_migrations

FOLDER = Path(__file__).parent / "migrations"


def migrate(url: str) -> list[str]:
    """Bring the database at `url` (postgresql://…) to the newest schema; the ids of the migrations applied now.

    Safe to call from several processes at once: yoyo holds a lock.
    """
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with backend.lock():
            pending = backend.to_apply(read_migrations(str(FOLDER)))
            names = [migration.id for migration in pending]
            backend.apply_migrations(pending)
        return names
    finally:
        backend.connection.close()
