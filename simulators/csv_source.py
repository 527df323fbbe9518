"""Real measurements from any CSV file (plain or .gz) as contract objects, exact by Decimal.

The same row on the same line of a file gives the same message: boot is fixed and seq is the line's number. A row that
can't be sent is given back with its line and the reason, never dropped.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from simulators import clock

As = Literal["interval-end", "interval-start", "register", "power"]
BOOT: Final = 1
_LARGEST: Final = 2**63 - 1

UNITS: Final = {
    "Wh": ("energy", Decimal(1)),
    "kWh": ("energy", Decimal(1000)),
    "MWh": ("energy", Decimal(1_000_000)),
    "MJ": ("energy", None),
    "GJ": ("energy", None),
    "l": ("volume", Decimal(1)),
    "m3": ("volume", Decimal(1000)),
    "W": ("power", Decimal(1)),
    "kW": ("power", Decimal(1000)),
    "MW": ("power", Decimal(1_000_000)),
    "l/h": ("flow", Decimal(1)),
    "m3/h": ("flow", Decimal(1000)),
}
"""Unit -> what it measures, and how many Wh, litres, W or l/h it is (MJ, GJ: joules / 3600, a fraction)."""
_JOULES: Final = {"MJ": 10**6, "GJ": 10**9}


class CsvError(Exception):
    """The file or the options can't be used at all; the text is one sentence."""


class Row(NamedTuple):
    """A row to send: `time` is the interval's end or the reading's instant (µs), `value` Wh or litres."""

    line: int
    time: int
    value: int


