"""P7: a state at T is what the tables said at T, with lag zero: alerts, silence, counters, inverters, sampled at random."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.app import create_app
from compound.events import HISTORY, Event
from compound.known import CONDITIONS, Asked
from compound.settings import Settings
from compound.store.db import Connection, connect, sql_text
from compound.timeutil import MINUTE, SECOND, moment, text
from processors.known import recall_from
from tests.properties.events import DEVICES, PLACES, START, Given, message
from tests.properties.house import House
from tests.services.databases import Databases
from tests.support.alerts import acknowledge, told
from tests.support.known import deliver, feed, keep, relay

pytestmark = pytest.mark.timeout(1800)
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
            recall = recall_from(Settings(database_url=url))
            for at, rows in saved.items():
                assert _alerts(conn, f"alerts.at('{moment(at)}')") == rows
                with recall(Asked(moment(at), "alerts")) as world:
                    assert [tuple(row.values()) for row in world.rows(_LIST.format("alerts.alert"), [])] == rows
    finally:
        databases.drop(url)


def _alerts(conn: Connection, source: str) -> list[tuple[Any, ...]]:
    return conn.execute(sql_text(_LIST.format(source))).fetchall()


_LIST = f"SELECT {COLUMNS} FROM {{}} WHERE raised IS NOT NULL ORDER BY id"


_AT = "SELECT device, state FROM liveness.at('{}') ORDER BY 1"
_STATES = (
    "SELECT d.device, coalesce(l.kind, 'alive') FROM liveness.device d LEFT JOIN liveness.lost l ON l.device = d.device"
    " AND l.\"end\" IS NULL AND l.kind <> 'channel-silent' ORDER BY 1"
)
_CONDITIONS = (
    "SELECT rule, subject, what, start, \"end\" FROM runtime.condition WHERE domain = 'liveness' ORDER BY 1, 2, 3, 4"
)
_ARRIVED = {
    "device": "SELECT device, kind, site, watched, state, since, first_seen, last_seen, newest, boot, messages, status, status_since"
    " FROM liveness.state ORDER BY 1",
    "channel": "SELECT * FROM liveness.channel ORDER BY 1, 2",
    "gap": "SELECT * FROM liveness.gap ORDER BY 1, 2, 3",
    "lost": "SELECT * FROM liveness.lost ORDER BY 1, 2, 3, 4",
}


@settings(deadline=None, max_examples=2, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_p7_devices_are_what_they_were(databases: Databases, seed: int) -> None:
    """Meters that fall silent and come back, with numbers missing, repeated, of other starts, wills and replays among them: as told at
    T, and as counted again from the book as known at K.
    """
    chance, url = random.Random(seed), databases.create()
    domains = ("registry", "liveness", "alerts")
    try:
        with House(url, domains) as house, connect(url, "test", autocommit=True) as conn:
            clock, saved = START, {}
            feed(house, [*PLACES, *DEVICES], clock)
            for _ in range(10):
                before, clock = clock, clock + chance.choice((MINUTE, 10 * MINUTE, 40 * MINUTE))
                beats = [house.store([_alive(at)], at)[0] for at in range(before, clock, 20 * SECOND)]
                heard = house.store(
                    [_said(chance, meter, clock) for meter in ("m1", "m2") if chance.random() < 0.5], clock
                )
                deliver(house, [*beats, *heard])
                keep(conn, heard)
                house.now = clock + 30 * SECOND
                house.settle()
                relay(house, conn, house.now)
                clock = house.now + SECOND
                states = conn.execute(_STATES).fetchall()
                arrived = {name: conn.execute(query).fetchall() for name, query in _ARRIVED.items()}
                saved[clock] = states, arrived, conn.execute(_CONDITIONS).fetchall()
            assert any(state == "silent" for states, *_ in saved.values() for _, state in states)
            recall = recall_from(Settings(database_url=url))
            for at, (states, arrived, conditions) in saved.items():
                assert conn.execute(sql_text(_AT.format(moment(at)))).fetchall() == states
                one = chance.choice((Asked(moment(at), "liveness", "device", "m1"),
                                     Asked(moment(clock), "liveness", "device", "m1", moment(at))))  # fmt: skip
                for asked in (Asked(moment(at), "liveness"), one):
                    with recall(asked) as world:
                        for name, rows in arrived.items():
                            found = [tuple(row.values()) for row in world.rows(_ARRIVED[name], [])]
                            if asked.id is not None:
                                rows, found = ([r for r in all_of if r[0] == asked.id] for all_of in (rows, found))
                            assert (name, found) == (name, rows)
                with recall(Asked(moment(at), CONDITIONS, "liveness")) as world:
                    assert [tuple(row.values()) for row in world.rows(_CONDITIONS, [])] == conditions
    finally:
        databases.drop(url)


def _said(chance: random.Random, meter: str, time: int) -> Given:
    """A reading or a status, most of the newest start of the device."""
    boot = chance.choice((1, 2, 2))
    if chance.random() < 0.3:
        said = {"boot": boot, "state": chance.choice(("online", "offline"))}
        said |= {key: True for key in ("will", "retained") if chance.random() < 0.3}
        topic, event = message("meter", "status", meter, time, said)
        return topic, msgspec.structs.replace(event, type="device.status.v1")
    data = {"boot": boot, "seq": chance.randint(0, 9), "import_wh": chance.randint(0, 9)}
    return message("meter", "reading", meter, time, {**data, **({"retained": True} if chance.random() < 0.1 else {})})


def _alive(at: int) -> Given:
    return HISTORY, Event(f"alive-{at}", "compound/ingest", "ingest.alive.v1", at, "ingest", b"{}")


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
        feed(house, [*PLACES, *DEVICES], START)
        feed(house, given, START + 60 * MINUTE)
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
