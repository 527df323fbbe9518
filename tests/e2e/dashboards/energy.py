"""Overview and energy against `/v1/energy`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.e2e.dashboards.answers import CLOCK, QUARTER, ZONE, Answers, Check, column, mean, named, one, same, total
from tests.support.grafana import Frame


def load(api: Answers, frames: Sequence[Frame]) -> None:
    """Mean power by quarter hours that are over; marked where it is not measured throughout."""
    found = frames[0].series()
    curve, marked = found["负荷 load"], found["估算或不全 estimated or incomplete"]
    items = api.energy("site", api.site, "quarter")
    assert set(curve) >= {start for start in items if start + QUARTER <= api.until}
    expected = {start: None if items[start]["wh"] is None else items[start]["wh"] * 4.0 for start in curve}
    same(curve, expected)
    doubted = {start for start in curve if items[start]["quality"] != "measured" or items[start]["coverage"] < 0.95}
    same(marked, {start: expected[start] if start in doubted else None for start in curve})
    assert any(value is not None for value in marked.values()), "the demo has estimated quarter hours"


def used(since: str, medium: str | None = None, divisor: int = 1) -> Check:
    """Use of the site since the beginning of the day or month."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        start = api.day()
        if since == "month":
            start = start.astimezone(ZONE).replace(day=1).astimezone(start.tzinfo)
        item = api.energy("site", api.site, since, medium, **api.span(start))[start]
        same(one(frames[0], "used"), quantity(item, divisor))
        same(one(frames[0], "coverage"), item["coverage"], CLOCK)

    return check


def by(group: str) -> Check:
    """Use by day of each building or department."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        same(frames[0].series(), days(api, group))

    return check


def medium(name: str, divisor: int) -> Check:
    """Another medium, of the site and of the buildings that have it."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        site = api.energy("site", api.site, "day", name)
        same(frames[0].series(), {"全院 site": {start: quantity(item, divisor) for start, item in site.items()}})
        known = {
            who: {start: value for start, value in found.items() if value is not None}
            for who, found in days(api, "building", name, divisor).items()
        }
        same(frames[1].series(), {who: found for who, found in known.items() if found})

    return check


def days(api: Answers, group: str, medium: str | None = None, divisor: int = 1) -> dict[str, dict[datetime, Any]]:
    """Name -> day -> quantity."""
    return {
        name: {start: quantity(item, divisor) for start, item in api.energy(group, id_, "day", medium).items()}
        for id_, name in api.labels(group).items()
    }


def quantity(item: Mapping[str, Any], divisor: int = 1) -> Any:
    """Wh, or litres; divided where the panel shows m³."""
    value = item["wh"] if "wh" in item else item["l"]
    return value if value is None or divisor == 1 else value / divisor


def quality(api: Answers, frames: Sequence[Frame]) -> None:
    """Coverage of the days by their length, the share that is estimated, the most meters missing on a day."""
    items = api.energy("site", api.site, "day")
    lasted = {start: min(timedelta(days=1), api.until - start).total_seconds() for start in items}
    coverage = sum(item["coverage"] * lasted[start] for start, item in items.items()) / sum(lasted.values())
    same(one(frames[0], "coverage"), coverage, CLOCK)
    estimated = sum(
        item["estimated_share"] * item["wh"] for item in items.values() if item["estimated_share"] is not None
    )
    same(one(frames[0], "estimated"), estimated / sum(item["wh"] for item in items.values()))
    same(one(frames[0], "incomplete meters"), max(item["incomplete_meters"] for item in items.values()))


def balance(api: Answers, frames: Sequence[Frame]) -> None:
    """The main meter's balance by day; export counts downwards."""
    items = api.get("/v1/energy/balance/p-main", by="day", **api.span())["items"]
    found = frames[0]
    assert column(found, "time") == [datetime.fromisoformat(item["start"]) for item in items]
    for name in ("import", "generation", "storage", "residual"):
        same(column(found, name), [item[name] for item in items])
    same(column(found, "export"), [None if item["export"] is None else -item["export"] for item in items])


def meters(api: Answers, frames: Sequence[Frame]) -> None:
    """Each meter's days in the range, summed."""
    found = frames[0]
    devices = column(found, "meter")
    assert len(devices) == len(set(devices)) > 40
    for device in devices[:5] + devices[-5:]:
        items = api.energy("meter", device, "day").values()
        row = devices.index(device)
        same(column(found, "used")[row], total(item["wh"] for item in items))
        whole = sum(abs(item["wh"]) for item in items if item["wh"] is not None)
        unsure = sum(item["wh"] * item["estimated_share"] for item in items if item["estimated_share"] is not None)
        same(column(found, "estimated")[row], unsure / whole if whole else None)


def by_hour(api: Answers, frames: Sequence[Frame]) -> None:
    """Four quarter hours each; empty where one is covered by less than 95 %."""
    hours: dict[tuple[datetime, str], list[Any]] = defaultdict(list)
    for start, item in api.energy("site", api.site, "quarter").items():
        if start + QUARTER <= api.until:
            hours[api.day(start), f"{start.astimezone(ZONE):%H}:00"].append(item)
    expected = {
        key: sum(item["wh"] for item in items) if min(item["coverage"] for item in items) >= 0.95 else None
        for key, items in hours.items()
    }
    same({(row["time"], row["metric"]): row["value"] for row in frames[0].rows}, expected)


