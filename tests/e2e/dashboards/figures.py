"""Quotas and solar against the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.e2e.dashboards.answers import CLOCK, QUARTER, Answers, Check, column, mean, named, one, same, time, total
from tests.e2e.dashboards.energy import yields
from tests.support.grafana import Frame

STATES = ("unknown", "OFF", "SLEEPING", "STARTING", "MPPT", "THROTTLED", "SHUTTING_DOWN", "FAULT", "STANDBY")
LEVELS = ("notice", "warning", "alarm")


def figures(api: Answers, period: str) -> dict[str, Any]:
    """Department's name -> the figure that holds at the range's end."""
    names, found = api.labels("department"), {}
    for quota in api.items("/v1/quotas"):
        for figure in [quota["total"], *quota["months"]]:
            if figure["period"] == period and time(figure["start"]) <= api.until < time(figure["end"]):
                found[names[quota["department"]]] = figure
    return found


def in_brief(api: Answers, frames: Sequence[Frame]) -> None:
    year = figures(api, "year").values()
    same(one(frames[0], "quotas"), len(year))
    same(one(frames[0], "over"), sum(f["forecast"] is not None and f["forecast"] > f["budget"] for f in year))
    same(one(frames[0], "level"), sum(bool(f["levels"]) for f in year))
    same(one(frames[0], "95 %"), sum(f["marked"] for f in year))


def share(field: str) -> Check:
    """Used, or the forecast, as a share of the year's budget; marked by a sign where coverage is short."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        expected = {
            name + (" ⚠" if figure["marked"] else ""): figure["used"] if field == "used" else of_budget(figure)
            for name, figure in figures(api, "year").items()
        }
        same(named(frames[0]), expected)
        assert any(name.endswith("⚠") for name in expected), "five days are less than 95 % of a year"

    return check


def of_budget(figure: Any) -> float | None:
    return None if figure["forecast"] is None else figure["forecast"] / figure["budget"]


def all_figures(period: str) -> Check:
    """Every figure of a year or month."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        found, expected = frames[0], figures(api, period)
        rows = dict(zip(column(found, "department"), range(len(found.rows)), strict=True))
        assert set(rows) == set(expected)
        for name, figure in expected.items():
            level = max((each["level"] for each in figure["levels"]), key=LEVELS.index, default=None)
            for english, value in {
                "budget": figure["budget"] / 1000,
                "actual": figure["actual"] / 1000,
                " used": figure["used"],
                "pace": figure["pace"],
                "coverage": figure["coverage"],
                "level": level,
                "until": time(figure["until"]),
                "forecast/budget": of_budget(figure),
            }.items():
                columns = column(found, english) if english != "budget" else [row["预算 budget"] for row in found.rows]
                same(columns[rows[name]], value)

    return check


def months(api: Answers, frames: Sequence[Frame]) -> None:
    """Actual and budget of the months that begin in the range, of all departments."""
    actual: dict[datetime, int] = {}
    budget: dict[datetime, int] = {}
    for quota in api.items("/v1/quotas"):
        for figure in quota["months"]:
            start = time(figure["start"])
            if api.since <= start <= api.until:
                actual[start] = actual.get(start, 0) + figure["actual"]
                budget[start] = budget.get(start, 0) + figure["budget"]
    same(frames[0].series(), {"用量 used": actual, "预算 budget": budget})


def levels(api: Answers, frames: Sequence[Frame]) -> None:
    """Levels that were reached in the range."""
    names = api.labels("department")
    expected = {
        (time(level["at"]), names[quota["department"]], figure["period"], level["level"])
        for quota in api.items("/v1/quotas")
        for figure in [quota["total"], *quota["months"]]
        for level in figure["levels"]
        if api.since <= time(level["at"]) <= api.until
    }
    found = frames[0]
    parts = (column(found, name) for name in ("reached", "department", "period", "level"))
    assert set(zip(*parts, strict=True)) == expected


def ranked(api: Answers, size: str | None) -> dict[str, tuple[float, float]]:
    """Department's name -> use of the range's days (for its size), and mean coverage."""
    found = {}
    for id_, data in api.registered("department").items():
        items = api.energy("department", id_, "day").values()
        used = total(item["wh"] for item in items)
        name = api.label("department", id_)
        found[name] = (used / data[size] if size else used, mean(item["coverage"] for item in items) or 0.0)
    return found


def ranking(size: str) -> Check:
    """Use per m² or head; the greatest first."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        expected = {
            name + (" ⚠" if coverage < 0.95 else ""): value for name, (value, coverage) in ranked(api, size).items()
        }
        found = named(frames[0])
        same(found, expected)
        assert list(found.values()) == sorted(found.values(), reverse=True)

    return check


def departments(api: Answers, frames: Sequence[Frame]) -> None:
    expected = ranked(api, None)
    found = frames[0]
    same(
        dict(zip(column(found, "department"), column(found, "used"), strict=True)),
        {n: v for n, (v, _) in expected.items()},
    )
    coverage = dict(zip(column(found, "department"), column(found, "coverage"), strict=True))
    same(coverage, {name: share for name, (_, share) in expected.items()}, CLOCK)


