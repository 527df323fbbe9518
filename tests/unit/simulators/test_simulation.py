"""Days, sessions and messages: rebuilt they are the same, and every message keeps the contract."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import pytest
import yaml

from ingest.decoders.dlt645 import Gateway
from ingest.decoders.schema import CHANNELS
from ingest.decoders.sunspec import Reading
from simulators import clock, wire
from simulators.clock import DAY, HOUR, MINUTE
from simulators.demo.meters import BY_KEY, METERS
from simulators.faults.scenario import KINDS
from simulators.simulation import NEVER, Day, Session, State
from simulators.wire import devices
from tests.unit.simulators.conftest import ORIGIN, simulation

NOON = clock.at(ORIGIN, "12:00", "Asia/Shanghai")


def test_a_day_from_its_kept_state_is_the_same_day() -> None:
    plan = simulation("all-faults")
    state = plan.first()
    plan.step(state)
    kept = msgspec.json.decode(msgspec.json.encode(state), type=State)
    assert plan.step(kept).messages == plan.step(state).messages
    assert kept == state


def test_going_live_leaves_what_was_sent_before() -> None:
    calm, live = simulation(), simulation(sessions=[Session(0, live_from=NOON)])
    before, after = (plan.step(plan.first()).messages for plan in (calm, live))
    assert [m for m in before if m.time < NOON] == [m for m in after if m.time < NOON]
    extra = len([m for m in after if m.device == "m-b1"]) - len([m for m in before if m.device == "m-b1"])
    assert extra == 12 * 56


def test_a_second_session_is_a_new_boot_and_ends_the_live_minutes() -> None:
    sessions = [Session(0, live_from=NOON, cursor=NOON + HOUR), Session(NOON + 5 * HOUR)]
    messages = [m for m in simulation(sessions=sessions).step(simulation().first()).messages if m.device == "m-b1"]
    assert {m.boot for m in messages if m.time < NOON + 5 * HOUR} == {1}
    assert [m.seq for m in messages if m.boot == 2] == list(range(28))
    minutes = [m.time for m in messages if m.time % (15 * MINUTE)]
    assert (min(minutes), max(minutes)) == (NOON + MINUTE, NOON + 2 * HOUR - MINUTE)


def test_numbers_have_no_hole_in_a_calm_world(calm: list[Day]) -> None:
    seqs: dict[str, list[int]] = {}
    for day in calm:
        for message in sorted(day.messages, key=lambda m: m.time):
            seqs.setdefault(message.device, []).append(message.seq)
    assert all(numbers == list(range(len(numbers))) for numbers in seqs.values())


def test_every_message_keeps_the_contract(faulty: list[Day]) -> None:
    decoders = {key: msgspec.json.Decoder(payload) for key, payload in CHANNELS.items()}
    gateway, inverter = msgspec.json.Decoder(Gateway), msgspec.json.Decoder(Reading)
    kinds: Counter[str] = Counter()
    for day in faulty[::4]:
        for message in day.messages[::3]:
            topic, payload = wire.single(message)
            parts = topic.split("/")
            kinds[parts[0]] += 1
            if parts[0] == "dlt645":
                assert gateway.decode(payload).gateway == parts[3]
            elif parts[0] == "sunspec":
                assert inverter.decode(payload).model == 103
            else:
                found = decoders[parts[3], parts[5]].decode(payload)
                assert found.fault() is None
    assert min(kinds.values()) > 100
    assert set(kinds) == {"compound", "dlt645", "sunspec"}


LASTING: Final[dict[str, tuple[str, dict[str, object]]]] = {
    "offline": ("m-b1-f3", {}),
    "lost": ("m-b2-hvac", {}),
    "duplicates": ("m-b2", {}),
    "shuffled": ("202610002041", {}),
    "clock": ("m-b4", {"days": 366}),
    "silent-channel": ("g-b4", {"channel": "reading"}),
    "crash": ("m-b2-f3", {}),
    "rollover": ("m-b1-f4", {"left": 300_000}),
    "replacement": ("m-dc", {"recorded": False}),
    "stuck": ("m-b5-pmp", {}),
    "spike": ("m-b4-din", {"height": 900_000}),
    "forced": ("g-dc", {}),
    "held": ("g-b3", {}),
    "tailgating": ("g-n1", {}),
    "passback": ("g-n2", {}),
    "denied": ("g-dc", {}),
    "left-open": ("lk-3", {}),
    "cell-fault": ("lk-1", {}),
    "inverter-fault": ("inv-7", {"evt1": 1}),
}


@pytest.mark.parametrize("hours", ["1h", "6h", "30h"])
def test_whatever_lasts_over_midnight_ends_like_all_else(tmp_path: Path, hours: str) -> None:
    """Every kind of fault from before the first midnight on, until it, after it, and after the next."""
    assert set(LASTING) == KINDS
    faults = [
        {"kind": kind, "device": device, "day": 0, "at": "23:00", "lasts": hours, **more}
        for kind, (device, more) in LASTING.items()
    ]
    (tmp_path / "long.yaml").write_text(yaml.safe_dump({"faults": faults}))
    plan, calm = simulation(str(tmp_path / "long.yaml")), simulation()
    state, still = plan.first(), calm.first()
    days = [(plan.step(state), calm.step(still)) for _ in range(4)]
    found, usual = days[-1]
    assert found.unsettled == []
    told = {c[:4]: c.end for day, _ in days for c in day.happened.conditions if c.rule == "inverter-fault"}
    start = clock.at(ORIGIN, "23:05", "Asia/Shanghai")  # a reading tells of the five minutes before it
    assert told == {("inverter-fault", "inv-7", "inverter", start): start + int(hours[:-1]) * HOUR}
    metered, true = _flows(found, "metered"), _flows(found, "true")
    assert true == _flows(usual, "true")
    steps = {meter.device: int(meter.step * meter.ratio) for meter in METERS}
    assert not [key for key in true if abs(metered[key] - true[key]) > max(steps.get(key[0], 0), 1)]
    made = [
        {(m.device, m.time) for m in day.messages if devices()[m.device].kind in ("meter", "inverter", "weather")}
        for day in (found, usual)
    ]
    assert made[0] == made[1]


def test_a_spot_that_crashed_before_midnight_is_unknown_before_it(tmp_path: Path) -> None:
    """Its next sign comes too late, on the next day; who asks in the evening is to know already."""
    faults = [{"kind": "crash", "device": "sp-p1-120", "day": 0, "at": "22:30", "lasts": "4h"}]
    (tmp_path / "late.yaml").write_text(yaml.safe_dump({"faults": faults}))
    plan = simulation(str(tmp_path / "late.yaml"))
    state = plan.first()
    for end in (NEVER, clock.at(ORIGIN, "22:30", "Asia/Shanghai") + 4 * HOUR):
        (span,) = (span for span in plan.step(state).spans if span.subject == "sp-p1-120")
        assert span.end >= end
        assert span.start < clock.at(ORIGIN, "22:30", "Asia/Shanghai")


def test_who_leaves_between_a_months_midnight_and_its_reset_may_be_taken_to_be_inside(tmp_path: Path) -> None:
    faults = [{"kind": "held", "device": "g-b2b", "day": 3, "at": "23:50", "lasts": "40s"}]
    (tmp_path / "night.yaml").write_text(yaml.safe_dump({"faults": faults}))
    plan = simulation(str(tmp_path / "night.yaml"))
    state = plan.first()
    first = [plan.step(state) for _ in range(5)][-1]
    assert first.day.day == 1
    (left,) = (p for p in first.happened.passages if p.door == "g-b2b" and p.time < first.start + 3 * HOUR)
    doubts = {span.subject: (span.start, span.end) for span in first.spans if span.start == left.time}
    assert doubts == dict.fromkeys((left.from_zone, left.to_zone), (left.time, first.start + 27 * HOUR))


def _flows(day: Day, what: str) -> dict[tuple[str, str], int]:
    """Register -> what flowed through it over the day."""
    found: dict[tuple[str, str], int] = {}
    for device, register in {(count.device, count.register) for count in day.counts}:
        values = [getattr(c, what) for c in day.counts if (c.device, c.register) == (device, register)]
        found[device, register] = max(values) - min(values)
    return found


def test_arrays_hold_all_messages_in_order_within_the_limit(calm: list[Day]) -> None:
    sent: dict[str, list[int]] = {}
    count = 0
    for topic, payload, messages in wire.arrays(calm[0].messages):
        assert len(payload.encode()) <= wire.LIMIT
        count += len(messages)
        if topic.startswith("compound"):
            assert len(msgspec.json.decode(payload)) == len(messages)
            sent.setdefault(topic, []).extend(message.seq for message in messages)
    assert count == len(calm[0].messages)
    assert all(a < b for numbers in sent.values() for a, b in pairwise(numbers))


def test_thirty_days_are_within_their_volume(faulty: list[Day]) -> None:
    assert 500_000 < sum(len(day.messages) for day in faulty) < 700_000


def test_nothing_is_sent_before_its_time_or_on_another_day(faulty: list[Day]) -> None:
    for day in faulty:
        for message in day.messages:
            assert message.send is not None
            assert message.time <= message.send
            assert day.start <= message.send < day.start + DAY


def test_every_fault_leaves_its_trace_in_the_truth(faulty: list[Day]) -> None:
    why = {span.why for day in faulty for span in day.spans}
    assert {"lost", "clock off", "spike", "crash", "replaced", "replaced without a record", "card passed back"} <= why
    rules = {condition.rule for day in faulty for condition in day.happened.conditions}
    assert {"forced", "held", "tailgating", "anti-passback", "overstay", "overdue-24", "door-left-open"} <= rules
    assert "inverter-fault" in rules
    swapped = {swap.device for day in faulty for _, swap in day.swaps}
    assert BY_KEY["b2"].device in swapped


def test_counters_never_fall(faulty: list[Day]) -> None:
    last: dict[tuple[str, str], int] = {}
    holes = {(span.subject, span.start, span.end) for day in faulty for span in day.spans if span.kind == "break"}
    for day in faulty:
        for count in day.counts:
            key = (count.device, count.register)
            inside = any(d == count.device and a < count.time <= b for d, a, b in holes)
            assert inside or count.metered >= last.get(key, 0), count
            if not inside:
                last[key] = count.metered
