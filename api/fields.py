"""What requests are made of: ids, times with an offset, half-open ranges, pages. Each mistake gets a sentence."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, TypeVar

import msgspec
from fastapi import Depends, Path, Query
from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.models.base import Model
from api.problems import CURSOR, RANGE, Problem
from compound.timeutil import micros, moment

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+ -]\d\d:\d\d)?", re.ASCII)


def instant(value: Any) -> datetime:
    """A time as RFC 3339 with offset. A space where the offset's sign belongs is a `+` that the URL lost.

    Raises PydanticCustomError on what is no time or has no offset, Problem on years that are not served.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("time", "not a time; write it as 2026-10-01T00:00:00+08:00 (in a URL + is %2B) or …Z")
    if found[3] is None:
        raise PydanticCustomError(
            "time_naive", "time without offset: say which zone by …+08:00 (in a URL + is %2B) or …Z"
        )
    text = found[0][: found.start(3)].upper() + found[3].upper().replace(" ", "+")
    if found[1] is not None:
        text = re.sub(r":60(?=[.Z+-])", ":59", text, count=1)  # a leap second is the second before it
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        if found[0].startswith("0000"):
            raise _not_served() from None
        raise PydanticCustomError("time", "no such time in the calendar") from None
    if not EARLIEST.year <= parsed.year < LATEST.year:
        raise _not_served()
    return parsed.astimezone(UTC)


def _not_served() -> Problem:
    return Problem(RANGE, f"Only times from {EARLIEST.year} to {LATEST.year - 1} are served.")


Instant = Annotated[
    datetime,
    BeforeValidator(instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 with offset; in a URL + is written %2B.",
        }
    ),
]

ID: Final = r"^[A-Za-z0-9._-]{1,64}$"


def path_id(what: str, example: str) -> Any:
    """A path parameter that is an id."""
    return Path(pattern=ID, description=what, examples=[example])


class Range(NamedTuple):
    """A half-open stretch [since, until) of time, UTC."""

    since: datetime
    until: datetime


def check_range(since: datetime, until: datetime, longest: timedelta, advice: str = "") -> Range:
    """The range, where it can be served. Raises Problem that says what does not fit."""
    if until <= since:
        raise Problem(RANGE, "`to` must be after `from`: a range is half-open, [from, to).")
    if until - since > longest:
        raise Problem(RANGE, f"The range is longer than {longest.days} days, the most served at once{advice}.")
    return Range(since, until)


From = Annotated[Instant, Query(alias="from", description="Start, included.", examples=["2026-10-01T00:00:00+08:00"])]
To = Annotated[Instant, Query(alias="to", description="End, not included.", examples=["2026-10-02T00:00:00+08:00"])]


def within(days: int) -> Callable[..., Range]:
    """A dependency: `from` and `to`, at most so many days apart."""

    def parse(since: From, until: To) -> Range:
        return check_range(since, until, timedelta(days=days))

    return parse


Month = Annotated[Range, Depends(within(31))]
Year = Annotated[Range, Depends(within(366))]

At = Annotated[
    Instant | None, Query(description="The moment; now when left out.", examples=["2026-10-01T10:00:00+08:00"])
]

STEPS: Final = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "1d": 86_400}
MOST_STEPS: Final = 10_000
Step = Annotated[Literal["1m", "5m", "15m", "1h", "1d"], Query(description="Between two moments of the answer.")]


def step_seconds(when: Range, step: str) -> int:
    """The step in seconds. Raises Problem when the range holds too many of them."""
    seconds = STEPS[step]
    if (when.until - when.since).total_seconds() > seconds * MOST_STEPS:
        days = seconds * MOST_STEPS / 86_400
        raise Problem(RANGE, f"At a step of {step} at most {days:.4g} days are served at once; ask for a longer step.")
    return seconds


T = TypeVar("T")
M = TypeVar("M", bound=Model)


class Page(Model, Generic[M]):
    """A page of a list; `next` is the cursor of the following one, null on the last."""

    items: list[M]
    next: str | None = Field(
        None, examples=[None], description="Give it as `cursor` to get the next page; null: this is the last."
    )


class Paging:
    """The page that is asked for, as a dependency: `limit` and `cursor`.

    A cursor is the key of the last row shown, so a page stays right while rows come and go (keyset).
    """

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=1000, description="Most items of the page.")] = 100,
        cursor: Annotated[
            str | None,
            Query(
                pattern=r"^[A-Za-z0-9_-]{1,800}$",
                description="`next` of the page before; leave it out for the first page.",
            ),
        ] = None,
    ) -> None:
        self.limit = limit
        self._cursor = cursor

    def after(self, first: Sequence[Any]) -> tuple[Any, ...]:
        """The key after which the page begins: the cursor's, or `first`, which also tells the key's shape.

        Times in `first` are datetimes. Raises Problem on a cursor of another shape.
        """
        if self._cursor is None:
            return tuple(first)
        try:
            text = base64.urlsafe_b64decode(self._cursor + "=" * (-len(self._cursor) % 4))
            key = msgspec.json.decode(text)
            if not isinstance(key, list) or len(key) != len(first):
                raise ValueError("another shape")
            return tuple(_restore(part, like) for part, like in zip(key, first, strict=True))
        except (binascii.Error, ValueError, TypeError, OverflowError):
            raise Problem(CURSOR, "The cursor is not one that this list gave; start again without it.") from None

    def cut(self, rows: Sequence[T], key: Callable[[T], Sequence[Any]]) -> tuple[Sequence[T], str | None]:
        """The page's rows of `limit` + 1 fetched ones, and the cursor of the next page where there is one."""
        if len(rows) <= self.limit:
            return rows, None
        rows = rows[: self.limit]
        return rows, self.encode(key(rows[-1]))

    @staticmethod
    def encode(key: Sequence[Any]) -> str:
        """The cursor of a key."""
        parts = [micros(part) if isinstance(part, datetime) else part for part in key]
        return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _restore(part: Any, like: Any) -> Any:
    """A part of a cursor's key as the type of `like`. Raises ValueError, OverflowError."""
    if isinstance(like, datetime) and type(part) is int:
        restored = moment(part)
        if not datetime.min.replace(tzinfo=UTC) <= restored <= datetime.max.replace(tzinfo=UTC):
            raise ValueError("time out of range")
        return restored
    if (
        type(part) is not type(like)
        or (isinstance(part, int) and abs(part) >= 2**63)
        or (isinstance(part, str) and "\0" in part)
    ):
        raise ValueError("another type")
    return part


Paged = Annotated[Paging, Depends()]
