"""Who is lost, by arrival: told once, always cleared, never for our own outage; numbers missing; unknown devices."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compound.events import HISTORY, Event
from compound.settings import Settings
from compound.timeutil import HOUR, MINUTE, SECOND, parse, text
from processors.liveness import create
from tests.services.databases import ON_POSTGRESQL, Databases
from tests.support.bench import Bench, Item

TEN = parse("2026-11-02T10:00:00+08:00")
LONG_AGO = "2026-01-01T00:00:00Z"
METER = {"kind": "meter", "site": "s", "point": "p", "rated_w": 1000, "silence_s": 600}
PLACES: list[Item] = [
    ("site", "s", LONG_AGO, {"latitude": 36.65, "longitude": 117.0}),
    ("point", "p", LONG_AGO, {"type": "meter", "site": "s", "medium": "electricity"}),
]


def reading(device: str, time: int, seq: int = 1, boot: int = 1, channel: str = "reading") -> Event:
    data = msgspec.json.encode({"boot": boot, "seq": seq, "import_wh": 1})
    return Event("i", f"compound/v1/s/meter/{device}", f"meter.{channel}.v1", time, device, data)


def status(device: str, time: int, state: str, /, boot: int = 1, **more: Any) -> Event:
    data = msgspec.json.encode({"boot": boot, "state": state, **more})
    return Event("i", f"compound/v1/s/meter/{device}", "device.status.v1", time, device, data)


class House(Bench):
    """A bench with ingest's heartbeats."""

    def hear(self, *events: Event, at: int) -> None:
        self.arrive(*events, at=at, topic="meter")

    def beat(self, at: int) -> None:
        """A heartbeat of ingest."""
        self.say(b"{}", at)

    def say(self, data: bytes, at: int) -> None:
        """A heartbeat with what stands in it."""
        self.arrive(Event("h", "ingest/i", "ingest.alive.v1", at, "i", data), at=at, topic=HISTORY)

    def run(self, since: int, until: int, every: int = 10 * SECOND, receiving: bool = True) -> None:
        """Live for a while: heartbeats and ticks."""
        for now in range(since, until, every):
            if receiving:
                self.beat(now)
            self.tick(now + 3 * SECOND)


@pytest.fixture
def house(database: str) -> Iterator[House]:
    made = House(database, create(Settings()))
    made.register([*PLACES, ("device", "m", LONG_AGO, METER)])
    yield made
    made.close()


def test_a_live_silence_is_told_once_and_clears(house: House) -> None:
    house.hear(reading("m", TEN), at=TEN)
    house.run(TEN, TEN + 600 * SECOND)
    assert house.shorts() == []
    house.run(TEN + 600 * SECOND, TEN + HOUR)
    (told,) = house.told()
    assert told.short == ("raised", "silent", "m", True)
    assert (told.data["start"], told.data["point"], told.data["site"]) == (text(TEN), "p", "s")
    house.hear(reading("m", TEN + HOUR, 2), at=TEN + HOUR)
    house.run(TEN + HOUR, TEN + HOUR + MINUTE)
    assert house.shorts() == [("cleared", "silent", "m", True)]


def test_a_device_that_came_back_while_the_alarm_was_raised_clears_it(house: House) -> None:
    """The race: its message stood in the log, not yet read, when the alarm was raised."""
    house.hear(reading("m", TEN), at=TEN)
    house.run(TEN, TEN + 610 * SECOND)
    came = TEN + 610 * SECOND + SECOND
    house.beat(TEN + 612 * SECOND)
    house.tick(TEN + 615 * SECOND)
    assert house.shorts() == [("raised", "silent", "m", True)]
    house.hear(reading("m", came, 2), at=came)
    house.tick(TEN + 616 * SECOND)
    assert house.shorts() == [("cleared", "silent", "m", True)]


def test_after_our_own_outage_each_device_has_its_full_limit_again(house: House) -> None:
    house.hear(reading("m", TEN), at=TEN)
    house.run(TEN, TEN + 5 * MINUTE)
    house.run(TEN + 5 * MINUTE, TEN + 3 * HOUR, every=MINUTE, receiving=False)
    back = TEN + 3 * HOUR
    house.run(back, back + 600 * SECOND)
    assert house.shorts() == []
    house.run(back + 600 * SECOND, back + 700 * SECOND)
    assert house.shorts() == [("raised", "silent", "m", True)]


