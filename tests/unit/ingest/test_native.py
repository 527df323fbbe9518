"""The house's own format."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compound.events import Event, event_id, to_record
from compound.timeutil import micros, moment, text
from tests.support.intake import NOW, Desk, event_of

METER = "compound/v1/demo/meter/m-1/reading"
GATE = "compound/v1/demo/gate/g-1/event"
LOCKER = "compound/v1/demo/locker/l-1/event"
STATUS = "compound/v1/demo/gate/g-1/status"


def said(**fields: Any) -> dict[str, Any]:
    return {"time": "2026-11-02T07:59:00Z", "boot": 1, "seq": 7, **fields}


GOOD = [
    (METER, said(import_wh=1)),
    (METER, said(import_wh=2**63 - 1, export_wh=0, power_w=-5, serial="A.b-9_")),
    (METER, said(volume_l=5)),
    (METER, said(heat_wh=5)),
    (METER, said(pulses=5)),
    (METER, said(interval_s=900, interval_wh=12)),
    (METER, said(interval_s=3600, interval_l=0)),
    ("compound/v1/demo/inverter/i/reading", said(energy_wh=2**32 - 1, power_w=0, state=4, evt1=0, dc_power_w=9)),
    ("compound/v1/demo/weather/w/reading", said(poa_w_m2=800)),
    ("compound/v1/demo/weather/w/reading", said(ghi_w_m2=-3, ambient_mc=-5000, module_mc=60_000)),
    (GATE, said(event="opened")),
    (GATE, said(event="passage", direction="in")),
    ("compound/v1/demo/gate/g-1/reading", said(door="open")),
    ("compound/v1/demo/parking/s/event", said(state="occupied")),
    ("compound/v1/demo/parking/s/reading", said(state="free")),
    (LOCKER, said(cell="A-01", event="opened", purpose="deposit")),
    (LOCKER, said(cell="A-01", event="closed", present=True)),
    (LOCKER, said(cell="A-01", event="reserved", parcel="SF-1")),
    ("compound/v1/demo/locker/l-1/reading", said(cells_free=48)),
    (STATUS, {"time": "2026-11-02T07:59:00+08:00", "boot": 3, "state": "online"}),
]

BAD = [
    (METER, said(), "says nothing"),
    (METER, said(power_w=3), "says nothing"),
    (METER, said(import_wh=1, interval_s=900, interval_wh=1), "says nothing"),
    (METER, said(interval_s=900), "says nothing"),
    (METER, said(interval_wh=900), "says nothing"),
    (METER, said(interval_s=900, interval_wh=1, interval_l=1), "says nothing"),
    (METER, said(import_wh=-1), "out of range"),
    (METER, said(import_wh=2**63), "out of range"),
    (METER, said(import_wh=1.5), "wrong type"),
    (METER, said(import_wh="1"), "wrong type"),
    (METER, said(import_wh=True), "wrong type"),
    (METER, said(import_wh=1, export_wh=None), "wrong type"),
    (GATE, said(event="opened", direction=None), "wrong type"),
    (METER, said(import_wh=1, seq=-1), "out of range"),
    (METER, said(import_wh=1, serial="a b"), "wrong value"),
    (METER, said(import_wh=1, name="Wang"), "field unknown"),
    (METER, {"time": "2026-11-02T07:59:00Z", "boot": 1, "import_wh": 1}, "field missing"),
    (METER, said(import_wh=1, time="2026-11-02T07:59:00"), "wrong value"),
    (METER, said(import_wh=1, time="yesterday"), "wrong value"),
    (METER, said(import_wh=1, time=1793606340), "wrong type"),
    (METER, said(import_wh=1, time="1969-12-31T23:59:59Z"), "time before 1970"),
    (METER, said(import_wh=1, time="2026-11-02T08:05:00.000001Z"), "time in the future"),
    (METER, said(import_wh=1, time="0001-01-01T00:00:00+08:00"), "time before 1970"),
    (METER, said(import_wh=1, time="9999-12-31T23:59:59-08:00"), "time in the future"),
    (METER, b"", "empty payload"),
    (METER, b" \n", "empty payload"),
    (METER, [], "empty payload"),
    (METER, b"{", "not JSON"),
    (METER, b"[{}", "not JSON"),
    (METER, b"[" * 16_000, "not JSON"),
    (METER, b'{"time":"\xff"}', "wrong value"),
    (METER, b'{"serial":"\xff"}', "not JSON"),
    (METER, b"null", "wrong type"),
    (METER, b"x" * 16_385, "longer than 16 KiB"),
    (GATE, said(event="walked"), "wrong value"),
    (GATE, said(event="grant", card=""), "wrong value"),
    (LOCKER, said(cell="A", event="opened"), "says nothing"),
    (LOCKER, said(cell="A", event="closed"), "says nothing"),
    ("compound/v1/demo/inverter/i/reading", said(energy_wh=2**32, power_w=0, state=4, evt1=0), "out of range"),
    ("compound/v1/demo/inverter/i/reading", said(energy_wh=1, power_w=0, state=9, evt1=0), "out of range"),
    ("compound/v1/demo/weather/w/reading", said(), "says nothing"),
    (STATUS, {"boot": 3, "state": "online"}, "says nothing"),
    (STATUS, {"boot": 3, "state": "online", "will": True}, "says nothing"),
    ("compound/v1/demo/meter/m-1/event", said(import_wh=1), "no such topic"),
    ("compound/v1/demo/door/m-1/event", said(), "no such topic"),
    ("compound/v1/demo/meter/m 1/reading", said(import_wh=1), "no such topic"),
    ("compound/v1/demo/meter/m-1/reading/x", said(import_wh=1), "no such topic"),
    ("other/topic", said(), "no such topic"),
]


@pytest.mark.parametrize(("topic", "payload"), GOOD)
def test_what_the_contract_allows_is_taken_byte_for_byte(desk: Desk, topic: str, payload: dict[str, Any]):
    sent = json.dumps(payload, indent=1).encode()
    [record] = desk.records(topic, sent)
    assert record.value == sent
    kind = topic.split("/")[3]
    channel = topic.rsplit("/")[-1]
    event = Event(
        id=event_id(topic, sent),
        source=topic.rpartition("/")[0],
        type="device.status.v1" if channel == "status" else f"{kind}.{channel}.v1",
        time=micros(datetime.fromisoformat(payload["time"])),
        subject=topic.split("/")[4],
        data=sent,
    )
    assert record == to_record(kind, event)


@pytest.mark.parametrize(("topic", "payload", "reason"), BAD)
def test_what_it_does_not_allow_is_in_quarantine_with_a_reason(desk: Desk, topic: str, payload: Any, reason: str):
    assert desk.reasons(topic, payload) == [reason]


def test_the_elements_of_an_array_are_judged_on_their_own(desk: Desk):
    elements = [said(import_wh=1, seq=1), said(import_wh=-1, seq=2), said(import_wh=3, seq=3), 4]
    events, bad = desk.judge(METER, elements)
    assert [json.loads(event.data)["seq"] for event in events] == [1, 3]
    assert [(one.index, one.reason) for one in bad] == [(1, "out of range"), (3, "wrong type")]


def test_an_element_has_the_same_id_alone_and_in_any_array(desk: Desk):
    one, other = json.dumps(said(import_wh=1)).encode(), json.dumps(said(import_wh=2)).encode()
    [alone] = desk.judge(METER, b"  %b\n" % one)[0]
    [_, among] = desk.judge(METER, b"[ %b ,\n %b ]" % (other, one))[0]
    assert alone == among
    [elsewhere] = desk.judge("compound/v1/demo/meter/m-2/reading", one)[0]
    assert elsewhere.id != alone.id


def test_very_many_bad_elements_are_one_entry(desk: Desk):
    events, bad = desk.judge(METER, [*([0] * 5000), said(import_wh=1)])
    assert len(events) == 1
    assert [(one.reason, one.index) for one in bad] == [("wrong type", None)]


def test_a_will_has_the_time_of_its_arrival_and_its_boot_in_its_id(desk: Desk):
    first = desk.judge(STATUS, {"boot": 3, "state": "offline", "will": True})[0][0]
    assert first.time == NOW
    second = desk.judge(STATUS, {"boot": 4, "state": "offline", "will": True})[0][0]
    assert first.id != second.id
    with_time = {"boot": 3, "state": "offline", "will": True, "time": "2020-01-01T00:00:00Z"}
    assert desk.judge(STATUS, with_time)[0][0].time == NOW


def test_a_retained_replay_is_marked_and_keeps_its_id(desk: Desk):
    payload = {"time": "2026-11-02T07:59:00Z", "boot": 3, "state": "online"}
    [live] = desk.judge(STATUS, payload)[0]
    [replay] = desk.judge(STATUS, payload, retain=True)[0]
    assert json.loads(replay.data) == {**payload, "retained": True}
    assert replay.id == live.id
    assert json.loads(live.data) == payload


def test_a_device_cannot_mark_a_message_as_retained_itself(desk: Desk):
    assert desk.reasons(METER, said(import_wh=1, retained=True)) == ["field unknown"]


@given(
    time=st.integers(86_400_000_000, NOW),
    offset=st.integers(-14 * 60, 14 * 60),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_times_are_exact_whatever_their_offset(desk: Desk, time: int, offset: int):
    sent = moment(time).astimezone(timezone(timedelta(minutes=offset))).isoformat()
    [record] = desk.records(METER, said(import_wh=1, time=sent))
    assert event_of(record).time == time
    assert dict(record.headers)["ce_time"] == text(time).encode()
