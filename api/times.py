"""Times in requests: with an offset, half-open ranges of bounded length, steps. Each mistake gets a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import Depends, Query
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.problems import RANGE, Problem

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


def described(what: str, example: str) -> WithJsonSchema:
    """The schema of a time in a request."""
    told = f"{what} RFC 3339 with offset; in a URL + is written %2B."
    return WithJsonSchema({"type": "string", "format": "date-time", "description": told, "examples": [example]})


Instant = Annotated[datetime, BeforeValidator(instant), described("A time.", "2026-10-01T00:00:00+08:00")]


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


From = Annotated[
    datetime, BeforeValidator(instant), described("Start, included.", "2026-10-01T00:00:00+08:00"), Query(alias="from")
]
To = Annotated[
    datetime, BeforeValidator(instant), described("End, not included.", "2026-10-02T00:00:00+08:00"), Query(alias="to")
]


def within(days: int) -> Callable[..., Range]:
    """A dependency: `from` and `to`, at most so many days apart."""

    def parse(since: From, until: To) -> Range:
        return check_range(since, until, timedelta(days=days))

    return parse


Year = Annotated[Range, Depends(within(366))]

At = Annotated[Instant | None, Query(description="The moment; now when left out.")]

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