def calendar(api: Answers, frames: Sequence[Frame]) -> None:
    """Days in the columns of their weeks."""
    expected = {}
    for start, item in api.energy("site", api.site, "day").items():
        weekday = start.astimezone(ZONE).isoweekday()
        monday = api.day(start.astimezone(ZONE) - timedelta(days=weekday - 1))
        expected[monday, str(weekday)] = item["wh"] if item["coverage"] >= 0.95 else None
    same({(row["time"], row["metric"][0]): row["value"] for row in frames[0].rows}, expected)


def base_load(api: Answers, frames: Sequence[Frame]) -> None:
    """Mean power at night and in office hours."""
    found, expected = frames[0].series(), powers(api, "site", api.site)
    same(found["夜间 0–5h night"], {day: night for day, (night, _, _) in expected.items()})
    same(found["办公 8–18h office hours"], {day: office for day, (_, office, _) in expected.items()})


def night_and_weekend(api: Answers, frames: Sequence[Frame]) -> None:
    """Shares of office hours and of working days."""
    exceptions = {day: works for item in api.registered("calendar").values() for day, works in item["working"].items()}
    for id_, name in api.labels("building").items():
        days = powers(api, "building", id_)
        local = {day: day.astimezone(ZONE).date() for day in days}
        works = {day: exceptions.get(date.isoformat(), date.weekday() < 5) for day, date in local.items()}
        office = mean(days[day][1] for day in days if works[day])
        working = mean(days[day][2] for day in days if works[day])
        night, free = mean(night for night, _, _ in days.values()), mean(days[day][2] for day in days if not works[day])
        (row,) = [row for row in frames[0].rows if row["building"] == name]
        same(row["夜间 night"], night / office if night is not None and office else None)
        same(row["休息日 days off"], free / working if free is not None and working else None)


def powers(api: Answers, group: str, id_: str) -> dict[datetime, tuple[float | None, float | None, float | None]]:
    """Local day -> mean power at night, in office hours, all day; None unless all of its quarter hours are known."""
    hours: dict[datetime, list[tuple[int, Any]]] = defaultdict(list)
    for start, item in api.energy(group, id_, "quarter").items():
        known = item["wh"] if item["coverage"] >= 0.95 else None
        hours[api.day(start)].append((start.astimezone(ZONE).hour, known))

    def power(quarters: list[tuple[int, Any]], begin: int, end: int) -> float | None:
        values = [wh for hour, wh in quarters if begin <= hour < end and wh is not None]
        return sum(values) * 4 / len(values) if len(values) == (end - begin) * 4 else None

    return {day: (power(q, 0, 5), power(q, 8, 18), power(q, 0, 24)) for day, q in hours.items()}


def by_day(api: Answers, frames: Sequence[Frame]) -> None:
    """Use of the site, and what the plant yielded beside it."""
    same(
        frames[0].series()["用电 used"],
        {start: item["wh"] for start, item in api.energy("site", api.site, "day").items()},
    )
    same(frames[1].series()["光伏 solar"], yields(api))


def yields(api: Answers) -> dict[datetime, int]:
    """Yield by local day that begins in the range, where there was any reading."""
    items = api.get(f"/v1/solar/{api.plant}", by="day", **api.span())["items"]
    return {datetime.fromisoformat(item["start"]): item["wh"] for item in items if item["wh"] is not None}


def solar_today(api: Answers, frames: Sequence[Frame]) -> None:
    """Yield and self-consumption since midnight."""
    sums = api.get(f"/v1/solar/{api.plant}", by="day", **api.span(api.day()))["total"]
    same(one(frames[0], "yield"), sums["wh"])
    same(one(frames[0], "self-consumption"), sums["self_consumption"])


def devices(api: Answers, frames: Sequence[Frame]) -> None:
    """Registered devices that live, and those that don't."""
    states = [item["state"] for item in api.items("/v1/devices", site=api.site) if item["registered"]]
    same(one(frames[0], "alive"), states.count("alive"))
    same(one(frames[0], "lost"), len(states) - states.count("alive"))


def quotas(api: Answers, frames: Sequence[Frame]) -> None:
    """Used of the year's budget, by department."""
    names = api.labels("department")
    expected = {names[item["department"]]: item["total"]["used"] for item in api.items("/v1/quotas")}
    same(named(frames[0]), expected)


CHECKS: dict[str, Check] = {
    "overview: Electricity today": used("day"),
    "overview: Electricity this month": used("month"),
    "overview: Solar today": solar_today,
    "overview: Water today": used("day", "water", 1000),
    "overview: Devices": devices,
    "overview: Load": load,
    "overview: Quotas of the year, used": quotas,
    "overview: Electricity by day": by_day,
    "energy: Load curve": load,
    "energy: Quality of the data": quality,
    "energy: Electricity by building": by("building"),
    "energy: Electricity by department": by("department"),
    "energy: Where it went": balance,
    "energy: Electricity by meter": meters,
    "energy: Heat map by hour": by_hour,
    "energy: Calendar heat map": calendar,
    "energy: Base load at night": base_load,
    "energy: Night and weekend by building": night_and_weekend,
    "energy: Water": medium("water", 1000),
    "energy: Gas": medium("gas", 1000),
    "energy: Heat": medium("heat", 1),
}
