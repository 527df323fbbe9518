"""The platform itself: its archive, its processors, its broker, its clocks, and devices that harm it."""

from __future__ import annotations

from compound.settings import Settings
from processors.platform.domain import Platform


def create(settings: Settings) -> Platform:
    """The evaluator, in the schema `platform`."""
    return Platform(settings)
