"""Liveness: which devices speak, which fell silent or went offline, and what of their messages is missing."""

from __future__ import annotations

from compound.settings import Settings
from processors.liveness.domain import LivenessDomain


def create(settings: Settings) -> LivenessDomain:
    """The domain: all device topics and ingest's heartbeats into the schema `liveness`."""
    return LivenessDomain(settings)
