"""Other vendors' formats on the same plug-in point."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compound.quarantine import unseal
from tests.support.intake import Desk

DLT = "dlt645/v1/demo/gw-1/data"
SUN = "sunspec/v1/demo/inv-1/data"
TIME = "2026-11-02T07:59:00Z"


def meter(**items: str) -> dict[str, Any]:
    return {"addr": "000000000123", "time": TIME, "boot": 1, "seq": 5, "items": items}


def gateway(*meters: Any) -> dict[str, Any]:
    return {"gateway": "gw-1", "time": TIME, "meters": list(meters)}


def inverter(**registers: int) -> dict[str, Any]:
    return {"time": TIME, "boot": 1, "seq": 5, "model": 103, "registers": registers}


def test_a_gateways_meters_become_readings(desk: Desk):
    sent = gateway(meter(**{"00010000": "123456.78", "00020000": "0.00", "00000000": "123456.78"}))
    [event] = desk.judge(DLT, sent)[0]
    assert (event.source, event.type, event.subject) == ("dlt645/v1/demo/gw-1", "meter.reading.v1", "000000000123")
    assert json.loads(event.data) == {"time": TIME, "boot": 1, "seq": 5, "import_wh": 123_456_780, "export_wh": 0}


@given(st.integers(0, 10**14))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_watt_hour_of_a_register_is_exact(desk: Desk, watt_hours: int):
    kwh = str(Decimal(watt_hours) / 1000) if watt_hours % 7 else f"{watt_hours // 1000}.{watt_hours % 1000:03d}"
    if "E" in kwh:
        kwh = f"{Decimal(kwh):f}"
    [data] = desk.good(DLT, gateway(meter(**{"00010000": kwh})))
    assert data["import_wh"] == watt_hours


@pytest.mark.parametrize(
    ("kwh", "reason"),
    [
        ("1.0005", "finer than a watt-hour"),
        ("-1.00", "wrong value"),
        ("1e3", "wrong value"),
        ("NaN", "wrong value"),
        ("", "wrong value"),
        ("1,5", "wrong value"),
        ("١", "wrong value"),
    ],
)
def test_kwh_that_cannot_be_held_exactly_is_refused(desk: Desk, kwh: str, reason: str):
    assert desk.reasons(DLT, gateway(meter(**{"00010000": kwh}))) == [reason]


def test_combined_active_energy_alone_says_nothing(desk: Desk):
    assert desk.reasons(DLT, gateway(meter(**{"00000000": "1.00"}))) == ["says nothing"]


def test_a_bad_meter_does_not_hold_back_the_good_and_can_be_retried_alone(desk: Desk):
    good, bad = meter(**{"00010000": "1.00"}), meter(**{"00010000": "1.0001"})
    events, [told] = desk.judge(DLT, gateway(good, bad))
    assert len(events) == 1
    assert (told.index, told.topic) == (1, DLT)
    topic, payload = unseal(desk.keys, told)
    assert topic == DLT
    assert desk.reasons(topic, payload) == ["finer than a watt-hour"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (gateway(), "empty payload"),
        ({**gateway(meter()), "gateway": "gw-2"}, "wrong value"),
        (b"[]", "wrong type"),
        (gateway({**meter(**{"00010000": "1.00"}), "time": "2026-11-02T09:00:00Z"}), "time in the future"),
    ],
)
def test_a_gateways_other_mistakes(desk: Desk, payload: Any, reason: str):
    assert desk.reasons(DLT, payload) == [reason]


def test_scale_factors_are_exact(desk: Desk):
    registers = {"W": 523, "W_SF": 1, "WH": 1234567, "WH_SF": 0, "St": 4, "Evt1": 0, "DCW": 5411, "DCW_SF": -1}
    [data] = desk.good(SUN, inverter(**registers))
    assert data == {
        "time": TIME,
        "boot": 1,
        "seq": 5,
        "energy_wh": 1234567,
        "power_w": 5230,
        "dc_power_w": 541,
        "state": 4,
        "evt1": 0,
    }


@given(before=st.integers(1, 2**32 - 1), gained=st.integers(0, 10**6), exponent=st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_scaled_counter_gains_the_right_energy_over_its_wrap(desk: Desk, before: int, gained: int, exponent: int):
    after = (before + gained) % 2**32
    if 0xFFFFFFFF in (before, after):
        return  # not implemented
    [first] = desk.good(SUN, inverter(WH=before, WH_SF=exponent))
    [second] = desk.good(SUN, inverter(WH=after, WH_SF=exponent))
    assert (second["energy_wh"] - first["energy_wh"]) % 2**32 == gained * 10**exponent


@pytest.mark.parametrize(
    ("registers", "field"),
    [
        ({"W": -0x8000, "St": 4}, "power_w"),
        ({"W": 0x8000, "St": 4}, "power_w"),
        ({"W": 5, "W_SF": -0x8000, "St": 4}, "power_w"),
        ({"WH": 0xFFFFFFFF, "St": 4}, "energy_wh"),
        ({"Evt1": 0xFFFFFFFF, "St": 4}, "evt1"),
        ({"St": 0xFFFF, "W": 1}, "state"),
    ],
)
def test_what_an_inverter_does_not_implement_is_absent(desk: Desk, registers: dict[str, int], field: str):
    [data] = desk.good(SUN, inverter(**registers))
    assert field not in data


@pytest.mark.parametrize(
    ("registers", "reason"),
    [
        ({"WH": 5, "WH_SF": -1}, "finer than a watt-hour"),
        ({"WH": 5, "WH_SF": 11}, "out of range"),
        ({"W": 5, "W_SF": 30000}, "out of range"),
        ({"St": 9}, "out of range"),
        ({"WH": -1}, "out of range"),
        ({}, "says nothing"),
        ({"A": 12}, "says nothing"),
    ],
)
def test_registers_that_are_refused(desk: Desk, registers: dict[str, int], reason: str):
    assert desk.reasons(SUN, inverter(**registers)) == [reason]
