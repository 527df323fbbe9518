"""Quotas: yearly budgets by department, their months, plan, pace, forecast and levels (DOMAIN, Quotas)."""

from __future__ import annotations

from compound.settings import Settings
from processors.quotas.domain import Quotas


def create(settings: Settings) -> Quotas:
    """The evaluator of quotas, in the schema `quotas`."""
    return Quotas(settings)
