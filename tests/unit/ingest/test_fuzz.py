"""Whatever arrives: no crash, every message in the log or in quarantine, bounded work, no personal data in clear."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compound.events import QUARANTINE
from compound.log.port import Record
from compound.quarantine import Quarantined, unseal
from ingest.intake import Message
from tests.support.intake import Desk
from tests.unit.ingest.test_native import GATE, GOOD, LOCKER, said

PAYLOADS = 10_000
CARD = "6217000099998888"
TOPICS = [
    *{topic for topic, _ in GOOD},
    "dlt645/v1/demo/gw-1/data",
    "sunspec/v1/demo/inv-1/data",
    "compound/v1/demo/meter//reading",
    "compound/v1/$SYS/é/\u0000/x",
]
PERSONAL = [
    (GATE, said(event="grant", card=CARD)),
    ("compound/v1/demo/parking/s/event", said(state="occupied", plate=CARD)),
    (LOCKER, said(cell="A", event="reserved", phone=CARD)),
]


def mutated(chance: random.Random, payload: bytes) -> bytes:
    """A payload with something done to it."""
    data = bytearray(payload)
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at:at] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.randint(1, 9)]
            case 2:
                data[at : at + 1] = chance.choice(
                    [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\0", b"-", b"1e9"]
                )
            case 3:
                data[at:at] = str(chance.choice([2**31, 2**63, 2**64, -1, 10**400])).encode()
            case 4:
                data = bytearray(b"[" + b",".join([bytes(data)] * chance.randint(1, 3)) + b"]")
            case _:
                data[at:at] = data[: chance.randrange(len(data) + 1)]
    return bytes(data)


def checked(desk: Desk, message: Message) -> list[Record]:
    records = desk.intake.records([message])
    assert records
    assert sum(len(record.value) for record in records) < 40 * (len(message.payload) + 2000)
    return records


@pytest.mark.parametrize("part", range(4))
def test_fuzzed_payloads_are_in_quarantine_or_counted(desk: Desk, part: int):
    chance = random.Random(f"fuzz {part}")
    seeds = [(topic, json.dumps(payload).encode()) for topic, payload in [*GOOD, *PERSONAL]]
    taken = refused = 0
    for _ in range(PAYLOADS // 4):
        topic, payload = chance.choice(seeds)
        if chance.random() < 0.2:
            topic = chance.choice(TOPICS)
        message = Message(
            topic=mutated(chance, topic.encode()) if chance.random() < 0.05 else topic.encode(),
            payload=mutated(chance, payload),
            mid=1,
            retain=chance.random() < 0.1,
        )
        for record in checked(desk, message):
            assert CARD.encode() not in record.value
            assert CARD not in repr(record.headers)
            if record.topic == QUARANTINE:
                refused += 1
                told = msgspec.json.decode(record.value, type=Quarantined)
                unseal(desk.keys, told)
            else:
                taken += 1
                assert isinstance(json.loads(record.value), dict)
    assert min(taken, refused) > PAYLOADS / 20


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["time", "boot", "seq", "card"]), inner)
    ),
)


@given(topic=st.sampled_from(TOPICS), value=json_values, retain=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_in_quarantine(desk: Desk, topic: str, value: Any, retain: bool):
    checked(desk, Message(topic.encode(), json.dumps(value).encode(), 1, retain))


@given(topic=st.binary(), payload=st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_in_quarantine(desk: Desk, topic: bytes, payload: bytes):
    checked(desk, Message(topic, payload, 1, False))
