"""The registry refuses what could not be judged or kept, and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compound.registry.file import FileError, differences, read
from compound.registry.projection import Change, check
from compound.registry.timeline import FOREVER, build
from compound.timeutil import parse

METER = {"kind": "meter", "site": "s", "point": "p", "rated_w": 1000}
SITE = {"latitude": 36.0, "longitude": 117.0}
FROM = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("device", {**METER, "rated_w": None}, "needs rated_w"),
        ("device", {**METER, "rated_l_h": 5}, "needs rated_w"),
        ("device", {**METER, "ct": "abc"}, "ct"),
        ("device", {**METER, "ct": "0.0"}, "ct"),
        ("device", {**METER, "rated_w": 2**63}, "rated_w"),
        ("device", {**METER, "digits": 0}, "digits"),
        ("device", {**METER, "serial": "a\0b"}, "NUL"),
        ("device", {**METER, "colour": "red"}, "colour"),
        ("device", {**METER, "kind": "toaster"}, "toaster"),
        ("site", {**SITE, "timezone": "Mars/North"}, "Mars/North"),
        ("site", {**SITE, "reset_hour": 24}, "reset_hour"),
        ("device", {**METER, "silence_s": 2**31}, "silence_s"),
        ("device", {**METER, "channel_silence_s": {"reading": 2**40}}, "channel_silence_s"),
        ("device", {"kind": "parking", "site": "s", "point": "p", "heartbeat_limit_s": 2**50}, "heartbeat_limit_s"),
        ("spot_class", {"limit_s": 2**50}, "limit_s"),
        ("castle", {}, "castle"),
        ("replacement", {"device": "m", "register": "import_wh", "removed_at": "yesterday"}, "final"),
        ("choice", {"device": "m", "register": "r", "time": "noon", "value": 1, "reason": "r"}, "noon"),
        (
            "choice",
            {"device": "m", "register": "r", "time": "0001-01-01T00:00:00+14:00", "value": 1, "reason": "r"},
            "calendar",
        ),
        ("quota", {"department": "d", "year": 2026, "medium": "water", "budget": 1, "weights": ["1"]}, "weights"),
    ],
)
def test_a_wrong_item_is_refused_with_its_reason(kind: str, data: dict[str, Any], says: str) -> None:
    """ValueError (msgspec's own is one) that names what is wrong."""
    with pytest.raises(ValueError, match=says):
        check(Change(kind, "x", FROM, data))


def test_versions_bound_each_other_whatever_their_order() -> None:
    """An item holds from its `from` until the next version, or its removal."""
    rows = [
        ("device", "m", 20, None),
        ("site", "s", 0, SITE),
        ("device", "m", 10, {**METER, "ct": "2"}),
        ("device", "m", 0, METER),
    ]
    known = build(rows)
    assert [(v.since, v.until) for v in known.versions("device", "m")] == [(0, 10), (10, 20), (20, FOREVER)]
    assert [known.at("device", "m", time) and known.at("device", "m", time).ct for time in (-1, 0, 9, 10, 19, 20)] == [
        None, "1", "1", "2", "2", None,
    ]  # fmt: skip


def test_spans_and_placements_follow_device_and_point() -> None:
    """A change of parameters is a new placement of one span; another point is another span; a wrong kind is none."""
    place = {"type": "meter", "site": "s", "medium": "electricity"}
    rows = [
        *(("point", name, 0, place) for name in ("p", "q")),
        ("device", "m", 10, METER), ("device", "m", 20, {**METER, "ct": "2"}), ("device", "m", 30, {**METER, "point": "q"}),
        ("point", "p", 25, {**place, "department": "d"}),
    ]  # fmt: skip
    known = build(rows)
    assert [(p.since, p.until, p.point_id) for p in known.placements("m")] == [
        (10, 20, "p"), (20, 25, "p"), (25, 30, "p"), (30, FOREVER, "q"),
    ]  # fmt: skip
    assert [tuple(span) for span in known.spans("m", "meter")] == [(10, 30, "p"), (30, FOREVER, "q")]
    assert known.spans("m", "gate") == []
    assert known.placement("m", 9) is None


def test_a_file_is_compared_with_what_holds(tmp_path: Path) -> None:
    """Local midnight of the site's zone; only what differs is a difference."""
    file = tmp_path / "compound.yaml"
    file.write_text(
        "from: 2026-01-01\nsite: {s: {latitude: 36, longitude: 117}}\ndevice:\n"
        "  m: [{kind: meter, site: s, point: p, rated_w: 1000}, {from: '2026-02-01T10:00:00+08:00', removed: true}]\n"
    )
    changes = read(file)
    assert [change.since for change in changes] == [
        "2025-12-31T16:00:00Z",
        "2025-12-31T16:00:00Z",
        "2026-02-01T02:00:00Z",
    ]
    held = build([("device", "m", parse("2025-12-31T16:00:00Z"), {**METER, "ct": "2"})])
    found = differences(changes, held)
    assert [(d.change.kind, d.change.data is None) for d in found] == [
        ("site", False),
        ("device", False),
        ("device", True),
    ]
    assert found[1].fields == {"ct": ("2", None)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("devices: {}", "Unknown section 'devices'"),
        ("- 1", "mapping"),
        ("device: {m: {kind: meter}}", "needs a `from`"),
        ("from: 2026-01-01\nsite: {s: {timezone: Mars/North}}", "Mars/North"),
        (
            "from: 2026-01-01\npoint: {p: {type: gate, site: s, from_zone: a, to_zone: b}}\n"
            "device: {m: {kind: meter, site: s, point: p, rated_w: 1}}",
            "can't sit at point p",
        ),
        ("a: [", "no YAML"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, text: str, says: str) -> None:
    """FileError with the section and item."""
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(FileError, match=says):
        read(file)
