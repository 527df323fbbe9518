"""`compound apply FILE`: a declarative registry file, compared with what holds, becomes registry events.

The file says what holds from when on. What it doesn't name stays as it is, so a file may hold a part of a compound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from compound.errors import Mendable
from compound.events import Event, history_id
from compound.registry import model
from compound.registry.projection import Change, check
from compound.registry.timeline import Registry, load
from compound.store.db import Connection
from compound.timeutil import micros, parse, text

TYPE = "registry.item.v1"


class FileError(Mendable):
    """The file is wrong; the text says where and what."""


class Difference(NamedTuple):
    """A change that the file asks for, beside what held at its `from` (None: unknown until now)."""

    change: Change
    before: Any
    after: Any

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """Field -> (before, after) of what differs."""
        old = {} if self.before is None else msgspec.to_builtins(self.before)
        new = {} if self.after is None else msgspec.to_builtins(self.after)
        return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def read(path: Path) -> list[Change]:
    """The changes that a YAML file states, in the order of kinds. Raises FileError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path} can't be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise FileError(f"{path} is no YAML: {error}") from None
    if not isinstance(document, dict):
        raise FileError(f"{path} must be a mapping with sections such as site:, point:, device:.")
    changes = list(_changes(document))
    _check_seats(changes)
    return changes


def _check_seats(changes: list[Change]) -> None:
    """A device sits at a point of its own kind, as far as the file names both. Raises FileError."""
    types = {change.id: change.data["type"] for change in changes if change.kind == "point" and change.data}
    for change in changes:
        if change.kind == "device" and change.data:
            seat, kind = str(change.data.get("point")), change.data["kind"]
            if types.get(seat, kind) != kind:
                raise FileError(
                    f"device {change.id}: a {kind} can't sit at point {seat}, which is a place for a {types[seat]}."
                )


def _changes(document: dict[str, Any]) -> Iterator[Change]:
    since = document.pop("from", None)
    unknown = sorted(set(document) - set(model.KINDS))
    if unknown:
        raise FileError(f"Unknown section {unknown[0]!r}; sections are {', '.join(model.KINDS)}.")
    zone = _zone(document)
    for kind in model.KINDS:
        for item_id, versions in (document.get(kind) or {}).items():
            for version in versions if isinstance(versions, list) else [versions]:
                yield _change(kind, str(item_id), version, since, zone)


def _zone(document: dict[str, Any]) -> ZoneInfo:
    sites = list((document.get("site") or {}).values())
    name = (
        (sites[0] or {}).get("timezone", "Asia/Shanghai") if sites and isinstance(sites[0], dict) else "Asia/Shanghai"
    )
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise FileError(f"site: {name!r} is no time zone.") from None


def _change(kind: str, item_id: str, version: Any, since: Any, zone: ZoneInfo) -> Change:
    where = f"{kind} {item_id}"
    if not isinstance(version, dict):
        raise FileError(f"{where}: must be a mapping of fields.")
    data = {name: value for name, value in version.items() if name != "from"}
    removed = data.pop("removed", False)
    start = version.get("from", since)
    if start is None:
        raise FileError(f"{where}: needs a `from`, here or at the top of the file.")
    try:
        change = Change(kind, item_id, text(_moment(start, zone)), None if removed else _plain(data))
        check(change)
    except (ValueError, msgspec.MsgspecError) as error:
        raise FileError(f"{where}: {error}") from None
    return change


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """YAML's own dates as text: items hold JSON only."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(data))
    return plain


def _moment(start: Any, zone: ZoneInfo) -> int:
    """A date is local midnight, a time carries its offset (YAML gives an aware one, or UTC)."""
    if isinstance(start, str) and len(start) == len("2026-01-01"):
        start = date.fromisoformat(start)
    if isinstance(start, datetime):
        return micros(start if start.tzinfo else start.replace(tzinfo=UTC))
    if isinstance(start, date):
        return micros(datetime(start.year, start.month, start.day, tzinfo=zone))
    return parse(str(start))


def differences(changes: Sequence[Change], registry: Registry) -> list[Difference]:
    """The changes that say something new against what the registry holds at their time."""
    found = []
    for change in changes:
        before, after = registry.at(change.kind, change.id, parse(change.since)), check(change)
        if before != after:
            found.append(Difference(change, before, after))
    return found


def to_event(change: Change, now: int) -> Event:
    """The event of a change. Its id is of its content and the time it was said, microseconds UTC."""
    subject = f"{change.kind}/{change.id}"
    data = msgspec.json.encode(change)
    return Event(history_id(subject, change.since, data, now), "compound/registry", TYPE, now, subject, data)


def load_with(conn: Connection, changes: Sequence[Change]) -> Registry:
    """The registry as it will be once `changes` are applied to what holds now; nothing is written."""
    news = differences(changes, load(conn)) if changes else []
    rows = [(each.change.kind, each.change.id, parse(each.change.since), each.change.data) for each in news]
    return load(conn, assumed=rows)
