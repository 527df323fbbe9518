"""Random but dense stretches of device life for properties: few devices, few minutes, every kind of trouble."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from compound.events import Event, event_id
from compound.registry.file import to_event
from compound.registry.projection import Change
from compound.timeutil import HOUR, MINUTE, SECOND, text

START = 1_790_000_000 * SECOND // (24 * HOUR) * (24 * HOUR) + 4 * HOUR
"""A noon in UTC+8."""

Given = tuple[str, Event]


def message(kind: str, channel: str, device: str, time: int, data: dict[str, Any]) -> Given:
    """The event that ingest makes of a native message."""
    body = msgspec.json.encode({"time": text(time), **data})
    source = f"compound/v1/s/{kind}/{device}"
    return kind, Event(event_id(f"{source}/{channel}", body), source, f"{kind}.{channel}.v1", time, device, body)


def change(kind: str, item: str, since: int, data: dict[str, Any] | None) -> Given:
    """A registry event."""
    return "registry", to_event(Change(kind, item, text(since), data), since)


DAY0 = START - 400 * 24 * HOUR
_SITE = {"timezone": "Asia/Shanghai", "latitude": 36.65, "longitude": 117.0}
PLACES: list[Given] = [
    change("site", "s", DAY0, _SITE),
    change("carpark", "c", DAY0, {"site": "s"}),
    change("spot_class", "short", DAY0, {"limit_s": 1200}),
    change("zone", "yard", DAY0, {"site": "s"}),
    change("zone", "house", DAY0, {"site": "s"}),
    change("point", "p-main", DAY0, {"type": "meter", "site": "s", "medium": "electricity", "role": "main"}),
    change("point", "p-sub", DAY0, {"type": "meter", "site": "s", "medium": "electricity", "parent": "p-main"}),
    change("point", "p-spot", DAY0, {"type": "parking", "site": "s", "carpark": "c", "spot_class": "short"}),
    change("point", "p-spot2", DAY0, {"type": "parking", "site": "s", "carpark": "c"}),
    change(
        "point",
        "p-gate",
        DAY0,
        {"type": "gate", "site": "s", "from_zone": "outside", "to_zone": "yard", "counts_passages": True},
    ),
    change("point", "p-door", DAY0, {"type": "gate", "site": "s", "from_zone": "yard", "to_zone": "house"}),
    change("point", "p-bank", DAY0, {"type": "locker", "site": "s", "cells": {"A1": "S", "A2": "L"}}),
    change(
        "point", "p-inv", DAY0, {"type": "inverter", "site": "s", "plant": "roof", "p0_w": 20000, "parent": "p-main"}
    ),
    change("point", "p-sky", DAY0, {"type": "weather", "site": "s", "plant": "roof"}),
]
_METER = {"kind": "meter", "site": "s", "rated_w": 10_000, "digits": 6, "step": 100}
DEVICES: list[Given] = [
    change("device", "m1", DAY0, {**_METER, "point": "p-main"}),
    change("device", "m2", DAY0, {**_METER, "point": "p-sub", "ct": "2"}),
    change("device", "s1", DAY0, {"kind": "parking", "site": "s", "point": "p-spot", "heartbeat_limit_s": 600}),
    change("device", "s2", DAY0, {"kind": "parking", "site": "s", "point": "p-spot2"}),
    change("device", "g1", DAY0, {"kind": "gate", "site": "s", "point": "p-gate"}),
    change("device", "g2", DAY0, {"kind": "gate", "site": "s", "point": "p-door"}),
    change("device", "l1", DAY0, {"kind": "locker", "site": "s", "point": "p-bank"}),
    change("device", "i1", DAY0, {"kind": "inverter", "site": "s", "point": "p-inv", "rated_w": 20000}),
    change("device", "w1", DAY0, {"kind": "weather", "site": "s", "point": "p-sky"}),
]
"""Registered late in some examples: their points wait until then."""

ALTERATIONS: list[Given] = [
    change("device", "m2", START + 7 * MINUTE, {**_METER, "point": "p-sub", "ct": "4"}),
    change(
        "replacement",
        "r1",
        START,
        {
            "device": "m1", "register": "import_wh", "removed_at": text(START + 50 * MINUTE), "final": 5_000,
            "installed_at": text(START + 55 * MINUTE), "start": 100,
        },
    ),
    change("device", "s1", START + 30 * MINUTE, {"kind": "parking", "site": "s", "point": "p-spot2"}),
    change("spot_class", "short", START + 20 * MINUTE, {"limit_s": 300}),
    change("device", "g1", START + 40 * MINUTE, None),
    change("device", "l1", START + 3 * HOUR, {"kind": "locker", "site": "s", "point": None}),
]  # fmt: skip
"""Changes of what is registered, each of which makes stretches stale."""

_seq = st.integers(0, 3)


@st.composite
def meters(draw: st.DrawFn) -> Given:
    """A register reading on a quarter grid with some odd minutes; values that fit, jump, wrap or stand."""
    slot = draw(st.integers(0, 40))
    time = START + slot * 5 * MINUTE + draw(st.sampled_from((0, 0, 0, 7 * SECOND)))
    base = draw(st.sampled_from((0, 0, 0, 0, 50_000, -3_000)))
    value = max(0, 1_000 + slot * 200 + base + draw(st.sampled_from((0, 0, 100)))) % 100_000_000
    data: dict[str, Any] = {"boot": 1, "seq": draw(_seq), "import_wh": value}
    if draw(st.integers(0, 9)) == 0:
        data["serial"] = "new"
    return message("meter", "reading", draw(st.sampled_from(("m1", "m2"))), time, data)


@st.composite
def spots(draw: st.DrawFn) -> Given:
    """A change or heartbeat; some states are held under 30 s, some gaps are longer than the heartbeat's limit."""
    time = START + draw(st.integers(0, 120)) * MINUTE + draw(st.sampled_from((0, 10, 25))) * SECOND
    data = {"boot": 1, "seq": draw(_seq), "state": draw(st.sampled_from(("occupied", "free")))}
    channel = draw(st.sampled_from(("event", "reading")))
    return message("parking", channel, draw(st.sampled_from(("s1", "s2"))), time, data)


