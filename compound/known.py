"""Asking as known at K, and of states that are derived for the asking: what the API asks and the processors' code answers.

`ops` puts the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

CONDITIONS: Final = "conditions"
"""Asked for as a domain: the conditions of the domain `kind` (None: of all), of the subject `id` alone."""


class Asked(NamedTuple):
    """What is asked as known at `known_at`: of which domain, and of what alone (kind and id; None: all of it).

    `at`: the state at a moment, for what has no time of its own in the tables (quotas' figures, what of a device arrived).
    """

    known_at: datetime
    domain: str
    kind: str | None = None
    id: str | None = None
    at: datetime | None = None

    @property
    def until(self) -> datetime:
        """The end of what counts: of what was known, and of what had happened."""
        return self.known_at if self.at is None else min(self.at, self.known_at)


class TooMuch(Exception):
    """More would have to be derived again than is allowed; the text says what to ask instead."""


class World(Protocol):
    """The tables, views and functions of registry and domains as known at one moment, for SQL that names the live ones."""

    def rows(self, statement: str, parameters: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows that a statement with numbered parameters ($1, …) answers. Raises psycopg.Error."""
        ...


Recall = Callable[[Asked], AbstractContextManager[World]]
"""Opens a world; nothing of it is left afterwards. Raises TooMuch, psycopg.Error."""
