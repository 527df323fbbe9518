"""Figures made of totals: the plant's yield by day, and what departments have used of their quotas."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from ops.verify import tree
from ops.verify.difference import Case, Check, Difference, instant, text
from ops.verify.energy import days, summed
from ops.verify.series import Counted
from ops.verify.truth import QUARTER
from simulators.demo import places

EVALUATED_S: Final = 60.0
"""How long to wait for the figures of quotas."""


def _plant(case: Case) -> Iterator[Difference | None]:
    """Yield of the plant on each day whose ends are known."""
    whole = days(case)
    if whole:
        expected = summed(case, [(1, inverter, "energy_wh") for inverter in places.INVERTERS])
        asked = case.api.get(f"/v1/solar/{places.PLANT}", from_=text(whole[0][0]), to=text(whole[-1][1]), by="day")
        shown = {instant(item["start"]): item["wh"] for item in asked["items"]}
        for start, end in whole:
            wanted = expected.at(end) - expected.at(start)
            if expected.known(start) and expected.known(end) and shown.get(start) != wanted:
                yield Difference("yield by day", places.PLANT, start, str(wanted), str(shown.get(start)))
    yield None


def _quotas(case: Case) -> Iterator[Difference | None]:
    """What each department has used, up to the quarter hour that the platform names."""
    for department in places.DEPARTMENTS:
        yield from _evaluated(case, department)
        yield None


def _evaluated(case: Case, department: str) -> list[Difference]:
    """The differences that stay: the evaluator takes its turns, so figures follow the totals by some seconds."""
    deadline = time.monotonic() + EVALUATED_S
    while True:
        quotas = list(case.api.pages(f"/v1/quotas/{department}"))
        found = list(_department(case, department, quotas))
        missing = [quota for quota in quotas if quota["total"] is None]
        if not (found or missing) or time.monotonic() > deadline:
            return found
        time.sleep(2.0)


def _department(case: Case, department: str, quotas: list[dict[str, Any]]) -> Iterator[Difference]:
    expected = summed(case, tree.group("department", department, "electricity"))
    last = case.cutoff // QUARTER * QUARTER
    for quota in quotas:
        for figure in filter(None, [quota["total"], *quota["months"]]):
            start, until = instant(figure["start"]), instant(figure["until"])
            if (
                start < case.cutoff
                and case.truth.start < until
                and start < until
                and expected.known(start)
                and expected.known(until)
                and expected.known(min(until, last))
            ):
                yield from _used(department, figure, expected, start, until, last)


def _used(
    department: str, figure: dict[str, Any], expected: Counted, start: int, until: int, last: int
) -> Iterator[Difference]:
    """One period. Where it goes on after `last`, the platform may have more than was known then, never less."""
    least = expected.at(min(until, last)) - expected.at(start)
    if figure["actual"] < least or (until <= last and figure["actual"] != least):
        name = f"quota used by {figure['period']}"
        wanted = f"{least}{' or more' if until > last else ''}, until {text(until)}"
        yield Difference(name, department, start, wanted, str(figure["actual"]))


CHECKS = (
    Check("solar yield", lambda case: 1, _plant),
    Check("quotas", lambda case: len(places.DEPARTMENTS), _quotas),
)
