"""What is history's side as known at K: alerts, and conditions that stand nowhere but in what was told of them.

History is never derived again: as known at K it is what the log held of it by K, and an alert is the fold of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from compound.known import Asked
from processors.known.world import Schemas
from processors.runtime.domain import Tx

# Of a delivery history has how it ended; when it was queued, and how often it was tried meanwhile, was not kept.
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "alerts": {
        "event": "SELECT * FROM alerts.event WHERE recorded <= {known_at}",
        "alert": "SELECT * FROM {names[alerts]}.at({known_at})",
        "delivery": "SELECT d.* FROM alerts.delivery d WHERE EXISTS (SELECT FROM alerts.event e WHERE e.alert = d.alert"
        " AND e.type = 'alert.delivered.v1' AND e.recorded <= {known_at} AND e.data->>'event' = d.event"
        " AND e.data->>'channel' = d.channel)",
    },
    "platform": {
        "condition": "SELECT subject, what, rule AS kind, start, ''::text AS key, \"end\", detail AS data, start AS tell_at"
        " FROM {names[alerts]}.at({known_at}) WHERE domain = 'platform' AND state <> 'withdrawn'",
    },
}


def count(schemas: Schemas, tx: Tx, asked: Asked, stale: Mapping[str, datetime]) -> int:
    """Nothing is derived."""
    return 0


def derive(schemas: Schemas, tx: Tx, asked: Asked, code: Any) -> None:
    """Say what stands for the tables."""
    for name, query in TABLES[tx.domain].items():
        schemas.table(tx.domain, name, query)
    schemas.finish(tx.domain)
