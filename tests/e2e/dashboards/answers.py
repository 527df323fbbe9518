"""What the API says of the same times and subjects, in the form in which panels are compared with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.support.grafana import Frame, Range

ZONE = ZoneInfo("Asia/Shanghai")
QUARTER = timedelta(minutes=15)
OPEN = ("raised", "acknowledged", "unacknowledged")

Check = Callable[["Answers", Sequence[Frame]], None]
"""Compares what a panel's queries answered with the API; AssertionError where they differ."""


class Answers:
    """The API of a running compound, asked for the range of a dashboard."""

    site = "demo"
    plant = "pv-roof"

    def __init__(self, client: httpx.Client, when: Range) -> None:
        self._client = client
        self.since, self.until = when.since, when.until

    def get(self, path: str, **query: Any) -> Any:
        """One answer; times are written for a URL."""
        told = {key: text(value) for key, value in query.items() if value is not None}
        return self._client.get(path, params=told).raise_for_status().json()

    def items(self, path: str, **query: Any) -> list[Any]:
        """All items, page by page."""
        found: list[Any] = []
        page = self.get(path, limit=1000, **query)
        while True:
            found += page["items"]
            if not page["next"]:
                return found
            page = self.get(path, limit=1000, cursor=page["next"], **query)

    def span(self, since: datetime | None = None, until: datetime | None = None) -> dict[str, datetime]:
        """The range as `from` and `to`."""
        return {"from": since or self.since, "to": until or self.until}

    def registered(self, kind: str) -> dict[str, Any]:
        """The registry's items of a kind: id -> data."""
        return {item["id"]: item["data"] for item in self.items(f"/v1/registry/{kind}")}

    def label(self, kind: str, id_: str) -> str:
        """The name that dashboards show."""
        return label(self.registered(kind)[id_], id_)

    def labels(self, kind: str) -> dict[str, str]:
        """Id -> name of all items of a kind."""
        return {id_: label(data, id_) for id_, data in self.registered(kind).items()}

    def energy(self, group: str, id_: str, by: str, medium: str | None = None, **span: datetime) -> dict[datetime, Any]:
        """Start -> what a group used."""
        found = self.items(f"/v1/energy/{group}/{id_}", by=by, medium=medium, **(span or self.span()))
        return {time(item["start"]): item for item in found}

    def alerts(self, category: str | None = None, **query: Any) -> list[Any]:
        """Alerts of all states."""
        return self.items("/v1/alerts", category=category, **query)

    def raised(self, category: str) -> list[Any]:
        """Alerts of a category that were raised in the range."""
        return [alert for alert in self.alerts(category) if self.since <= time(alert["raised"]) <= self.until]

    def conditions(self, **query: Any) -> list[Any]:
        """Conditions that held at some time in the range."""
        return self.items("/v1/conditions", **self.span(), **query)

    def carparks(self) -> list[str]:
        """All car parks."""
        return [item["id"] for item in self.items("/v1/parking/carparks")]

    def day(self, moment: datetime | None = None) -> datetime:
        """The local midnight at or before a moment (the range's end when left out)."""
        local = (moment or self.until).astimezone(ZONE)
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def time(text: str | None) -> Any:
    """A time of the API, null as None."""
    return None if text is None else datetime.fromisoformat(text)


def text(value: Any) -> str:
    """A value as a URL holds it."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def label(data: Any, id_: str) -> str:
    """The name of an item as dashboards show it."""
    name = data.get("name")
    return f"{name['zh']} {name['en']}" if name else id_


def column(frame: Frame, english: str) -> list[Any]:
    """The values of the column whose name ends so."""
    (name,) = [name for name in frame.kinds if name.endswith(english)]
    return [row[name] for row in frame.rows]


def one(frame: Frame, english: str) -> Any:
    """The value of a frame of one row."""
    (value,) = column(frame, english)
    return value


def named(frame: Frame) -> dict[str, Any]:
    """The rows of a bar gauge or pie: name -> its one number."""
    (name,), (number,) = frame.texts, frame.numbers
    return {row[name]: row[number] for row in frame.rows}


def same(found: Any, expected: Any, rel: float = 1e-9) -> None:
    """Equal, null by null; numbers to rounding (rel: also to what the clock moved between two questions)."""
    if isinstance(expected, Mapping):
        assert set(found) == set(expected)
        for key in expected:
            same(found[key], expected[key], rel)
    elif isinstance(expected, list):
        assert len(found) == len(expected), f"{len(found)} rows, the API says {len(expected)}"
        for one_found, one_expected in zip(found, expected, strict=True):
            same(one_found, one_expected, rel)
    elif isinstance(expected, float) or (isinstance(found, float) and expected is not None):
        assert found is not None
        assert float(found) == pytest.approx(float(expected), rel=rel, abs=1e-12)
    else:
        assert (None if found is None else found) == expected


CLOCK = 1e-3
"""Coverage of a period that goes on: the clock moves between the panel's question and the API's."""


def total(values: Iterable[Any]) -> Any:
    """The sum of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def crowd(people: int) -> int | None:
    """Counts of persons as dashboards show them: 1 to 4 are suppressed."""
    return people if people == 0 or people >= 5 else None


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
