"""Migrations: plain SQL files beside this module, applied in order by yoyo; then what the server's edition adds."""

from __future__ import annotations

from pathlib import Path

from yoyo import get_backend, read_migrations

from compound.store import edition

FOLDER = Path(__file__).parent / "migrations"


def migrate(url: str, columnstore_days: int = edition.COLUMNSTORE_DAYS) -> list[str]:
    """Bring the database at `url` (postgresql://…) to the newest schema; the ids of the migrations applied now.

    On TimescaleDB its large tables become hypertables (`edition.adapt`). Safe to call from several processes at once: each
    step is under a lock. Raises edition.Unsupported.
    """
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with backend.lock():
            pending = backend.to_apply(read_migrations(str(FOLDER)))
            names = [migration.id for migration in pending]
            backend.apply_migrations(pending)
    finally:
        backend.connection.close()
    edition.adapt(url, columnstore_days)
    return names
