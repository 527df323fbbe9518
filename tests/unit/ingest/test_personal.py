"""Personal data: tokens, their months, their keys; what quarantine keeps."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from compound.events import event_id
from compound.keys import KEY_BYTES, KeyLost, Keys, Months
from compound.quarantine import Quarantined, seal, unseal
from compound.timeutil import parse
from ingest.tokens import Tokens
from tests.support.intake import Desk
from tests.unit.ingest.test_native import GATE, LOCKER, METER, said

SHANGHAI = Months(ZoneInfo("Asia/Shanghai"), 3)
CARD = "6217000099998888"


@pytest.mark.parametrize(
    ("time", "month"),
    [
        ("2026-11-01T02:59:59.999999+08:00", "2026-10"),
        ("2026-11-01T03:00:00+08:00", "2026-11"),
        ("2026-12-01T02:59:59+08:00", "2026-11"),
        ("2027-01-01T00:00:00+08:00", "2026-12"),
        ("1970-01-01T00:00:00Z", "1970-01"),
    ],
)
def test_a_month_runs_from_reset_to_reset(time: str, month: str):
    assert SHANGHAI.of(parse(time)) == month


def test_a_month_follows_the_wall_clock_over_a_change_of_the_clocks():
    berlin = Months(ZoneInfo("Europe/Berlin"), 3)
    assert berlin.of(parse("2026-11-01T02:59:00+01:00")) == "2026-10"
    assert berlin.of(parse("2026-04-01T03:00:00+02:00")) == "2026-04"


def test_one_number_has_one_token_a_month_and_category(tmp_path: Path):
    tokens = Tokens(Keys(tmp_path), SHANGHAI)
    october, november = parse("2026-10-31T12:00:00Z"), parse("2026-11-02T12:00:00Z")
    token = tokens.token("access", CARD, november)
    assert token == Tokens(Keys(tmp_path), SHANGHAI).token("access", CARD, november + 1)
    assert token.startswith("tok:access:2026-11:")
    assert len(token.rsplit(":")[-1]) == 32
    others = {
        tokens.token("access", CARD, october),
        tokens.token("parking", CARD, november),
        tokens.token("access", CARD + "0", november),
    }
    assert len({token.rsplit(":")[-1], *(other.rsplit(":")[-1] for other in others)}) == 4


def test_keys_are_for_the_owner_only(tmp_path: Path):
    folder = tmp_path / "keys"
    assert len(Keys(folder).get("access", "2026-11")) == KEY_BYTES
    [key] = folder.iterdir()
    assert key.name == "access-2026-11.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def _get(folder: Path) -> bytes:
    return Keys(folder).get("access", "2026-11")


def test_processes_that_race_for_a_key_get_the_same_one(tmp_path: Path):
    with ProcessPoolExecutor(4) as pool:
        for number in range(5):
            folder = tmp_path / str(number)
            assert len(set(pool.map(_get, [folder] * 8))) == 1
            assert [key.name for key in folder.iterdir()] == ["access-2026-11.key"]


def test_a_damaged_or_missing_key_is_told(tmp_path: Path):
    (tmp_path / "access-2026-11.key").write_bytes(b"short")
    with pytest.raises(KeyLost, match="damaged"):
        Keys(tmp_path).get("access", "2026-11")
    with pytest.raises(KeyLost, match="is not in"):
        Keys(tmp_path).find("access", "2026-10")
    with pytest.raises(ValueError, match="no key can be named"):
        Keys(tmp_path).get("access", "../../etc/x")


@pytest.mark.parametrize(
    ("topic", "payload", "field", "category"),
    [
        (GATE, said(event="grant", card=CARD, direction="in"), "card", "access"),
        ("compound/v1/demo/parking/s/event", said(state="occupied", plate=CARD), "plate", "parking"),
        (LOCKER, said(cell="A", event="reserved", phone=CARD, parcel="P1"), "phone", "parcels"),
    ],
)
def test_the_number_is_replaced_before_id_and_append(
    desk: Desk, topic: str, payload: dict[str, object], field: str, category: str
):
    [record] = desk.records(topic, payload)
    assert CARD.encode() not in record.value
    data = json.loads(record.value)
    assert data == {**payload, field: data[field]}
    assert data[field].startswith(f"tok:{category}:2026-11:")
    assert dict(record.headers)["ce_id"].decode() == event_id(topic, record.value)
    assert desk.records(topic, payload) == [record]
    spaced = json.dumps(dict(reversed(payload.items())), indent=2).encode()
    assert desk.records(topic, spaced) == [record]


def test_without_a_key_nothing_is_taken_and_nothing_refused(desk: Desk, tmp_path: Path):
    (tmp_path / "access-2026-11.key").write_bytes(b"damaged")
    with pytest.raises(KeyLost, match="damaged"):
        desk.records(GATE, [said(event="grant", card=CARD)] * 2)
    (tmp_path / "access-2026-11.key").unlink()
    (tmp_path / "access-2026-11.key").mkdir()
    with pytest.raises(OSError, match="directory"):
        desk.records(GATE, said(event="grant", card=CARD))


def test_a_quarantined_message_can_be_read_only_with_its_months_key(desk: Desk, tmp_path: Path):
    payload = json.dumps(said(event="grant", card=CARD, colour="red")).encode()
    [record] = desk.records(GATE, payload)
    told = msgspec.json.decode(record.value, type=Quarantined)
    assert (told.reason, told.topic, told.size) == ("field unknown", GATE, len(payload))
    assert unseal(desk.keys, told) == (GATE, payload)
    with pytest.raises(KeyLost):
        unseal(Keys(tmp_path / "elsewhere"), told)
    other = Keys(tmp_path / "other")
    other.get("quarantine", told.month)
    with pytest.raises(KeyLost, match="is not the one"):
        unseal(other, told)


def test_a_redelivered_message_has_the_same_id_in_quarantine(desk: Desk):
    [first] = desk.records(METER, b"{")
    desk.now += 5_000_000
    [again] = desk.records(METER, b"{")
    [other] = desk.records(METER, b"{{")
    ids = [dict(record.headers)["ce_id"] for record in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]


def test_an_unknown_topic_is_not_named_in_clear(desk: Desk):
    topic = f"compound/v1/demo/gate/g-1/event/{CARD}"
    [record] = desk.records(topic, said(event="opened"))
    assert CARD not in repr(record)
    told = msgspec.json.decode(record.value, type=Quarantined)
    assert told.topic is None
    assert unseal(desk.keys, told)[0] == topic


def test_a_reason_never_repeats_a_value(desk: Desk):
    for payload in (
        said(event=CARD),
        said(event="grant", **{CARD: 1}),
        said(event="grant", card=int(CARD)),
        said(event="grant", direction=CARD),
        CARD,
    ):
        for record in desk.records(GATE, payload):
            assert CARD.encode() not in record.value
            assert CARD not in repr(record.headers)


def test_what_is_too_long_is_kept_in_part(desk: Desk):
    [record] = desk.records(METER, b"x" * 60_000)
    told = msgspec.json.decode(record.value, type=Quarantined)
    assert (told.reason, told.size, told.cut) == ("longer than 16 KiB", 60_000, True)
    assert unseal(desk.keys, told)[1] == b"x" * 16_384


def test_sealing_is_deterministic_and_hides_the_payload(tmp_path: Path):
    keys = Keys(tmp_path)
    assert seal(keys, "2026-11", METER, b"a") == seal(keys, "2026-11", METER, b"a")
    assert seal(keys, "2026-11", METER, b"a")[0] != seal(keys, "2026-10", METER, b"a")[0]


@pytest.mark.parametrize(
    ("month", "end"), [("2026-10", "2026-11-01T03:00+08:00"), ("2026-12", "2027-01-01T03:00+08:00")]
)
def test_a_month_ends_with_the_reset_of_the_next(month: str, end: str):
    assert SHANGHAI.end(month) == parse(end)
    assert (SHANGHAI.of(parse(end) - 1), SHANGHAI.of(parse(end))) == (month, SHANGHAI.of(SHANGHAI.end(month)))


def test_who_holds_a_destroyed_key_uses_it_no_more(tmp_path: Path):
    held, other = Keys(tmp_path), Keys(tmp_path)
    before = held.get("access", "2026-11")
    other.get("parking", "2026-10")
    assert held.kept() == [("access", "2026-11"), ("parking", "2026-10")]
    other.destroy("access", "2026-11")
    other.destroy("access", "2026-11")
    assert held.kept() == [("parking", "2026-10")]
    with pytest.raises(KeyLost):
        held.find("access", "2026-11")
    assert held.get("access", "2026-11") != before
