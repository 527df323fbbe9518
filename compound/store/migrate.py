"""Migrations: plain SQL files beside this module, applied in order by yoyo; then what the server's edition adds."""

from __future__ import annotations

from pathlib import Path

from yoyo import get_backend, read_migrations

from compound.store import edition
from compound.store.db import Lock, connect

FOLDER = Path(__file__).parent / "migrations"


def migrate(url: str, columnstore_days: int = edition.COLUMNSTORE_DAYS) -> list[str]:
    """Bring the database at `url` (postgresql://…) to the newest schema; the ids of the migrations applied now.

    On TimescaleDB its large tables become hypertables (`edition.adapt`). Several callers at once wait for each other, however
    long it takes. Raises edition.Unsupported.
    """
    with connect(url, "compound migrate", autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (Lock.MIGRATE,))
        names = _apply(url)
        edition.adapt(conn, columnstore_days)
    return names


def _apply(url: str) -> list[str]:
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        backend.break_lock()  # our own lock is held, so whoever had yoyo's was killed
        with backend.lock():
            pending = backend.to_apply(read_migrations(str(FOLDER)))
            names = [migration.id for migration in pending]
            backend.apply_migrations(pending)
        return names
    finally:
        backend.connection.close()
