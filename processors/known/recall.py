"""Opening a world as known at K: one transaction on a connection of its own, rolled back at the end.

Only subjects with something recorded after K are derived again, and registry rows are those recorded by K. What is asked is
answered by today's rules (DESIGN, As known at K).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import IsolationLevel

from compound.known import Asked, Recall, TooMuch
from compound.registry.projection import made_stale_after
from compound.registry.timeline import load
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.timeutil import micros
from processors.known import energy, states
from processors.known.world import Reader, Schemas
from processors.main import create
from processors.runtime.domain import Tx

DOMAINS: Final[Mapping[str, tuple[str, ...]]] = {
    "registry": (),
    "energy": ("energy",),
    "parking": ("parking",),
    "access": ("access",),
    "parcels": ("parcels",),
    "solar": ("energy", "solar"),
}
"""What is made for a question of each domain, in this order."""


def recall_from(settings: Settings) -> Recall:
    """A function that opens worlds on the database of the settings."""

    @contextmanager
    def recall(asked: Asked) -> Iterator[Reader]:
        with connect(settings.database_url, f"known/{asked.domain}") as conn:
            conn.isolation_level = IsolationLevel.REPEATABLE_READ
            try:
                conn.execute(f"SET LOCAL statement_timeout = {int(settings.api_known_s * 1000)}")
                yield Reader(_made(conn, asked, settings))
            finally:
                conn.rollback()

    return recall


def _made(conn: Connection, asked: Asked, settings: Settings) -> Schemas:
    domains = DOMAINS[asked.domain]
    schemas = Schemas(conn, asked.known_at, domains)
    registry = load(conn, asked.known_at)
    stale = made_stale_after(conn, asked.known_at)
    if "energy" in domains:
        energy.prepare(schemas)
    points = 0
    for domain in domains:
        if domain == "energy":
            energy.narrow(schemas, asked.kind, asked.id)
            points += energy.count(schemas, stale.get(domain, {}))
        else:
            points += states.count(schemas, domain, stale.get(domain, {}))
    if points > settings.api_known_points:
        raise TooMuch(
            f"{points:,} points were recorded since or must be gone through again, more than COMPOUND_API_KNOWN_POINTS"
            f" ({settings.api_known_points:,}); ask for fewer devices, or for a later known_at."
        )
    now = micros(min(asked.known_at, datetime.now(UTC)))
    for domain in domains:
        code: Any = create(domain, settings)
        tx = Tx(conn, domain, registry, now)
        if domain == "energy":
            energy.derive(schemas, code, tx)
        else:
            states.derive(schemas, domain, code, tx)
            _rest(schemas, domain)
            schemas.finish(domain)
    return schemas


def _rest(schemas: Schemas, domain: str) -> None:
    """Tables that say the same at any K."""
    if domain == "solar":
        schemas.table(domain, "clear_sky", "SELECT * FROM solar.clear_sky")
        schemas.table(domain, "sky", "SELECT * FROM solar.sky")