def ratio(field: str, english: str) -> Check:
    """A ratio of the plant over the range, with the share kept."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        sums = api.get(f"/v1/solar/{api.plant}", by="day", **api.span())["total"]
        same(one(frames[0], english), sums[field])
        same(one(frames[0], "kept"), sums[f"{field}_kept"])
        assert sums[field] is not None

    return check


def by_day(**fields: str) -> Check:
    """Ratios by local day: column's English name -> the API's field."""

    def check(api: Answers, frames: Sequence[Frame]) -> None:
        items = api.get(f"/v1/solar/{api.plant}", by="day", **api.span())["items"]
        assert column(frames[0], "time") == [time(item["start"]) for item in items]
        for english, field in fields.items():
            same(column(frames[0], english.replace("_", "-")), [item[field] for item in items])

    return check


def yielded(api: Answers, frames: Sequence[Frame]) -> None:
    same(one(frames[0], "yield"), sum(yields(api).values()))


def yield_by_day(api: Answers, frames: Sequence[Frame]) -> None:
    same(frames[0].series()["发电 yield"], yields(api))


def power(api: Answers, frames: Sequence[Frame]) -> None:
    """Quarter hours: power, marked where inverters are missing; irradiance and clear sky beside."""
    items = api.get(f"/v1/solar/{api.plant}", by="quarter", **api.span())["items"]
    over = {time(item["start"]): item for item in items if time(item["start"]) + QUARTER <= api.until}
    watts = {start: None if item["wh"] is None else item["wh"] * 4 for start, item in over.items()}
    doubted = {start: watts[start] if over[start]["coverage"] < 1 else None for start in over}
    same(frames[0].series(), {"功率 power": watts, "不全 incomplete": doubted})
    sky = frames[1].series()
    same(sky["辐照 irradiance"], {start: item["poa_w_m2"] for start, item in over.items()})
    same(sky["晴空 clear sky"], {start: item["clear_sky_w_m2"] for start, item in over.items()})


def inverter_states(api: Answers, frames: Sequence[Frame]) -> None:
    """Every lane has the states that the API lists, from the range's start on."""
    found = frames[0].series()
    for device in [id_ for id_, data in api.registered("device").items() if data["kind"] == "inverter"]:
        segments = [s for s in api.items(f"/v1/solar/inverters/{device}/states", **api.span()) if s["kind"] == "state"]
        expected = {max(time(s["start"]), api.since): STATES.index(s["state"]) for s in segments}
        open_until = segments[-1].get("known_until") if segments[-1]["end"] is None else None
        if open_until and time(open_until) < api.until:
            expected[time(open_until)] = 0
        same(found[device], expected)
    assert any(7 in lane.values() for lane in found.values()), "the demo has a fault"


def per_installed(api: Answers, frames: Sequence[Frame]) -> None:
    """Hours: what each inverter yielded for its installed power."""
    points = api.registered("point")
    expected = {}
    for device, data in api.registered("device").items():
        if data["kind"] == "inverter":
            days = api.energy("meter", device, "day")
            point = data["point"]
            expected[api.label("point", point)] = total(item["wh"] for item in days.values()) / points[point]["p0_w"]
    same(named(frames[0]), expected)


def faults(api: Answers, frames: Sequence[Frame]) -> None:
    """Conditions of inverters in the range, the newest first."""
    expected = [(c["subject"], time(c["start"]), time(c["end"])) for c in api.conditions(domain="solar")]
    found = frames[0]
    rows = list(zip(column(found, "device"), column(found, "since"), column(found, "until"), strict=True))
    assert sorted(rows) == sorted(expected)
    assert "ground-fault" in column(found, "faults")


def export_faults(api: Answers, frames: Sequence[Frame]) -> None:
    sums = api.get(f"/v1/solar/{api.plant}", by="day", **api.span())["total"]
    same(one(frames[0], "generation"), sums["export_faults"])


CHECKS: dict[str, Check] = {
    "quotas: In brief": in_brief,
    "quotas: Used": share("used"),
    "quotas: Forecast": share("forecast"),
    "quotas: This year": all_figures("year"),
    "quotas: This month": all_figures("month"),
    "quotas: Months, used and budget": months,
    "quotas: Levels reached": levels,
    "quotas: Per m²": ranking("area_m2"),
    "quotas: Per head": ranking("headcount"),
    "quotas: Departments": departments,
    "solar: Yield": yielded,
    "solar: Performance ratio": ratio("pr", "PR"),
    "solar: Self-consumption": ratio("self_consumption", "self-consumption"),
    "solar: Self-sufficiency": ratio("self_sufficiency", "self-sufficiency"),
    "solar: Performance ratio by day": by_day(PR="pr", kept="pr_kept"),
    "solar: Self-consumption and self-sufficiency by day": by_day(
        self_consumption="self_consumption", self_sufficiency="self_sufficiency"
    ),
    "solar: Power and irradiance": power,
    "solar: Yield by day": yield_by_day,
    "solar: Inverter states": inverter_states,
    "solar: Yield per installed power": per_installed,
    "solar: Inverter faults": faults,
    "solar: Days of faulty data": export_faults,
}
