"""Opening a world as known at K: one transaction on a connection of its own, rolled back at the end.

Only subjects with something recorded after K are derived again, and registry rows are those recorded by K. What is asked is
answered by today's rules (DESIGN, As known at K).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from psycopg import IsolationLevel

from compound.known import CONDITIONS, Asked, Recall, TooMuch
from compound.registry.projection import made_stale_after
from compound.registry.timeline import load
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.timeutil import micros
from processors.known import energy, liveness, quotas, states, told
from processors.known.world import Reader, Schemas
from processors.main import create
from processors.runtime.domain import Tx


class Way(Protocol):
    """How a domain is made as known."""

    def count(self, schemas: Schemas, tx: Tx, asked: Asked, stale: Mapping[str, datetime]) -> int:
        """Find what is to be derived again, and how many points that takes. `stale`: devices, from when on the registry's
        later changes matter to them.
        """
        ...

    def derive(self, schemas: Schemas, tx: Tx, asked: Asked, code: Any) -> None:
        """Derive it with the domain's own `code`, say what stands for the live tables, and finish the domain."""
        ...


WAYS: Final[Mapping[str, Way]] = {
    "energy": energy,
    "parking": states,
    "access": states,
    "parcels": states,
    "solar": states,
    "alerts": told,
    "liveness": liveness,
    "quotas": quotas,
    "platform": told,
}
DOMAINS: Final[Mapping[str, tuple[str, ...]]] = {
    "registry": (),
    **{name: (name,) for name in WAYS},
    "solar": ("energy", "solar"),
    "quotas": ("energy", "quotas"),
    "liveness": ("alerts", "liveness"),
    "platform": ("alerts", "platform"),
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


def domains_of(asked: Asked) -> tuple[str, ...]:
    """The domains that a question needs, each after those it reads."""
    if asked.domain != CONDITIONS:
        return DOMAINS[asked.domain]
    return tuple(WAYS) if asked.kind is None else DOMAINS[asked.kind]


def _made(conn: Connection, asked: Asked, settings: Settings) -> Schemas:
    domains = domains_of(asked)
    schemas = Schemas(conn, asked.known_at, domains)
    registry = load(conn, asked.known_at)
    stale = made_stale_after(conn, asked.known_at)
    now = micros(min(asked.known_at, datetime.now(UTC)))
    opened = {domain: Tx(conn, domain, registry, now) for domain in domains}
    points = sum(WAYS[domain].count(schemas, tx, asked, stale.get(domain, {})) for domain, tx in opened.items())
    if points > settings.api_known_points:
        raise TooMuch(
            f"{points:,} points were recorded since or must be gone through again, more than COMPOUND_API_KNOWN_POINTS"
            f" ({settings.api_known_points:,}); ask for fewer devices, or for a later known_at."
        )
    for domain, tx in opened.items():
        WAYS[domain].derive(schemas, tx, asked, create(domain, settings))
    if asked.domain == CONDITIONS:
        schemas.conditions()
    return schemas
