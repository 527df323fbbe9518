"""What a check finds: figures that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from ops.verify.truth import TruthReader


class Difference(NamedTuple):
    """One figure that is not what it must be. `at` (µs UTC, None where there is no time) says of when."""

    check: str
    subject: str
    at: int | None
    truth: str
    platform: str


class Api(Protocol):
    """What a check asks."""

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at `path`."""

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """All items of a paged answer."""


class Counting:
    """An API that counts the figures it shows: rows of answers, totals and states alike."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.figures = 0

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at `path`."""
        answer = self._api.get(path, **params)
        self.figures += len(answer.get("items", ()))
        return answer

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """All items of a paged answer."""
        for item in self._api.pages(path, **params):
            self.figures += 1
            yield item


class Case(NamedTuple):
    """What a check gets: the truth, the API, and the instant up to which both must agree."""

    truth: TruthReader
    api: Api
    cutoff: int


class Check(NamedTuple):
    """A named part of the comparison; `run` yields differences, and None after each step (for the progress bar)."""

    name: str
    steps: Callable[[Case], int]
    run: Callable[[Case], Iterator[Difference | None]]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = 30 * 86_400_000_000
"""Longest range of one request."""


def text(instant: int | None) -> str:
    """RFC 3339 in UTC; `open` for None."""
    if instant is None:
        return "open"
    return (_EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")


def micros(stamp: str | None) -> int | None:
    """Microseconds of an API's time."""
    if stamp is None:
        return None
    return (datetime.fromisoformat(stamp) - _EPOCH) // timedelta(microseconds=1)


def instant(stamp: str) -> int:
    """Microseconds of an API's time that is there."""
    found = micros(stamp)
    assert found is not None
    return found


def ranges(start: int, end: int, longest: int = LONGEST) -> Iterator[tuple[int, int]]:
    """[start, end) in pieces that one request may ask for."""
    while start < end:
        stop = min(start + longest, end)
        yield start, stop
        start = stop


def clipped(end: int | None, cutoff: int) -> int | None:
    """An end as it could be known at the cutoff: None where it lies beyond."""
    return end if end is not None and end <= cutoff else None