_GATE = (
    "grant",
    "grant",
    "opened",
    "opened",
    "passage",
    "closed",
    "closed",
    "exit_request",
    "duress",
    "released",
    "secured",
)


@st.composite
def gates(draw: st.DrawFn) -> Given:
    """A door's event; seconds close enough that owning, forcing and holding compete."""
    time = START + draw(st.integers(0, 4)) * HOUR + draw(st.integers(0, 90)) * SECOND
    kind = draw(st.sampled_from(_GATE))
    data: dict[str, Any] = {"boot": 1, "seq": draw(_seq), "event": kind}
    if kind in ("grant", "duress"):
        data["card"] = f"tok:access:2026-09:{draw(st.sampled_from('ab')) * 32}"
    if kind in ("grant", "passage", "exit_request"):
        data["direction"] = draw(st.sampled_from(("in", "out")))
    return message("gate", "event", draw(st.sampled_from(("g1", "g2"))), time, data)


@st.composite
def lockers(draw: st.DrawFn) -> Given:
    """A cell's event."""
    time = START + draw(st.integers(0, 300)) * MINUTE
    kind = draw(st.sampled_from(("reserved", "opened", "closed", "opened", "closed", "fault", "repaired", "cancelled")))
    data: dict[str, Any] = {"boot": 1, "seq": draw(_seq), "event": kind, "cell": draw(st.sampled_from(("A1", "A2")))}
    if kind == "opened":
        data["purpose"] = draw(st.sampled_from(("deposit", "pickup", "retrieval", "service")))
    if kind == "closed":
        data["present"] = draw(st.booleans())
    return message("locker", "event", "l1", time, data)


@st.composite
def inverters(draw: st.DrawFn) -> Given:
    """A reading of an acc32 counter near its wrap, with states and faults."""
    slot = draw(st.integers(0, 40))
    counter = (2**32 - 2_000 + slot * 150) % 2**32
    data = {
        "boot": 1, "seq": draw(_seq), "energy_wh": draw(st.sampled_from((counter, counter, 0))), "power_w": 1800,
        "state": draw(st.sampled_from((4, 4, 5, 7))), "evt1": draw(st.sampled_from((0, 0, 1, 129))),
    }  # fmt: skip
    return message("inverter", "reading", "i1", START + slot * 5 * MINUTE, data)


@st.composite
def weather(draw: st.DrawFn) -> Given:
    """Irradiance of the plane."""
    time = START + draw(st.integers(0, 40)) * 5 * MINUTE
    return message(
        "weather", "reading", "w1", time, {"boot": 1, "seq": draw(_seq), "poa_w_m2": draw(st.integers(0, 1000))}
    )


BY_DOMAIN = {
    "energy": st.one_of(meters(), inverters()),
    "parking": spots(),
    "access": gates(),
    "parcels": lockers(),
    "solar": st.one_of(inverters(), weather()),
}
