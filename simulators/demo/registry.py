"""The demo compound as a registry file. `python -m simulators.demo.registry` writes compound.yaml anew."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
import yaml

from simulators.demo import places
from simulators.demo.meters import METERS, Meter

FILE = Path(__file__).with_name("compound.yaml")
FROM = "2026-01-01"
YEARS = (2026, 2027)

Items = dict[str, dict[str, Any]]


def _name(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {key: value for key, value in fields.items() if value is not None}


def compound() -> dict[str, Any]:
    """The whole demo compound: section -> id -> item, as `compound apply` reads it."""
    return {
        "from": FROM,
        "site": {
            places.SITE: {
                "name": _name("演示大院", "Demo compound"),
                "timezone": places.ZONE,
                "latitude": places.LATITUDE,
                "longitude": places.LONGITUDE,
                "altitude_m": places.ALTITUDE_M,
            }
        },
        "building": {
            key: {"name": _name(zh, en), "site": places.SITE, "area_m2": area}
            for key, (zh, en, area) in places.BUILDINGS.items()
        },
        "department": {
            key: {"name": _name(zh, en), "site": places.SITE, "area_m2": area, "headcount": heads}
            for key, (zh, en, area, heads, _) in places.DEPARTMENTS.items()
        },
        "zone": {key: {"name": _name(*names), "site": places.SITE} for key, names in places.ZONES.items()},
        "carpark": {key: {"name": _name(*names), "site": places.SITE} for key, names in places.CARPARKS.items()},
        "spot_class": {
            key: {"name": _name(zh, en), "limit_s": limit} for key, (zh, en, limit) in places.SPOT_CLASSES.items()
        },
        "point": _points(),
        "device": _devices(),
        "quota": _quotas(),
        "calendar": _calendars(),
        "retention": {
            category: {"days": days, "source": "demo figures; PIPL art. 19: the shortest necessary"}
            for category, days in {"access": 180, "parking": 90, "parcels": 90, "quarantine": 90}.items()
        },
    }


def _points() -> Items:
    meters = {
        meter.point: _given(
            type="meter",
            name=_name(meter.zh, meter.en),
            site=places.SITE,
            medium=meter.medium,
            role=meter.role,
            parent=meter.parent and f"p-{meter.parent}",
            building=meter.building,
            department=meter.department,
        )
        for meter in METERS
    }
    inverters = {
        f"p-{device}": {
            "type": "inverter",
            "name": _name(f"逆变器{device[4:]}", f"Inverter {device[4:]}"),
            "site": places.SITE,
            "building": "b1" if device <= "inv-4" else "b2",
            "plant": places.PLANT,
            "parent": places.MAIN,
            "p0_w": places.P0_W,
            "tilt_deg": places.TILT_DEG,
            "azimuth_deg": places.AZIMUTH_DEG,
        }
        for device in places.INVERTERS
    }
    weather = {
        f"p-{places.WEATHER}": {
            "type": "weather",
            "name": _name("气象站", "Weather station"),
            "site": places.SITE,
            "plant": places.PLANT,
        }
    }
    doors = {
        door.point: _given(
            type="gate",
            name=_name(door.zh, door.en),
            site=places.SITE,
            building=door.building,
            from_zone=door.outer,
            to_zone=door.inner,
            counts_passages=door.counts or None,
        )
        for door in places.DOORS.values()
    }
    banks = {
        f"p-{bank}": {"type": "locker", "name": _name(zh, en), "site": places.SITE, "cells": dict(places.CELLS)}
        for bank, (zh, en) in places.BANKS.items()
    }
    spots = {
        spot.point: {"type": "parking", "site": places.SITE, "carpark": spot.carpark, "spot_class": spot.kind}
        for spot in places.SPOTS.values()
    }
    return meters | inverters | weather | doors | banks | spots


def meter_device(meter: Meter) -> dict[str, Any]:
    """The registry's item of a meter."""
    power = meter.medium in ("electricity", "heat")
    return _given(
        kind="meter",
        site=places.SITE,
        point=meter.point,
        silence_s=2700,
        rated_w=meter.rated if power else None,
        rated_l_h=None if power else meter.rated,
        digits=meter.digits,
        step=meter.step,
        ct=meter.ct if meter.ct != "1" else None,
        unit=meter.unit if meter.unit != "1" else None,
        serial=meter.serial,
    )


def _devices() -> Items:
    meters = {meter.device: meter_device(meter) for meter in METERS}
    inverters = {
        device: {"kind": "inverter", "site": places.SITE, "point": f"p-{device}", "rated_w": places.RATED_W}
        for device in places.INVERTERS
    }
    weather = {places.WEATHER: {"kind": "weather", "site": places.SITE, "point": f"p-{places.WEATHER}"}}
    gates = {
        door.device: {"kind": "gate", "site": places.SITE, "point": door.point, "silence_s": 2700}
        for door in places.DOORS.values()
    }
    banks = {
        bank: {"kind": "locker", "site": places.SITE, "point": f"p-{bank}", "silence_s": 2700} for bank in places.BANKS
    }
    sensors = {
        spot.device: {
            "kind": "parking",
            "site": places.SITE,
            "point": spot.point,
            "silence_s": places.HEARTBEAT_LIMIT_S,
            "heartbeat_limit_s": places.HEARTBEAT_LIMIT_S,
        }
        for spot in places.SPOTS.values()
    }
    return meters | inverters | weather | gates | banks | sensors


def _quotas() -> Items:
    return {
        f"q-{department}-{year}": _given(
            department=department,
            year=year,
            medium="electricity",
            budget=budget,
            weights=list(places.MONTH_WEIGHTS),
            calendar=f"cn-{year}" if _known(year) else None,
            source="demo figures",
        )
        for year in YEARS
        for department, (*_, budget) in places.DEPARTMENTS.items()
    }


def _known(year: int) -> bool:
    """Whether the holidays of `year` have been published in the installed chinesecalendar."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def _calendars() -> Items:
    return {
        f"cn-{year}": {"year": year, "working": _exceptions(year), "source": "State Council, by chinesecalendar"}
        for year in YEARS
        if _known(year)
    }


def _exceptions(year: int) -> dict[str, bool]:
    """The days of `year` that are not as Monday to Friday would have it."""
    days = (date(year, 1, 1) + timedelta(n) for n in range(366))
    return {
        day.isoformat(): chinese_calendar.is_workday(day)
        for day in days
        if day.year == year and chinese_calendar.is_workday(day) != (day.weekday() < 5)
    }


def dump(registry: dict[str, Any]) -> str:
    """The registry file's text: one line an item, so that a change is one line of a diff."""
    lines = ["# The demo compound. Made by: python -m simulators.demo.registry"]
    for section, content in registry.items():
        if not isinstance(content, dict):
            lines.append(f"{section}: {content}")
            continue
        lines += ["", f"{section}:"]
        lines += [f"  {key}: {_flow(item)}" for key, item in content.items()]
    return "\n".join(lines) + "\n"


def _flow(item: object) -> str:
    return yaml.safe_dump(item, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9).strip()


if __name__ == "__main__":
    FILE.write_text(dump(compound()), encoding="utf-8")