class Rejected(NamedTuple):
    """A row that can't be sent, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Source:
    """A file and how to read it. `timezone`: of times without an offset. `interval_s`: None: found from the times.

    `multiply`: a factor (a transformer's ratio). `rounding`: what becomes of values finer than 1 Wh or 1 l.
    `time_format`: None for ISO 8601, `epoch` (seconds), or a strptime format.
    """

    file: Path
    time_column: str
    value_column: str
    kind: As
    unit: str
    multiply: Decimal = Decimal(1)
    timezone: str | None = None
    interval_s: int | None = None
    time_format: str | None = None
    delimiter: str = ","
    rounding: Literal["reject", "half-up"] = "reject"

    @property
    def measures(self) -> Literal["energy", "volume"]:
        """What arrives at the platform."""
        return "energy" if UNITS[self.unit][0] in ("energy", "power") else "volume"

    def check(self) -> None:
        """Raises CsvError where the options do not fit together."""
        if self.unit not in UNITS:
            raise CsvError(f"unit {self.unit!r} is not known; one of {', '.join(UNITS)}")
        rate = UNITS[self.unit][0] in ("power", "flow")
        if rate != (self.kind == "power"):
            raise CsvError(f"--as {self.kind} does not go with the unit {self.unit}")
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (KeyError, ValueError, OSError):
                raise CsvError(f"there is no time zone {self.timezone!r}") from None

    def interval(self) -> int:
        """Seconds of an interval: as given, else the commonest step between the file's times. Raises CsvError."""
        if self.interval_s is not None:
            return self.interval_s
        times = sorted({time for _, time, _ in self._instants() if isinstance(time, int)})
        steps = Counter(after - before for before, after in pairwise(times))
        if not steps:
            raise CsvError("the file has too few times to tell the length of an interval; say it by --interval")
        return max(steps.most_common(1)[0][0] // clock.SECOND, 1)

    def rows(self, interval_s: int) -> Iterator[Row | Rejected]:
        """Every line of the file after the header, in order. Raises CsvError when the file can't be read."""
        for line, time, text in self._instants():
            if isinstance(time, str):
                yield Rejected(line, time)
                continue
            value = self._value(text, interval_s)
            if isinstance(value, str):
                yield Rejected(line, value)
            else:
                yield Row(line, time + (interval_s * clock.SECOND if self.kind == "interval-start" else 0), value)

    def _instants(self) -> Iterator[tuple[int, int | str, str]]:
        """(line, instant or the reason why there is none, the value's text)."""
        with _open(self.file) as source:
            reader = csv.reader(source, delimiter=self.delimiter)
            header: list[str] = []
            try:
                header = [name.strip() for name in next(reader)]
                time, value = header.index(self.time_column), header.index(self.value_column)
            except StopIteration:
                raise CsvError(f"{self.file} is empty") from None
            except ValueError:
                raise CsvError(
                    f"{self.file} has no column {self.time_column!r} or {self.value_column!r}; it has {', '.join(header)}"
                ) from None
            for row in reader:
                if not any(field.strip() for field in row):
                    yield reader.line_num, "blank line", ""
                elif len(row) != len(header):
                    yield reader.line_num, f"{len(row)} columns, the header has {len(header)}", ""
                else:
                    yield reader.line_num, self._instant(row[time].strip()), row[value].strip()

    def _instant(self, text: str) -> int | str:
        try:
            if self.time_format == "epoch":
                instant = int(Decimal(text) * clock.SECOND)
                clock.moment(instant)  # is it in the calendar?
                return instant
            if self.time_format:  # naive times are put into their zone below
                found = datetime.strptime(text, self.time_format)  # noqa: DTZ007
            else:
                found = datetime.fromisoformat(text)
            if not 1 < found.year < 9999:
                raise OverflowError
        except (ValueError, InvalidOperation, OverflowError):
            return f"no time: {text[:40]!r}"
        if found.tzinfo is not None:
            return clock.micros(found)
        if self.timezone is None:
            return f"time without offset: {text[:40]!r} (say --timezone)"
        return _localised(found, ZoneInfo(self.timezone))

    def _value(self, text: str, interval_s: int) -> int | str:
        """Wh or litres of the row, or the reason why not."""
        try:
            number = Decimal(text)
        except InvalidOperation:
            return f"no number: {text[:40]!r}" if text else "no value"
        if not number.is_finite():
            return f"no number: {text[:40]!r}"
        if number < 0:
            return f"negative: {text[:40]}"
        if number.adjusted() > 18 or number.as_tuple().exponent < -30:  # type: ignore[operator]
            return f"out of range: {text[:40]}"
        with localcontext() as exact:
            exact.prec = 100
            over, under = self._factor(interval_s)
            product = number * self.multiply * over
            whole, rest = divmod(product, under)
            if rest and self.rounding == "reject":
                unit = "Wh" if self.measures == "energy" else "l"
                return f"finer than 1 {unit}: {text[:40]} (--rounding half-up rounds such values)"
            found = int((product / under).quantize(Decimal(1), ROUND_HALF_UP)) if rest else int(whole)
        return found if found <= _LARGEST else f"out of range: {text[:40]}"

    def _factor(self, interval_s: int) -> tuple[Decimal, Decimal]:
        """(numerator, denominator) from the unit to Wh or litres."""
        _, factor = UNITS[self.unit]
        if factor is None:
            return Decimal(_JOULES[self.unit]), Decimal(3600)
        if self.kind == "power":
            return factor * interval_s, Decimal(3600)
        return factor, Decimal(1)


def body(source: Source, row: Row, interval_s: int) -> str:
    """The contract object of `row`."""
    unit = "wh" if source.measures == "energy" else "l"
    if source.kind == "register":
        fields = f'"{"import_wh" if unit == "wh" else "volume_l"}":{row.value}'
    else:
        fields = f'"interval_s":{interval_s},"interval_{unit}":{row.value}'
    return f'{{"time":"{clock.text(row.time, "UTC")}","boot":{BOOT},"seq":{row.line},{fields}}}'


def _localised(found: datetime, zone: ZoneInfo) -> int | str:
    """The instant of a wall clock, unless daylight saving skips it or has it twice."""
    first, second = found.replace(tzinfo=zone), found.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        ambiguous = (first.utcoffset() or timedelta()) > (second.utcoffset() or timedelta())
        what = "is twice" if ambiguous else "is not"
        return f"{found.isoformat()} {what} in {zone.key} (daylight saving): give times with an offset"
    return clock.micros(first)


def _open(file: Path) -> IO[str]:
    try:
        with file.open("rb") as probe:
            zipped = probe.read(2) == b"\x1f\x8b"
        if zipped:
            return gzip.open(file, "rt", encoding="utf-8-sig", newline="", errors="replace")
        return file.open("r", encoding="utf-8-sig", newline="", errors="replace")
    except OSError as error:
        raise CsvError(f"{file} can't be read: {error.strerror}") from None