def test_a_registered_device_that_was_never_heard_is_silent(house: House) -> None:
    house.run(TEN, TEN + 650 * SECOND)
    assert house.shorts() == [("raised", "silent", "m", True)]
    assert house.rows("SELECT device, state FROM liveness.state") == [("m", "silent")]


def test_a_ten_hour_buffer_raises_nothing(house: House) -> None:
    house.hear(reading("m", TEN + 10 * HOUR), at=TEN + 10 * HOUR)
    for n in range(40):
        now = TEN + 10 * HOUR + n * SECOND
        house.hear(reading("m", TEN + n * 15 * MINUTE, n + 2), at=now)
        house.beat(now)
        house.tick(now + SECOND)
    assert house.shorts() == []


def test_offline_and_silent_are_one_alert(house: House) -> None:
    house.hear(reading("m", TEN), status("m", TEN, "offline", will=True), at=TEN)
    house.run(TEN, TEN + HOUR, every=20 * SECOND)
    assert house.shorts() == [("raised", "offline", "m", True)]
    house.hear(status("m", TEN + HOUR, "online", boot=2, time=text(TEN + HOUR)), at=TEN + HOUR)
    house.run(TEN + HOUR, TEN + HOUR + MINUTE)
    assert house.shorts() == [("cleared", "offline", "m", True)]
    assert house.rows("SELECT state, since FROM liveness.state")[0][0] == "alive"


def test_silent_and_then_offline_is_one_alert(house: House) -> None:
    house.hear(reading("m", TEN), at=TEN)
    house.run(TEN, TEN + 11 * MINUTE)
    house.hear(status("m", TEN, "offline", will=True), at=TEN + 12 * MINUTE)
    house.run(TEN + 12 * MINUTE, TEN + HOUR, every=20 * SECOND)
    assert house.shorts() == [("raised", "silent", "m", True)]


def test_a_short_loss_of_the_connection_is_no_alarm(house: House) -> None:
    house.hear(status("m", TEN, "offline", will=True), at=TEN)
    house.run(TEN, TEN + 50 * SECOND)
    house.hear(status("m", TEN, "online", time=text(TEN)), at=TEN + 50 * SECOND)
    house.run(TEN + 50 * SECOND, TEN + 5 * MINUTE)
    assert house.shorts() == []


def test_a_retained_replay_ends_nothing(house: House) -> None:
    house.hear(reading("m", TEN), at=TEN)
    house.run(TEN, TEN + 11 * MINUTE)
    house.hear(status("m", TEN, "online", time=text(TEN), retained=True), at=TEN + 11 * MINUTE)
    house.run(TEN + 11 * MINUTE, TEN + 12 * MINUTE)
    assert house.shorts() == [("raised", "silent", "m", True)]


def test_a_void_will_says_nothing(house: House) -> None:
    house.hear(reading("m", TEN, boot=2), at=TEN)
    house.hear(status("m", TEN, "offline", boot=1, will=True), at=TEN + SECOND)
    house.run(TEN, TEN + 5 * MINUTE)
    assert house.shorts() == []
    assert house.rows("SELECT boot, status FROM liveness.device") == [(2, "online")]


def test_a_silent_channel_of_a_living_device(house: House) -> None:
    house.register([("device", "m", LONG_AGO, {**METER, "channel_silence_s": {"reading": 300}})])
    for n in range(20):
        now = TEN + n * 30 * SECOND
        channel = "reading" if n == 0 else "event"
        house.hear(reading("m", now, n, channel=channel), at=now)
        house.run(now, now + 30 * SECOND)
    (told,) = house.told()
    assert (told.short, told.data["what"]) == (("raised", "channel-silent", "m", True), "reading")
    now = TEN + 10 * MINUTE
    house.hear(reading("m", now, 30), at=now)
    house.run(now, now + MINUTE)
    assert house.shorts() == [("cleared", "channel-silent", "m", True)]


