"""Instants as microseconds UTC, days of a zone, and the text devices write (RFC 3339 with the zone's offset)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
QUARTER = 15 * MINUTE
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds of an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(instant: int) -> datetime:
    """The aware UTC moment of `instant`."""
    return _EPOCH + instant * _MICROSECOND


def now() -> int:
    """The machine's clock."""
    return micros(datetime.now(UTC))


@cache
def midnight(day: date, zone: str) -> int:
    """The instant at which `day` begins in `zone`."""
    return micros(datetime.combine(day, time(), ZoneInfo(zone)))


def local_day(instant: int, zone: str) -> date:
    """The day of `zone` that holds `instant`."""
    return moment(instant).astimezone(ZoneInfo(zone)).date()


def at(day: date, clock: str, zone: str) -> int:
    """The instant of the wall clock `HH:MM[:SS]` on `day` in `zone`."""
    return micros(datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)))


@lru_cache(maxsize=4096)
def _hour(hour: int, zone: str) -> tuple[str, int, str]:
    """Of the UTC hour with number `hour`: its local date, microseconds since the local midnight, and the offset."""
    local = moment(hour * HOUR).astimezone(ZoneInfo(zone))
    since = (local.hour * 60 + local.minute) * MINUTE
    offset = local.strftime("%z")
    return local.strftime("%Y-%m-%d"), since, f"{offset[:3]}:{offset[3:]}"


def text(instant: int, zone: str) -> str:
    """RFC 3339 of `instant` with the offset of `zone`; a fraction only where there is one."""
    day, since, offset = _hour(instant // HOUR, zone)
    within = since + instant % HOUR
    if within >= DAY:  # a zone whose offset is no whole hour
        return moment(instant).astimezone(ZoneInfo(zone)).isoformat()
    seconds, fraction = divmod(within, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    tail = f".{fraction:06d}".rstrip("0") if fraction else ""
    return f"{day}T{hour:02d}:{minute:02d}:{second:02d}{tail}{offset}"
