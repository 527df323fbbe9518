"""Every panel's query on a running compound, with the role that Grafana has: it answers what the panel needs, and its numbers
are the API's. Grafana itself is not run; `tests/support/grafana.py` does with the queries and rows what its data source does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from compound.store.reader import ROLE, prepare
from tests.e2e.dashboards import desks, energy, figures
from tests.e2e.dashboards.answers import ZONE, Answers, Check
from tests.e2e.running import Running, wait_for
from tests.services.timescale import TimescaleServer
from tests.support.boards import BOARDS, PANELS, RULES, Panel, choices, chosen, frames, panels
from tests.support.grafana import Frame, Range, Variable, expand, query

CHECKS: Mapping[str, Check] = {
    **energy.CHECKS,
    **figures.CHECKS,
    **desks.CHECKS,
    "maintenance: Inverter faults": figures.faults,
}
UNTOLD = {
    *("platform: Database", "platform: Database by schema", "platform: Rate of arrival"),
    "platform: Archiver",  # there is none here: tests/integration/dashboards
}
"""Panels on the database itself: the API says nothing of it."""
DAYS = "5"
SHAPES: Mapping[str, Callable[[Frame], bool]] = {
    "timeseries": lambda frame: frame.kinds["time"] == "time" and bool(frame.numbers),
    "heatmap": lambda frame: frame.texts == ["metric"] and frame.numbers == ["value"],
    "state-timeline": lambda frame: frame.texts == ["metric"] and frame.numbers == ["value"],
    "stat": lambda frame: len(frame.rows) == 1 and set(frame.kinds.values()) == {"number"},
    "bargauge": lambda frame: len(frame.texts) == 1 and bool(frame.numbers),
    "piechart": lambda frame: len(frame.texts) == 1 and len(frame.numbers) == 1,
    "table": lambda frame: bool(frame.kinds),
}


def test_every_panel_is_compared_with_the_api() -> None:
    keys = {panel.key for panel in PANELS}
    assert set(CHECKS) | UNTOLD == keys
    assert not set(CHECKS) & UNTOLD


@pytest.mark.timeout(1800)
def test_on_plain_postgresql(tmp_path: Path) -> None:
    with _up(tmp_path) as up:
        _prove(up)


@pytest.mark.timeout(1800)
def test_on_timescaledb(tmp_path: Path, own_timescale: TimescaleServer) -> None:
    with psycopg.connect(own_timescale.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE boards")
    with _up(tmp_path, "--database-url", own_timescale.url_of("boards")) as up:
        _prove(up, timescaledb=True)


def _up(tmp_path: Path, *options: str) -> Running:
    ports = ("--api-port", "0", "--mqtt-port", "0")
    return Running(tmp_path / "data", "--scenario", "five-days", "--history", DAYS, *ports, *options)


def _prove(up: Running, timescaledb: bool = False) -> None:
    up.settle()
    wait_for(lambda: _told(up), 300, pause_s=1)
    up.settle()
    until = datetime.now(UTC)
    with _reader(up) as conn, _client(up) as client:
        wrong = []
        for board in BOARDS:
            when = _range(board, until)
            variables = chosen(conn, board, when)
            ask = partial(frames, conn, when=when, variables=variables, timescaledb=timescaledb)
            for panel in panels(board):
                if (problem := _compared(Answers(client, when), panel, partial(ask, panel=panel))) is not None:
                    wrong.append(f"{panel.key}: {problem}")
            _choices_have_names(conn, board, when, variables)
            _a_year_is_answered(conn, board, until, variables)
        _alert_rules_have_a_number(conn, until)
        assert not wrong, "\n\n".join(wrong)


def _told(up: Running) -> bool:
    """Whether the faults of the first minutes have been told: a forced and a held door, and a meter that died."""
    alerts = up.get("/v1/alerts?state=open&limit=1000")["items"]
    return {"forced", "held", "offline"} <= {alert["rule"] for alert in alerts}


def _range(board: str, until: datetime) -> Range:
    """The days of the history; quotas are looked at over the year. Both ends are fixed: devices go on sending."""
    if board == "compound-quotas":
        return Range(until.astimezone(ZONE).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0), until)
    return Range(until - timedelta(days=int(DAYS)), until)


def _reader(up: Running) -> psycopg.Connection[Any]:
    """A connection as Grafana has: the role that sees no tokens, read-only."""
    url, password = _address(up, "database_url"), "of this test"
    assert prepare(url, password) == []
    return psycopg.connect(make_conninfo(url, user=ROLE, password=password), autocommit=True)


def _client(up: Running) -> httpx.Client:
    return httpx.Client(base_url=_address(up, "api_url"), trust_env=False, timeout=60)


def _address(up: Running, of: str) -> str:
    return str(json.loads((up.data / "up.json").read_bytes())[of])


def _compared(api: Answers, panel: Panel, ask: Callable[[], list[Frame]]) -> str | None:
    """What is wrong with a panel that stays wrong while its answer is the same before and after the API's.

    Once is not enough: devices go on sending, and a record that is read at once is unread for a moment.
    """
    deadline = time.monotonic() + 120
    wrong = 0
    while True:
        before = ask()
        try:
            for frame in before:
                assert frame.rows, "no rows"
                assert SHAPES[panel.type](frame), f"a {panel.type} can't show {dict(frame.kinds)}"
            if panel.key not in UNTOLD:
                CHECKS[panel.key](api, before)
            return None
        except (AssertionError, ArithmeticError, LookupError, ValueError, TypeError) as error:
            problem = f"{type(error).__name__}: {error}"
        wrong += before == ask()
        if wrong == TIMES or time.monotonic() > deadline:
            return problem
        time.sleep(0.5)


TIMES: Final = 6


def _choices_have_names(conn: psycopg.Connection[Any], board: str, when: Range, variables: dict[str, Variable]) -> None:
    """Every variable offers what the registry has, by a name in two languages where it has one."""
    for variable in BOARDS[board]["templating"]["list"]:
        found = choices(conn, variable, when, variables)
        assert found.rows, f"{board}: {variable['name']}"
        assert list(found.kinds) == ["__text", "__value"]
        if variable["name"] != "plant":
            assert all(any("\u4e00" <= char <= "\u9fff" for char in row["__text"]) for row in found.rows)


def _alert_rules_have_a_number(conn: psycopg.Connection[Any], until: datetime) -> None:
    """One numeric column, whatever tells the instances of the alert apart beside it as text."""
    when = Range(until - timedelta(minutes=10), until)
    assert RULES
    for uid, text in RULES.items():
        frame = query(conn, expand(text, when), "table")
        assert len(frame.numbers) == 1, uid
        assert len(frame.numbers) + len(frame.texts) == len(frame.kinds), uid


def _a_year_is_answered(
    conn: psycopg.Connection[Any], board: str, until: datetime, variables: dict[str, Variable]
) -> None:
    """Long ranges work, in coarser rows."""
    when = Range(until - timedelta(days=366), until)
    for panel in panels(board):
        for frame in frames(conn, panel, when, variables):
            assert len(frame.rows) <= 11_000, f"{panel.key}: {len(frame.rows)} rows for a year"
