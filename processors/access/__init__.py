"""Access: doors, and through them people's places (DOMAIN, Doors and People)."""

from __future__ import annotations

from compound.settings import Settings
from processors.access.domain import AccessDomain


def create(settings: Settings) -> AccessDomain:
    """The domain: topic `gate` into the schema `access`."""
    return AccessDomain(settings)
