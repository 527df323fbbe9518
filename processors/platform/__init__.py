"""The platform itself: whether the archiver keeps the book up with Kafka."""

from __future__ import annotations

from compound.settings import Settings
from processors.platform.domain import Platform


def create(settings: Settings) -> Platform:
    """The evaluator, in the schema `platform`."""
    return Platform(settings)
