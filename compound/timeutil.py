"""Times as integers: microseconds since the Unix epoch, UTC. `datetime` stays at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - EPOCH) // _MICROSECOND

SECOND = 1_000_000
MINUTE = 60 * SECOND
QUARTER = 15 * MINUTE
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def micros(moment: datetime) -> int:
    """Microseconds since the epoch of an aware `moment`, exact. Raises TypeError on a naive one."""
    return (moment - EPOCH) // _MICROSECOND


def moment(time: int) -> datetime:
    """The aware UTC datetime of `time` in microseconds."""
    return EPOCH + timedelta(microseconds=time)


def parse(text: str) -> int:
    """Microseconds of an RFC 3339 time with offset. Raises ValueError when it has none, is no time, or lies in no year of UTC."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(f"time without offset: {text!r}")
    time = micros(parsed)
    if not _FIRST <= time <= _LAST:
        raise ValueError(f"time outside of the calendar: {text!r}")
    return time


def text(time: int) -> str:
    """RFC 3339 in UTC, with a Z, fraction only where there is one."""
    return moment(time).isoformat().replace("+00:00", "Z")
