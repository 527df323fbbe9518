"""Quarantine: what ingest could not read, listed with its reason and, when somebody asks for it, sent again."""

from __future__ import annotations

from compound.settings import Settings
from processors.quarantine.domain import QuarantineDomain


def create(settings: Settings) -> QuarantineDomain:
    """The domain: topics `quarantine` and `commands` into the schema `quarantine`."""
    return QuarantineDomain(settings)