def test_in_maintenance_nobody_is_called(house: House) -> None:
    house.hear(reading("m", TEN), at=TEN)
    house.run(TEN, TEN + 11 * MINUTE)
    assert house.shorts() == [("raised", "silent", "m", True)]
    house.register([("device", "m", text(TEN), {**METER, "maintenance": True})])
    house.run(TEN + 11 * MINUTE, TEN + HOUR, every=MINUTE)
    assert [(each.what, each.data["rule"]) for each in house.told()] == [("cleared", "silent")]


def test_unknown_devices_are_listed_until_they_are_registered(house: House) -> None:
    house.hear(*(reading("x", TEN + n * MINUTE, n) for n in range(10)), reading("x", TEN, 0), at=TEN + HOUR)
    listed = house.rows("SELECT device, kind, count FROM liveness.unknown")
    assert listed == [("x", "meter", 10)]
    house.register([("device", "x", text(TEN + 4 * MINUTE), METER)])
    house.tick(TEN + HOUR)
    assert house.rows("SELECT device, kind, count FROM liveness.unknown") == [("x", "meter", 4)]
    house.register([("device", "x", text(TEN), METER)])
    house.tick(TEN + HOUR)
    assert house.rows("SELECT device FROM liveness.unknown") == []


@pytest.fixture(scope="module")
def shared(databases: Databases) -> Iterator[House]:
    url = databases.create()
    made = House(url, create(Settings()))
    made.register(PLACES)
    yield made
    made.close()
    databases.drop(url)


@ON_POSTGRESQL
@settings(deadline=None, max_examples=40)
@given(
    drawn=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(0, 25)), min_size=1, max_size=80),
    size=st.integers(1, 20),
    seed=st.integers(0, 2**32),
)
def test_p3_any_order_gives_the_same_gaps(shared: House, drawn: list[Any], size: int, seed: int) -> None:
    with shared.conn.transaction():
        shared.conn.execute("TRUNCATE device, channel, seq, waiting, due, lost")
    order = [*drawn, *drawn[::3]]
    random.Random(seed).shuffle(order)
    for start in range(0, len(order), size):
        events = [
            reading(d, TEN + boot * HOUR + seq * SECOND, seq, boot) for d, boot, seq in order[start : start + size]
        ]
        shared.hear(*events, at=TEN + 4 * HOUR + start)
    missing = set()
    for device, boot in {(d, b) for d, b, _ in drawn}:
        got = {seq for d, b, seq in drawn if (d, b) == (device, boot)}
        missing |= {(device, boot, n) for n in range(min(got), max(got)) if n not in got}
    gaps = shared.rows("SELECT device, boot, first, last FROM liveness.gap")
    assert {(d, b, n) for d, b, first, last in gaps for n in range(first, last + 1)} == missing
    facts = shared.rows("SELECT device, boot, (extract(epoch FROM newest) * 1000000)::int8 FROM liveness.device")
    assert set(facts) == {
        (
            device,
            max(b for d, b, _ in drawn if d == device),
            max(TEN + b * HOUR + s * SECOND for d, b, s in drawn if d == device),
        )
        for device in {d for d, _, _ in drawn}
    }
    waiting = shared.rows("SELECT device, count FROM liveness.unknown")
    assert dict(waiting) == {device: len({x for x in drawn if x[0] == device}) for device in {d for d, _, _ in drawn}}


def test_the_newest_heartbeat_says_what_the_broker_holds(house: House) -> None:
    house.say(b'{"ingest":"i","waiting":7,"most":1000}', TEN + SECOND)
    house.say(b'{"ingest":"i","waiting":9,"most":1000}', TEN)
    house.say(b"{}", TEN + 2 * SECOND)
    house.say(b"[]", TEN + 3 * SECOND)
    assert house.rows("SELECT ingest, waiting, most FROM liveness.broker") == [("i", 7, 1000)]


def test_messages_of_now_are_counted_apart(house: House) -> None:
    house.hear(reading("m", TEN - HOUR), reading("m", TEN - MINUTE, 2), reading("m", TEN, 3), at=TEN)
    assert house.rows("SELECT messages, fresh FROM liveness.device") == [(3, 2)]
