"""Events: attributes as headers and back, ids of messages, old versions brought up to the newest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from compound import events
from compound.events import Event, event_id, from_stored, to_record, upcast, upcaster
from compound.log.port import Stored
from compound.timeutil import parse, text

EVENT = Event("i", "compound/v1/s/meter/m", "meter.reading.v1", 1_700_000_000_000_001, "m", b'{"a":1}')


def stored(event: Event, **headers: bytes | None) -> Stored:
    record = to_record("meter", event)
    kept = {**dict(record.headers), **headers}
    pairs = tuple((name, value) for name, value in kept.items() if value is not None)
    return Stored("meter", 2, 1, 7, 9, record.key, pairs, record.value)


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two upcasters: v1 -> v2 renames a field, v2 -> v3 adds one."""
    monkeypatch.setattr(events, "UPCASTERS", {})

    @upcaster("meter.reading.v1", "meter.reading.v2")
    def rename(data: dict[str, Any]) -> dict[str, Any]:
        return {"b": data["a"]}

    @upcaster("meter.reading.v2", "meter.reading.v3")
    def add(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "c": True}


def test_an_event_comes_back_as_it_went_in() -> None:
    found = from_stored(stored(EVENT))
    assert found.event == EVENT
    assert (found.topic, found.generation, found.partition, found.offset, found.recorded) == ("meter", 2, 1, 7, 9)


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_time", "ce_subject"])
def test_a_record_without_an_attribute_is_no_event(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        from_stored(stored(EVENT, **{name: None}))


def test_the_id_is_of_the_topic_and_the_element() -> None:
    ids = {event_id(topic, element) for topic in ("a/b", "a/c") for element in (b"{}", b"{ }")}
    assert len(ids) == 4
    assert event_id("a/b", b"{}") in ids


@pytest.mark.usefixtures("versions")
def test_old_versions_are_read_as_the_newest() -> None:
    """One version at a time; what the log holds stays as it was written."""
    assert msgspec.json.decode(from_stored(stored(EVENT)).event.data) == {"b": 1, "c": True}
    assert from_stored(stored(EVENT)).event.type == "meter.reading.v3"
    second = msgspec.structs.replace(EVENT, type="meter.reading.v2", data=b'{"b":2}')
    assert msgspec.json.decode(upcast(second).data) == {"b": 2, "c": True}
    newest = msgspec.structs.replace(EVENT, type="meter.reading.v3")
    assert upcast(newest) is newest
    assert stored(EVENT).value == EVENT.data


@pytest.mark.usefixtures("versions")
def test_a_version_has_one_way_up() -> None:
    with pytest.raises(ValueError, match="already has an upcaster"):
        upcaster("meter.reading.v1", "meter.reading.v4")(lambda data: data)


def test_times_of_no_year_are_none() -> None:
    """They would pass as numbers, and fail wherever they are written."""
    assert text(parse("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00Z"
    for end in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(ValueError, match="calendar"):
            parse(end)
