"""A platform that is always right, made from the truth itself; tests tamper with one answer."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ops.verify import energy, tree
from ops.verify.devices import _runs
from ops.verify.difference import Case, instant, text
from ops.verify.truth import QUARTER
from simulators.clock import DAY
from simulators.demo.meters import METERS
from simulators.demo.places import CELLS, DOORS, INVERTERS, SPOTS, ZONES
from simulators.faults import scenario
from simulators.simulation import Session, Simulation
from simulators.truth.store import Truth

Tamper = Callable[[str, list[dict[str, Any]]], None]


ORIGIN = date(2026, 10, 28)


def calm(path: Path, *, ahead: bool = False, origin: date = ORIGIN) -> None:
    """Write the truth of two calm days, all sent; `ahead`: and of the day after the cutoff, as the runner does."""
    written = Truth(path)
    written.begin("demo", 7, origin)
    session = Session(0)
    plan = Simulation(7, scenario.load("demo"), origin, [session])
    state = plan.first()
    for _ in range(2):
        day = plan.step(state)
        written.write(day)
        session.cursor = day.start + DAY
        written.sent(day.messages, 1, session)
    if ahead:
        written.write(plan.step(state))
    written.close()


class Platform:
    """Answers as the API does. `tamper(path, items)` may change the items of an answer before it goes out."""

    def __init__(self, tamper: Tamper = lambda path, items: None) -> None:
        self.case: Case | None = None
        self.tamper = tamper

    def get(self, path: str, **params: Any) -> Any:
        """The whole answer."""
        return {"items": list(self.pages(path, **params))}

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """The items of an answer."""
        parts = unquote(path).strip("/").split("/")[1:]
        answer = getattr(self, f"_{parts[0]}")
        items = answer(parts[1:], params)
        self.tamper(path, items)
        yield from items

    def _energy(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        group, name = parts
        if group == "balance":
            return self._balance(name, params)
        terms: list[tree.Term]
        if group == "meter":
            terms = [(1, name, params["register"])]
        else:
            terms = next(t for g, n, m, t in tree.groups() if (g, n, m) == (group, name, params["medium"]))
        counter = energy.summed(self.case, terms)
        buckets = self._buckets(params)
        return [
            {
                "start": text(start), "wh": counter.at(end) - counter.at(start), "quality": "measured", "coverage": 1.0,
                "estimated_share": 0.0,
            }
            for start, end in buckets
        ]  # fmt: skip

    def _buckets(self, params: dict[str, Any]) -> list[tuple[int, int]]:
        assert self.case is not None
        since, until = instant(params["from_"]), instant(params["to"])
        if params["by"] == "quarter":
            return [(start, start + QUARTER) for start in range(since, until, QUARTER)]
        if params["by"] == "day":
            return [(start, end) for start, end in energy.days(self.case) if since <= start < until]
        return [(since, self.case.cutoff // QUARTER * QUARTER)]

    def _balance(self, point: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        meter = next(meter for meter in METERS if meter.point == point)
        place = energy.summed(self.case, tree.use(meter))
        below = energy.summed(self.case, [t for child in tree.children(meter) for t in tree.use(child)])
        return [
            {
                "start": text(start),
                "consumption": place.at(end) - place.at(start),
                "residual": place.at(end) - place.at(start) - below.at(end) + below.at(start),
            }
            for start, end in self._buckets(params)
        ]

    def _parking(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        carpark, what = parts
        stays = [
            row
            for row in self.case.truth.rows('SELECT spot, start, "end" FROM stay')
            if SPOTS[row[0]].carpark == carpark
        ]
        if what == "stays":
            since, until = instant(params["from_"]), instant(params["to"])
            return [
                {"device": spot, "start": text(start), "end": text(end), "uncertain": False}
                for spot, start, end in stays
                if end and since <= end < until
            ]
        if what == "turnover":
            return [
                {"start": text(start), "stays": sum(bool(row[2]) and start <= row[2] < end for row in stays)}
                for start, end in energy.days(self.case)
            ]
        times = range(instant(params["from_"]), instant(params["to"]), 3_600_000_000)
        return [
            {
                "at": text(time), "unknown": 0,
                "occupied": sum(start <= time and (end is None or time < end) for _, start, end in stays),
            }
            for time in times
        ]  # fmt: skip

    def _access(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        rows = self.case.truth.rows
        if parts[0] == "zones":
            return [self._zone(zone, instant(params["at"])) for zone in ZONES]
        since, until = instant(params["from_"]), instant(params["to"])
        if parts[0] == "doors":
            found = rows(
                'SELECT start, "end" FROM opening WHERE door = ? AND start >= ? AND start < ?', parts[1], since, until
            )
            return [{"start": text(start), "end": text(end)} for start, end in found]
        assert parts == ["passages"]
        door = params["door"]
        told = "time" if DOORS[door].counts else (  # a door without a counter says when it opened
            '(SELECT max(start) FROM opening WHERE door = passage.door AND start <= passage.time AND "end" >= passage.time)'
        )  # fmt: skip
        asked = rows(f"SELECT {told}, direction, card FROM passage WHERE door = ? ORDER BY time", door)
        return [
            {"time": text(t), "direction": way, "token": card and f"tok:{card}"}
            for t, way, card in asked
            if since <= t < until
        ]

    def _zone(self, zone: str, moment: int) -> dict[str, Any]:
        assert self.case is not None
        changes = self.case.truth.rows("SELECT time, people FROM presence WHERE zone = ? ORDER BY time", zone)
        place = bisect_right(changes, (moment, 2**62)) - 1
        people = changes[place][1] if place >= 0 else 0
        return {"id": zone, "inside": people, "uncertain": 0, "unnamed_in": 0, "unnamed_out": 0}

    def _parcels(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        rows = self.case.truth.rows('SELECT bank, cell, deposited, "end", outcome FROM parcel')
        if parts == ["dwell"]:
            return self._dwell([row for row in rows if row[3] and row[3] < self.case.cutoff])
        return [
            {"cell": cell, "start": text(start), "end": end and text(end), "outcome": outcome, "uncertain": False}
            for bank, cell, start, end, outcome in rows
            if f"p-{bank}" == parts[0] and cell in CELLS and start < instant(params["to"])
        ]

    @staticmethod
    def _dwell(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        import numpy as np

        dwells: dict[tuple[str, str], list[float]] = defaultdict(list)
        for bank, _, start, end, outcome in rows:
            dwells[f"p-{bank}", outcome].append((end - start) / 1e6)
        return [
            {
                "bank": bank, "outcome": outcome, "parcels": len(values),
                "dwell_p50_s": float(np.percentile(values, 50)), "dwell_p95_s": float(np.percentile(values, 95)),
            }
            for (bank, outcome), values in dwells.items()
        ]  # fmt: skip

    def _conditions(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        rows = self.case.truth.rows('SELECT subject, what, start, "end" FROM condition WHERE rule = ?', params["rule"])
        return [
            {"rule": params["rule"], "subject": subject, "what": what, "start": text(start), "end": end and text(end)}
            for subject, what, start, end in rows
            if start < instant(params["to"])
        ]

    def _devices(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        lost = self.case.truth.rows(
            "SELECT boot, seq FROM message JOIN device ON number = device WHERE id = ? AND sent IS NULL", parts[0]
        )
        runs = _runs([seq for _, seq in lost])
        return [{"boot": 1, "first": first, "last": last} for first, last in runs]

    def _solar(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        counter = energy.summed(self.case, [(1, inverter, "energy_wh") for inverter in INVERTERS])
        return [
            {"start": text(start), "wh": counter.at(end) - counter.at(start)} for start, end in self._buckets(params)
        ]

    def _quotas(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.case is not None
        counter = energy.summed(self.case, tree.group("department", parts[0], "electricity"))
        start, until = self.case.truth.start, self.case.cutoff
        figure = {"start": text(start), "until": text(until), "actual": counter.at(until) - counter.at(start)}
        return [{"total": {"period": "year", **figure}, "months": [{"period": "month", **figure}]}]

    def _quarantine(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        return []

    def _meters(self, parts: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        return []


def case(truth: Any, platform: Platform, cutoff: int) -> Case:
    """The case of this truth and platform."""
    found = Case(truth, platform, cutoff)
    platform.case = found
    return found
