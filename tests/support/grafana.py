"""What Grafana's PostgreSQL data source makes of a query, and of its rows.

Read in Grafana's source (11.6): first the browser replaces template variables (`SqlDatasource.interpolateVariable`, the
formats of `@grafana/scenes`), then the server the global ones and the macros (`sqleng`, `macros.go`), with a regular
expression: a macro's arguments are what stands up to the first closing bracket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import psycopg

VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^\}]+))?(?::([^\}]+))?\}", re.ASCII)
MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
LENGTHS = {
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
    "M": 86_400 * 365.25 / 12,
    "y": 31_557_600,
}


class GrafanaError(Exception):
    """What Grafana would show instead of the panel."""


@dataclass(frozen=True)
class Variable:
    """A template variable with what is chosen: one value, or a list where several may be."""

    value: str | Sequence[str]
    several: bool = False
    """Multi-value or with All: then also a single value is quoted."""


@dataclass(frozen=True)
class Range:
    """The dashboard's time range, both ends included; `interval` is what a point of the panel may stand for."""

    since: datetime
    until: datetime
    interval: timedelta = timedelta(minutes=1)


def expand(sql: str, when: Range, variables: Mapping[str, Variable] = {}, *, timescaledb: bool = False) -> str:
    """The SQL that reaches the database. Raises GrafanaError where a macro is unknown or wrongly given."""
    length = _interval(when.interval)
    scoped = {
        "__interval": Variable(length),
        "__interval_ms": Variable(str(int(when.interval.total_seconds() * 1000))),
    }
    sql = VARIABLE.sub(lambda found: _variable(found, {**variables, **scoped}), sql)
    sql = sql.replace("$__unixEpochFrom()", str(int(when.since.timestamp())))
    sql = sql.replace("$__unixEpochTo()", str(int(when.until.timestamp())))
    return MACRO.sub(lambda found: _macro(found, sql, when, timescaledb), sql)


def _variable(found: re.Match[str], variables: Mapping[str, Variable]) -> str:
    name = found[1] or found[2] or found[4]
    if name not in variables:
        return found[0]
    variable, form = variables[name], found[3] or found[6]
    values = [variable.value] if isinstance(variable.value, str) else list(variable.value)
    if form is None:
        if isinstance(variable.value, str) and not variable.several:
            return _doubled(variable.value)
        return ",".join(f"'{_doubled(value)}'" for value in values)
    match form:
        case "sqlstring":
            return ",".join("'" + _doubled(value).replace('"', '\\"') + "'" for value in values)
        case "singlequote":
            return ",".join("'" + value.replace("'", "\\'") + "'" for value in values)
        case "doublequote":
            return ",".join('"' + value.replace('"', '\\"') + '"' for value in values)
        case "csv" | "raw":
            return ",".join(values)
        case "pipe":
            return "|".join(values)
        case "glob":
            return "{" + ",".join(values) + "}" if len(values) > 1 else ",".join(values)
    raise AssertionError(f"the format {form!r} is not known here; add it by Grafana's formatRegistry")


def _doubled(value: str) -> str:
    return value.replace("'", "''")


def _macro(found: re.Match[str], sql: str, when: Range, timescaledb: bool) -> str:
    name, args = found[1], [arg.strip(" ") for arg in found[2].split(",")]
    # As of old: a comma right behind the first call of the same text makes it the alias.
    if name == "__timeGroup" and sql[sql.index(found[0]) + len(found[0]) :].startswith(","):
        name = "__timeGroupAlias"
    return _evaluate(name, args, when, timescaledb)


def _evaluate(name: str, args: Sequence[str], when: Range, timescaledb: bool) -> str:
    column = args[0]
    since, until = when.since.astimezone(UTC), when.until.astimezone(UTC)
    match name:
        case "__time":
            return f'{column} AS "time"'
        case "__timeEpoch":
            return f'extract(epoch from {column}) as "time"'
        case "__timeFilter":
            return f"{column} BETWEEN '{_rfc3339(since)}' AND '{_rfc3339(until)}'"
        case "__timeFrom":
            return f"'{_rfc3339(since)}'"
        case "__timeTo":
            return f"'{_rfc3339(until)}'"
        case "__timeGroup":
            seconds = _seconds(name, args)
            if timescaledb:
                return f"time_bucket('{seconds:.3f}s',{column})"
            return f"floor(extract(epoch from {column})/{_number(seconds)})*{_number(seconds)}"
        case "__unixEpochGroup":
            length = _number(_seconds(name, args))
            return f"floor(({column})/{length})*{length}"
        case "__timeGroupAlias" | "__unixEpochGroupAlias":
            return _evaluate(name.removesuffix("Alias"), args, when, timescaledb) + ' AS "time"'
        case "__unixEpochFilter":
            return f"{column} >= {int(since.timestamp())} AND {column} <= {int(until.timestamp())}"
        case "__unixEpochNanoFilter":
            return f"{column} >= {_nanos(since)} AND {column} <= {_nanos(until)}"
        case "__unixEpochNanoFrom":
            return str(_nanos(since))
        case "__unixEpochNanoTo":
            return str(_nanos(until))
    raise GrafanaError(f'unknown macro "{name}"')


