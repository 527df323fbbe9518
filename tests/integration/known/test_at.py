"""P7: a state at T is what the tables said at T, with lag zero: alerts, silence, counters, inverters, sampled at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.app import create_app
from compound.events import HISTORY, Event
from compound.log.book import decode_headers
from compound.log.port import Stored
from compound.settings import Settings
from compound.store.db import Connection, connect
from compound.timeutil import MINUTE, SECOND, moment, text
from tests.properties.events import DEVICES, PLACES, START, Given, message
from tests.properties.house import House
from tests.services.databases import Databases
from tests.support.alerts import acknowledge, told

pytestmark = pytest.mark.timeout(900)
COLUMNS = (
    'id, domain, rule, subject, what, site, point, category, priority, state, start, "end", raised, cleared, withdrawn,'
    " acknowledged, acknowledged_by, note, notify, times, detail"
)


@settings(deadline=None, max_examples=8, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_p7_alerts_at_t_are_what_they_were(databases: Databases, data: st.DataObject) -> None:
    """Raised, cleared, withdrawn, raised again, acknowledged, each at random; the list saved after each batch."""
    steps = data.draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(
        ("raised", "raised", "cleared", "withdrawn", "acknowledge")), st.booleans()), min_size=3, max_size=60))  # fmt: skip
    given: list[Given] = []
    for number, (alert, step, security) in enumerate(steps):
        at = START + number * SECOND
        if step == "acknowledge":
            given.append(("commands", acknowledge(alert, at, who=f"w{number}")))
        else:
            category = "security" if security else "maintenance"
            end = None if step == "raised" else text(at)
            given.append((HISTORY, told(step, alert, at, number, category=category, end=end, notify=number % 3 > 0)))
    url, size = databases.create(), data.draw(st.integers(1, 10))
    try:
        with House(url, ("alerts",)) as house, connect(url, "test", autocommit=True) as conn:
            saved = {}
            for start in range(0, len(given), size):
                stored = house.store(given[start : start + size], START + start)
                house.deliver(stored, "alerts")
                saved[START + start + len(stored) - 1] = _alerts(conn, "alerts.alert")
            for at, rows in saved.items():
                assert _alerts(conn, f"alerts.at('{moment(at)}')") == rows
    finally:
        databases.drop(url)


def _alerts(conn: Connection, source: str) -> list[tuple[Any, ...]]:
    return conn.execute(f"SELECT {COLUMNS} FROM {source} WHERE raised IS NOT NULL ORDER BY id").fetchall()


@settings(deadline=None, max_examples=4, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_p7_silence_at_t_is_what_it_was(databases: Databases, seed: int) -> None:
    """Meters that fall silent and come back, as told; saved again and again."""
    chance, url = random.Random(seed), databases.create()
    domains = ("registry", "liveness", "alerts")
    try:
        with House(url, domains) as house, connect(url, "test", autocommit=True) as conn:
            clock, saved = START, {}
            _feed(house, [*PLACES, *DEVICES], clock)
            for step in range(15):
                before, clock = clock, clock + chance.choice((MINUTE, 10 * MINUTE, 40 * MINUTE))
                beats = [house.store([_alive(at)], at)[0] for at in range(before, clock, 20 * SECOND)]
                heard = [message("meter", "reading", meter, clock, {"boot": 1, "seq": step, "import_wh": step})
                         for meter in ("m1", "m2") if chance.random() < 0.4]  # fmt: skip
                _deliver(house, [*beats, *house.store(heard, clock)])
                house.now = clock + 30 * SECOND
                house.settle()
                _relay(house, conn, house.now)
                saved[house.now + SECOND] = _devices(conn, "liveness.state WHERE first_seen IS NOT NULL")
            assert any(state == "silent" for rows in saved.values() for _, state in rows)
            for at, rows in saved.items():
                assert _devices(conn, f"liveness.at('{moment(at)}')") == rows
    finally:
        databases.drop(url)


def _alive(at: int) -> Given:
    return HISTORY, Event(f"alive-{at}", "compound/ingest", "ingest.alive.v1", at, "ingest", b"{}")


def _devices(conn: Connection, source: str) -> list[tuple[Any, ...]]:
    return conn.execute(f"SELECT device, state FROM {source} ORDER BY 1").fetchall()


def _feed(house: House, given: Sequence[Given], recorded: int) -> None:
    _deliver(house, house.store(given, recorded))


def _deliver(house: House, stored: Sequence[Stored]) -> None:
    """To all domains that read it."""
    for name in house.domains:
        topics = house._members[name][0].worker.domain.topics
        house.deliver([each for each in stored if each.topic in topics], name)


def _relay(house: House, conn: Connection, recorded: int) -> None:
    """What was told goes into the log."""
    rows = conn.execute("DELETE FROM runtime.outbox RETURNING id, headers, value").fetchall()
    given = []
    for _, headers, value in sorted(rows):
        found = dict(decode_headers(bytes(headers)))
        event = Event(
            found["ce_id"].decode(),
            "x",
            found["ce_type"].decode(),
            recorded,
            found["ce_subject"].decode(),
            bytes(value),
        )
        given.append((HISTORY, event))
    _feed(house, given, recorded)


async def test_counters_and_inverters_at_a_moment(database: str) -> None:
    """Between two readings the counter is theirs, evenly; before the first and after the last nothing is known."""
    wh = [(0, 1000), (15, 1010), (30, 1040)]
    given: list[Given] = [
        message("meter", "reading", "m2", START + minute * MINUTE, {"boot": 1, "seq": minute, "import_wh": value})
        for minute, value in wh
    ]
    given += [
        message("inverter", "reading", "i1", START + minute * MINUTE,
                {"boot": 1, "seq": minute, "energy_wh": 5 + minute, "power_w": 1, "state": state, "evt1": 0})
        for minute, state in ((0, 4), (5, 7), (10, 4))
    ]  # fmt: skip
    with House(database, ("registry", "energy", "solar")) as house:
        house.now = START + 24 * 60 * MINUTE
        _feed(house, [*PLACES, *DEVICES], START)
        _feed(house, given, START + 60 * MINUTE)
        house.settle()
    app = create_app(Settings(database_url=database))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api,
    ):

        async def ask(path: str, minute: float) -> Any:
            answer = await api.get(path, params={"at": text(START + round(minute * MINUTE))})
            assert answer.status_code == 200, answer.text
            return answer.json()

        asked = [(await ask("/v1/meters/m2/counters", minute))["items"][0] for minute in (-1, 0, 7.5, 20, 30)]
        assert [item["counter"] for item in asked] == [None, 2000, 2010, 2040, None]
        assert [item["quality"] for item in asked] == [None, "measured", "measured", "measured", None]
        states = [await ask("/v1/solar/inverters/i1/state", minute) for minute in (-1, 2, 7, 11, 24 * 60)]
        assert [each["state"] for each in states] == ["unknown", "MPPT", "FAULT", "MPPT", "unknown"]
        assert msgspec.convert(states[2]["since"], datetime) == moment(START + 5 * MINUTE).astimezone(UTC)
