"""The expander of the tests against what Grafana's own tests and documentation say of the PostgreSQL data source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.grafana import GrafanaError, Range, Variable, expand

WHEN = Range(datetime(2018, 4, 12, 18, tzinfo=UTC), datetime(2018, 4, 12, 18, 5, tzinfo=UTC), timedelta(minutes=10))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select $__time(time_column)", 'select time_column AS "time"'),
        ("select $__timeEpoch(t)", 'select extract(epoch from t) as "time"'),
        (
            "WHERE $__timeFilter(time_column)",
            "WHERE time_column BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'",
        ),
        ("select $__timeFrom(), $__timeTo()", "select '2018-04-12T18:00:00Z', '2018-04-12T18:05:00Z'"),
        ("SELECT $__timeGroup(t,'5m')", "SELECT floor(extract(epoch from t)/300)*300"),
        ("SELECT $__timeGroup(t , '5m')", "SELECT floor(extract(epoch from t)/300)*300"),
        ("SELECT $__timeGroup(t,'5m'), value", 'SELECT floor(extract(epoch from t)/300)*300 AS "time", value'),
        ("SELECT $__timeGroup(t,'5m') as time, v", "SELECT floor(extract(epoch from t)/300)*300 as time, v"),
        ("SELECT $__timeGroupAlias(t,'5m', NULL)", 'SELECT floor(extract(epoch from t)/300)*300 AS "time"'),
        ("SELECT $__timeGroup(t,'12d')", "SELECT floor(extract(epoch from t)/1.0368e+06)*1.0368e+06"),
        ("SELECT $__timeGroup(t,$__interval)", "SELECT floor(extract(epoch from t)/600)*600"),
        ("select $__unixEpochFilter(t)", "select t >= 1523556000 AND t <= 1523556300"),
        ("select $__unixEpochFrom() , $__unixEpochTo()", "select 1523556000 , 1523556300"),
        (
            "select $__unixEpochNanoFilter(t)",
            "select t >= 1523556000000000000 AND t <= 1523556300000000000",
        ),
        ("select $__unixEpochNanoFrom()", "select 1523556000000000000"),
        ("SELECT $__unixEpochGroup(a+b,'5m')", "SELECT floor((a+b)/300)*300"),
        ("SELECT $__unixEpochGroupAlias(a,'5m')", 'SELECT floor((a)/300)*300 AS "time"'),
        ("SELECT $__interval, ${__interval_ms}", "SELECT 10m, 600000"),
        ("SELECT 1 AS x", "SELECT 1 AS x"),
    ],
)
def test_macros(sql: str, expected: str) -> None:
    assert expand(sql, WHEN) == expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [("5m", "300.000"), ("12d", "1036800.000"), ("20ms", "0.020")],
)
def test_time_groups_with_timescaledb(interval: str, expected: str) -> None:
    sql = expand(f"GROUP BY $__timeGroup(t , '{interval}')", WHEN, timescaledb=True)
    assert sql == f"GROUP BY time_bucket('{expected}s',t)"


def test_fractions_of_seconds_and_zones() -> None:
    zone = timedelta(milliseconds=500)
    when = Range(datetime(1960, 2, 1, 7, tzinfo=UTC) + zone, datetime(1980, 2, 3, 8, tzinfo=UTC) + zone)
    assert expand("$__timeFrom()", when) == "'1960-02-01T07:00:00.5Z'"
    assert expand("$__timeTo()", when) == "'1980-02-03T08:00:00.5Z'"


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT $__unknown(t)", 'unknown macro "__unknown"'),
        ("SELECT $__timeGroup(t)", "needs time column and interval"),
        ("SELECT $__timeGroup(t, 'never')", "error parsing interval"),
        ("SELECT $__timeGroup(t, '5m', often)", "error parsing fill value"),
    ],
)
def test_what_grafana_refuses(sql: str, sentence: str) -> None:
    with pytest.raises(GrafanaError, match=sentence):
        expand(sql, WHEN)


ONE = {"v": Variable("O'Hara")}
SINGLE_OF_SEVERAL = {"v": Variable("b1", several=True)}
SEVERAL = {"v": Variable(["b1", "O'Hara"], several=True)}


@pytest.mark.parametrize(
    ("sql", "variables", "expected"),
    [
        # a variable of one value is not quoted, its quotes are doubled; one of several always is
        ("x = '$v'", ONE, "x = 'O''Hara'"),
        ("x = '${v}'", ONE, "x = 'O''Hara'"),
        ("x = '[[v]]'", ONE, "x = 'O''Hara'"),
        ("x IN ($v)", SINGLE_OF_SEVERAL, "x IN ('b1')"),
        ("x IN ($v)", SEVERAL, "x IN ('b1','O''Hara')"),
        ("x = ANY(ARRAY[$v]::text[])", {"v": Variable([], several=True)}, "x = ANY(ARRAY[]::text[])"),
        # formats
        ("x IN (${v:sqlstring})", ONE, "x IN ('O''Hara')"),
        ("x IN (${v:sqlstring})", SEVERAL, "x IN ('b1','O''Hara')"),
        ("'${v:csv}'", SEVERAL, "'b1,O'Hara'"),
        ("'${v:pipe}'", SEVERAL, "'b1|O'Hara'"),
        ("'${v:glob}'", SEVERAL, "'{b1,O'Hara}'"),
        ("${v:singlequote}", SEVERAL, r"'b1','O\'Hara'"),
        ("${v:doublequote}", SEVERAL, '"b1","O\'Hara"'),
        # what is no variable stays
        ("$other ${other} $1", ONE, "$other ${other} $1"),
    ],
)
def test_variables(sql: str, variables: dict[str, Variable], expected: str) -> None:
    assert expand(sql, WHEN, variables) == expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (timedelta(days=800), "2y"),
        (timedelta(days=2), "2d"),
        (timedelta(minutes=90), "1h"),
        (timedelta(seconds=75), "1m"),
        (timedelta(seconds=5), "5s"),
        (timedelta(milliseconds=20), "20ms"),
        (timedelta(0), "1ms"),
    ],
)
def test_intervals(interval: timedelta, expected: str) -> None:
    assert expand("$__interval", Range(WHEN.since, WHEN.until, interval)) == expected
