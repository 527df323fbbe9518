"""A record that breaks the contract (nobody's ingest wrote it) stays in the log, and stops no domain."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import msgspec
import pytest

from compound.events import Event, Received
from compound.registry.timeline import build
from compound.settings import Settings
from compound.store.db import connect
from processors.main import create
from processors.runtime import metrics
from processors.runtime.domain import Tx
from tests.properties.events import START, message

GOOD: dict[str, dict[str, Any]] = {
    "parking": {"state": "occupied"},
    "gate": {"event": "opened"},
    "locker": {"event": "opened", "purpose": "deposit", "cell": "A1"},
    "weather": {"poa_w_m2": 5},
    "inverter": {"state": 4, "evt1": 0, "energy_wh": 1, "power_w": 1},
    "meter": {"import_wh": 5},
}
BAD = (b"{", b"[]", b'{"boot":"one"}', b"\xff", b'{"boot":1}')


@pytest.mark.parametrize(
    ("domain", "kind", "table"),
    [
        ("energy", "meter", "point"),
        ("parking", "parking", "point"),
        ("access", "gate", "point"),
        ("parcels", "locker", "point"),
        ("solar", "inverter", "point"),
        ("solar", "weather", "weather_point"),
        ("liveness", "parking", "seq"),
    ],
)
def test_an_unreadable_record_is_counted_and_passed_over(
    new_database: Callable[[], str], domain: str, kind: str, table: str
) -> None:
    url = new_database()
    channel = "event" if kind in ("gate", "locker") else "reading"
    topic, good = message(kind, channel, "d", START, {"boot": 1, "seq": 1, **GOOD[kind]})
    events: list[Event] = [msgspec.structs.replace(good, data=data) for data in BAD]
    batch = [Received(event, topic, 1, 0, n, START + n) for n, event in enumerate([*events, good, *events])]
    before = metrics.UNREADABLE.labels(domain)._value.get()
    with closing(connect(url, "test", domain)) as conn:
        with conn.transaction():
            create(domain, Settings(database_url=url)).apply(Tx(conn, domain, build([]), START), batch)
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
    assert metrics.UNREADABLE.labels(domain)._value.get() > before
