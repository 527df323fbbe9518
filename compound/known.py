"""Asking as known at K: what the API asks and the processors' code answers. `ops` puts the two together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Asked(NamedTuple):
    """What is asked as known at `known_at`: of which domain, and of what alone (kind and id; None: all of it)."""

    known_at: datetime
    domain: str
    kind: str | None = None
    id: str | None = None


class TooMuch(Exception):
    """More would have to be derived again than is allowed; the text says what to ask instead."""


class World(Protocol):
    """The tables, views and functions of registry and domains as known at one moment, for SQL that names the live ones."""

    def rows(self, statement: str, parameters: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows that a statement with numbered parameters ($1, …) answers. Raises psycopg.Error."""
        ...


Recall = Callable[[Asked], AbstractContextManager[World]]
"""Opens a world; nothing of it is left afterwards. Raises TooMuch, psycopg.Error."""
