"""Quarter hours, days and months as a site's calendar cuts time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Query

from api.times import Range, check_range

By = Literal["quarter", "day", "month"]
ByQuery = Annotated[By, Query(description="Quarter hours (UTC), or days or months in the site's zone.")]

QUARTER: Final = timedelta(minutes=15)
LONGEST: Final = {"quarter": timedelta(days=100), "day": timedelta(days=3660), "month": timedelta(days=18_300)}
"""Most time that one request may ask for at each length."""


class Bucket(NamedTuple):
    """[start, end) of time, UTC; `day` is the local date of its start, None for a quarter hour."""

    start: datetime
    end: datetime
    day: date | None = None


def check(when: Range, by: By) -> Range:
    """The range, where it is not too long for buckets of this length. Raises Problem that says what the limit is."""
    advice = {"quarter": " by quarter; ask by day or month", "day": " by day; ask by month", "month": " by month"}[by]
    return check_range(when.since, when.until, LONGEST[by], advice)


def buckets(since: datetime, until: datetime, by: By, zone: ZoneInfo) -> Iterator[Bucket]:
    """The buckets that begin in [since, until), in order."""
    if by == "quarter":
        yield from _quarters(since, until)
        return
    first = since.astimezone(zone).date()
    day = first.replace(day=1) if by == "month" else first
    start = midnight(day, zone)
    while start < until:
        following = _next(day, by)
        end = midnight(following, zone)
        if start >= since:
            yield Bucket(start, end, day)
        day, start = following, end


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The start of a local day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _next(day: date, by: By) -> date:
    if by == "day":
        return day + timedelta(days=1)
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _quarters(since: datetime, until: datetime) -> Iterator[Bucket]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    start = epoch - (epoch - since) // QUARTER * QUARTER  # the first quarter hour at or after `since`
    while start < until:
        yield Bucket(start, start + QUARTER)
        start += QUARTER
