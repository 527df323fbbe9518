"""The registry as processors read it: dated lookups over items, immutable once loaded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from compound.registry import model
from compound.store.db import Connection

FOREVER = 2**62
"""A time after all others, microseconds."""


class Version(NamedTuple):
    """An item's version, in force in [since, until) microseconds UTC. `item` None: removed."""

    since: int
    until: int
    item: Any


class Placement(NamedTuple):
    """A stretch [since, until) in which a device sat at one point with unchanged parameters of both."""

    since: int
    until: int
    device: model.AnyDevice
    point_id: str
    point: model.AnyPoint


class Span(NamedTuple):
    """A stretch [since, until) in which a device sat at one point."""

    since: int
    until: int
    point_id: str


class Registry:
    """All items with their versions. Build it with `load` or, in tests, from (kind, id, since, data) rows."""

    def __init__(self, version: int, items: Mapping[tuple[str, str], list[Version]]) -> None:
        self.version = version
        self._items = items
        self._placements: dict[str, list[Placement]] = {}
        self._spans: dict[tuple[str, str], list[Span]] = {}
        self._zones: dict[str, ZoneInfo] = {}

    def versions(self, kind: str, item_id: str) -> list[Version]:
        """All versions of an item by time; empty when it is unknown."""
        return self._items.get((kind, item_id), [])

    def at(self, kind: str, item_id: str, time: int) -> Any:
        """The item as it held at `time`, or None."""
        versions = self.versions(kind, item_id)
        index = bisect_right(versions, time, key=lambda version: version.since) - 1
        return versions[index].item if index >= 0 and time < versions[index].until else None

    def ids(self, kind: str) -> list[str]:
        """Ids of all items of a kind, sorted, removed ones included."""
        return self._ids.get(kind, [])

    @cached_property
    def _ids(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for kind, item_id in sorted(self._items):
            found.setdefault(kind, []).append(item_id)
        return found

    def placements(self, device: str) -> list[Placement]:
        """Where the device sat, by time; a new entry at each change of the device's or its point's parameters."""
        if device not in self._placements:
            self._placements[device] = list(self._place(device))
        return self._placements[device]

    def _place(self, device: str) -> Iterable[Placement]:
        for sat in self.versions("device", device):
            if sat.item is None or sat.item.point is None:
                continue
            for place in self.versions("point", sat.item.point):
                since, until = max(sat.since, place.since), min(sat.until, place.until)
                if place.item is not None and since < until:
                    yield Placement(since, until, sat.item, sat.item.point, place.item)

    def placement(self, device: str, time: int) -> Placement | None:
        """Where and with which parameters the device sat at `time`; None when it was not registered then."""
        placements = self.placements(device)
        index = bisect_right(placements, time, key=lambda placement: placement.since) - 1
        return placements[index] if index >= 0 and time < placements[index].until else None

    def spans(self, device: str, kind: str) -> list[Span]:
        """Where a device of `kind` sat, by time: neighbouring placements at one point are one span.

        Points of the device outside its spans wait (unknown device, or before its registration).
        """
        key = device, kind
        if key not in self._spans:
            spans: list[Span] = []
            for placement in self.placements(device):
                if _kind(placement.device) != kind:
                    continue
                if spans and spans[-1].until == placement.since and spans[-1].point_id == placement.point_id:
                    spans[-1] = spans[-1]._replace(until=placement.until)
                else:
                    spans.append(Span(placement.since, placement.until, placement.point_id))
            self._spans[key] = spans
        return self._spans[key]

    def zone(self, site: str) -> ZoneInfo:
        """The time zone of a site (by its newest version). Raises KeyError when the site is unknown."""
        if site not in self._zones:
            versions = self.versions("site", site)
            if not versions or versions[-1].item is None:
                raise KeyError(f"site {site!r} is not registered")
            self._zones[site] = ZoneInfo(versions[-1].item.timezone)
        return self._zones[site]


def _kind(device: model.AnyDevice) -> str:
    return str(device.__struct_config__.tag)


def span_at(spans: list[Span], time: int) -> Span | None:
    """The span that covers `time`."""
    index = bisect_right(spans, time, key=lambda span: span.since) - 1
    return spans[index] if index >= 0 and time < spans[index].until else None


def build(rows: Iterable[tuple[str, str, int, Any]], version: int = 0) -> Registry:
    """A registry of rows (kind, id, since, data as JSON-like dict or None); later rows of one `since` win."""
    dated: dict[tuple[str, str], dict[int, Any]] = {}
    for kind, item_id, since, data in rows:
        item = None if data is None else msgspec.convert(data, model.KINDS[kind])
        dated.setdefault((kind, item_id), {})[since] = item
    items = {}
    for key, by_time in dated.items():
        times = [*sorted(by_time), FOREVER]
        items[key] = [Version(since, until, by_time[since]) for since, until in pairwise(times)]
    return Registry(version, items)


def version_of(conn: Connection) -> int:
    """The number of the registry's newest projected change."""
    row = conn.execute("SELECT version FROM registry.version").fetchone()
    assert row is not None, "the migration makes this row"
    return int(row[0])


def load(
    conn: Connection, known_at: datetime | None = None, assumed: Iterable[tuple[str, str, int, Any]] = ()
) -> Registry:
    """The registry as now known, or as it was at `known_at`, and as if `assumed` had been said since: rows of `build`. Read it
    under the shared registry lock, or in a snapshot, else it may change meanwhile.
    """
    rows = conn.execute(
        "SELECT kind, id, (extract(epoch FROM valid_from) * 1000000)::bigint, data FROM registry.item"
        " WHERE CASE WHEN %(at)s::timestamptz IS NULL THEN superseded = 'infinity'"
        ' ELSE recorded <= %(at)s AND superseded > %(at)s END ORDER BY "offset"',
        {"at": known_at},
    ).fetchall()
    return build([*rows, *assumed], version_of(conn))