def _seconds(name: str, args: Sequence[str]) -> float:
    if len(args) < 2:
        raise GrafanaError(f"macro {name} needs time column and interval and optional fill value")
    found = re.fullmatch(r"(\d+)(ms|[smhdwMy])", args[1].strip("'"))
    if found is None:
        raise GrafanaError(f"error parsing interval {args[1]}")
    if len(args) == 3 and args[2] not in ("NULL", "previous") and not re.fullmatch(r"-?\d+(\.\d+)?", args[2]):
        raise GrafanaError(f"error parsing fill value {args[2]}")
    return int(found[1]) * LENGTHS[found[2]]


def _rfc3339(time: datetime) -> str:
    """Go's RFC3339Nano: without the zeros at a fraction's end."""
    fraction = f".{time.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{time:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _nanos(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _number(value: float) -> str:
    """Go's %v of a float64: shortest digits, an exponent from 1e6 on."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if 1e-4 <= abs(value) < 1e6:
        return repr(value)
    digits, exponent = f"{value:.16e}".split("e")
    return f"{float(digits):.15g}e{int(exponent):+03d}"


def _interval(length: timedelta) -> str:
    """gtime.FormatInterval: the greatest unit, rounded down."""
    seconds = length.total_seconds()
    for unit, size in (("y", 365 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(int(seconds * 1000), 1)}ms"


Kind = Literal["time", "number", "text", "boolean"]

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("int2", "int4", "int8", "float4", "float8", "numeric"), "number"),
    **dict.fromkeys(("timestamptz", "timestamp", "date"), "time"),
    "bool": "boolean",
}
"""Types of PostgreSQL by what Grafana makes of them; all others are text."""


@dataclass(frozen=True)
class Frame:
    """Rows as the data source hands them to a panel: the kind of each column, and rows by column."""

    kinds: Mapping[str, Kind]
    rows: Sequence[Mapping[str, Any]]

    @property
    def numbers(self) -> list[str]:
        """The numeric columns."""
        return [name for name, kind in self.kinds.items() if kind == "number"]

    @property
    def texts(self) -> list[str]:
        """The text columns."""
        return [name for name, kind in self.kinds.items() if kind == "text"]

    def series(self) -> dict[str, dict[datetime, Any]]:
        """Series name -> time -> value, as a time series panel shows them: a column each, or by `metric` where there is one."""
        made: dict[str, dict[datetime, Any]] = {}
        for row in self.rows:
            for column in self.numbers:
                made.setdefault(row.get("metric", column), {})[row["time"]] = row[column]
        return made


def query(conn: psycopg.Connection[Any], sql: str, form: str) -> Frame:
    """Run an expanded query as the data source does. Raises GrafanaError where rows are no time series but should be."""
    cursor = conn.execute(sql.encode())
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    types = [psycopg.adapters.types.get(column.type_code) for column in cursor.description]
    kinds = {name: KINDS.get(known.name if known else "", "text") for name, known in zip(names, types, strict=True)}
    if len(kinds) != len(names):
        raise GrafanaError("two columns have the same name")
    frame = Frame(kinds, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()])
    if form == "time_series":
        _check_series(frame)
    return frame


def _check_series(frame: Frame) -> None:
    if frame.kinds.get("time") not in ("time", "number"):
        raise GrafanaError("db has no time column")
    times = [row["time"] for row in frame.rows]
    if None in times:
        raise GrafanaError("null time values")
    if frame.texts and times != sorted(times):
        raise GrafanaError("long series must be sorted ascending by time to be converted")
    keys = [(row["time"], *(row[name] for name in frame.texts)) for row in frame.rows]
    if len(keys) != len(set(keys)):
        raise GrafanaError("two rows of one series at one time")
