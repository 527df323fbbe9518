"""Alerts: raised, acknowledged, cleared as events; told to the outside once each, in order."""

from __future__ import annotations

from compound.settings import Settings
from processors.alerts.domain import AlertsDomain


def create(settings: Settings) -> AlertsDomain:
    """The domain: history and commands into the schema `alerts`, and the jobs that send."""
    return AlertsDomain(settings)
