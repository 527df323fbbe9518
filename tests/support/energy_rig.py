"""The energy domain on a real database, fed by hand: events in, registry changes in, facts out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from compound.events import Event, Received
from compound.registry.projection import Change, project
from compound.registry.timeline import load
from compound.settings import Settings
from compound.store.db import connect
from compound.timeutil import SECOND, parse, text
from processors.energy import create
from processors.runtime.domain import Tx

SITE = {"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0}
LONG_AGO = "2010-01-01T00:00:00+08:00"

FACTS = {
    "points": "SELECT subject, what, time, value, length, coalesce(serial.serial, '') FROM point JOIN series s ON s.id = series"
    " LEFT JOIN serial ON serial.id = point.serial",
    "marks": "SELECT subject, what, time, value, length, verdict FROM mark JOIN series s ON s.id = series",
    "segments": 'SELECT subject, what, start, "end", first, last, mark, split FROM segment JOIN series s ON s.id = series',
    "quarters": "SELECT subject, what, point, start, quantity, covered, estimated, substituted FROM quarter"
    " JOIN series s ON s.id = series JOIN place ON place.id = place",
    "days": "SELECT subject, what, point, day, quantity, covered, unmeasured_day, unmeasured_month, unmeasured_year, zone FROM day"
    " JOIN series s ON s.id = series JOIN place ON place.id = place",
}


def reading(device: str, time: int, seq: int = 0, kind: str = "meter", **fields: Any) -> Event:
    """A reading as ingest appends it."""
    data = {"time": text(time), "boot": 1, "seq": seq, **fields}
    source = f"compound/v1/demo/{kind}/{device}"
    return Event(f"{device}-{seq}-{time}", source, f"{kind}.reading.v1", time, device, msgspec.json.encode(data))


class EnergyRig:
    """One worker's domain and its connection."""

    def __init__(self, url: str) -> None:
        self.conn = connect(url, "test", "energy", autocommit=True)
        self.domain = create(Settings())
        self._offset = 0

    def close(self) -> None:
        self.conn.close()

    def register(self, kind: str, item_id: str, data: dict[str, Any] | None, since: str = LONG_AGO) -> None:
        """Project a change of the registry; what it makes stale waits for `settle`."""
        change = msgspec.json.encode(Change(kind, item_id, since, data))
        event = Event(f"{kind}/{item_id}", "registry", "registry.item.v1", 0, f"{kind}/{item_id}", change)
        with self.conn.transaction():
            project(self.conn, self.received(event, "registry"))

    def site(self, **fields: Any) -> None:
        """The site `demo`."""
        self.register("site", "demo", {**SITE, **fields})

    def meter(self, device: str, point: str | None = None, since: str = LONG_AGO, **fields: Any) -> None:
        """A meter (10 kW unless said) at a point of its own name unless said; `point_id=None` takes it out."""
        made = {"type": "meter", "site": "demo", "medium": "electricity"}
        if not self.rows("SELECT 1 FROM registry.point WHERE id = %s", (point or device,)):
            self.register("point", point or device, made)
        if "rated_l_h" not in fields:
            fields = {"rated_w": 10_000, **fields}
        place = fields.pop("point_id", point or device)
        self.register("device", device, {"kind": "meter", "site": "demo", "point": place, **fields}, since)

    def send(self, events: Iterable[Event], batch: int = 5000) -> None:
        """Events through the domain in batches."""
        received = [self.received(event, "inverter" if "inverter" in event.type else "meter") for event in events]
        for start in range(0, len(received), batch):
            with self.conn.transaction():
                self.domain.apply(self._tx(), received[start : start + batch])

    def settle(self) -> None:
        """Derive again what changes of the registry made stale, as the worker does."""
        with self.conn.transaction():
            rows = self.conn.execute(
                "SELECT device, (extract(epoch FROM min(since)) * 1000000)::bigint FROM registry.stale"
                " WHERE domain = 'energy' GROUP BY device ORDER BY device"
            ).fetchall()
            self.domain.rederive(self._tx(), [(device, since) for device, since in rows])
            self.conn.execute("DELETE FROM registry.stale WHERE domain = 'energy'")

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """All facts by names, in order."""
        return {name: sorted(self.conn.execute(query).fetchall()) for name, query in FACTS.items()}

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with self.conn.transaction():
            return self.conn.execute(query, parameters).fetchall()

    def _tx(self) -> Tx:
        return Tx(self.conn, "energy", load(self.conn), parse("2030-01-01T00:00:00Z"))

    def received(self, event: Event, topic: str) -> Received:
        """The event as read from the log."""
        self._offset += 1
        return Received(event, topic, 1, 0, self._offset, self._offset * SECOND)
