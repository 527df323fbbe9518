"""Quotas as known at K, or at T: evaluated again, by the evaluator's own code, over the energy as known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from compound.known import Asked
from compound.registry.timeline import FOREVER
from compound.timeutil import micros
from processors.known.world import Schemas
from processors.runtime.domain import Tx

FACTS: Final = ("figure", "level")


def count(schemas: Schemas, tx: Tx, asked: Asked, stale: Mapping[str, datetime]) -> int:
    """What it takes is energy's."""
    return 0


def derive(schemas: Schemas, tx: Tx, asked: Asked, code: Any) -> None:
    """Evaluate the quotas of the asked department, or all."""
    with schemas.acting(tx.domain):
        code.evaluate(tx, FOREVER if asked.at is None else micros(asked.at), asked.id)
    for table in FACTS:
        schemas.table(tx.domain, table, f"SELECT * FROM {{again}}.{table}")
    schemas.finish(tx.domain)
