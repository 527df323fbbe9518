"""Energy: every register by quarter hour and day, every building, department and the site, and the balance of each place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ops.verify import tree
from ops.verify.difference import Case, Check, Difference, instant, ranges, text
from ops.verify.series import Counted, Total, add, compare, counted, total
from ops.verify.truth import QUARTER, Span
from simulators.demo import places
from simulators.demo.meters import CHILDREN, METERS, Meter

PAGE = 1000


def counter(case: Case, device: str, register: str) -> Counted:
    """The counter of a register, with what can't be known of it."""
    domain = "solar" if device in places.INVERTERS else "energy"
    spans = case.truth.spans.get((domain, device), [])
    return counted(case.truth.start, case.truth.counters[device, register], spans, 300 if domain == "solar" else 900)


def summed(case: Case, terms: list[tree.Term]) -> Counted:
    """The counter of a group."""
    return add([(weight, counter(case, device, register)) for weight, device, register in terms])


def days(case: Case) -> list[tuple[int, int]]:
    """[start, end) of the whole local days up to the cutoff."""
    found, day = [], case.truth.origin
    while (end := midnight(day + timedelta(days=1))) <= case.cutoff:
        found.append((midnight(day), end))
        day += timedelta(days=1)
    return found


def midnight(day: date) -> int:
    """The start of a local day, µs."""
    return instant(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(places.ZONE)).isoformat())


def totals(case: Case, path: str, by: str, **more: str) -> Iterator[Total]:
    """All totals of a subject that are over by the cutoff."""
    last = case.cutoff // QUARTER * QUARTER
    if by == "quarter":
        for start, end in ranges(case.truth.start, last):
            asked = case.api.pages(path, **more, from_=text(start), to=text(end), by=by, limit=PAGE)
            for item in asked:
                begun = instant(item["start"])
                yield total(item, begun + QUARTER, begun)
        return
    ends = dict(days(case))
    if ends:
        asked = case.api.pages(path, **more, from_=text(min(ends)), to=text(max(ends.values())), by=by, limit=PAGE)
        for item in asked:
            begun = instant(item["start"])
            yield total(item, ends[begun], begun)


def _count(found: list[Total], wanted: int, name: str, subject: str) -> Iterator[Difference]:
    """A row that is missing would not be compared."""
    if len(found) != wanted:
        yield Difference(name, subject, None, f"{wanted} totals", f"{len(found)}")


def _compare(
    case: Case, name: str, subject: str, path: str, by: str, expected: Counted, marks: bool = True, **more: str
) -> Iterator[Difference]:
    found = list(totals(case, path, by, **more))
    wanted = len(days(case)) if by == "day" else (case.cutoff - case.truth.start) // QUARTER
    yield from _count(found, wanted, name, subject)
    for at, truth, platform in compare(found, expected, marks=marks):
        yield Difference(name, subject, at, truth, platform)


def _registers() -> list[tuple[Meter | None, str, str]]:
    own = [(meter, meter.device, register) for meter in METERS for register in meter.registers]
    return [*own, *((None, inverter, "energy_wh") for inverter in places.INVERTERS)]


def _meters(case: Case) -> Iterator[Difference | None]:
    for _, device, register in _registers():
        expected = counter(case, device, register)
        path = f"/v1/energy/meter/{device}"
        for by in ("quarter", "day"):
            yield from _compare(case, f"{register} by {by}", device, path, by, expected, register=register)
        yield None


def _groups(case: Case) -> Iterator[Difference | None]:
    for kind, name, medium, terms in tree.groups():
        expected = summed(case, terms)
        for by in ("quarter", "day"):
            path = f"/v1/energy/{kind}/{name}"
            yield from _compare(case, f"{medium} by {by}", f"{kind} {name}", path, by, expected, medium=medium)
        yield None


def _months(case: Case) -> Iterator[Difference | None]:
    """The months that are over, and the current one between what is and what will be known."""
    first, last = case.truth.origin.replace(day=1), case.cutoff // QUARTER * QUARTER
    for _, device, register in _registers():
        expected = counter(case, device, register)
        asked = case.api.pages(
            f"/v1/energy/meter/{device}",
            from_=text(midnight(first)),
            to=text(case.cutoff),
            by="month",
            register=register,
        )
        for item in asked:
            start = instant(item["start"])
            end = midnight((_local(start) + timedelta(days=32)).replace(day=1))
            value = item["wh"] if "wh" in item else item["l"]
            if end <= case.cutoff:
                for at, truth, platform in compare([total(item, end, start)], expected, marks=False):
                    yield Difference(f"{register} by month", device, at, truth, platform)
            elif start < last and expected.known(start) and expected.known(case.cutoff):
                least = expected.at(last) - expected.at(start)
                if value is None or value < least:
                    yield Difference(f"{register} by month", device, start, f"at least {least}", str(value))
        yield None


def _local(time: int) -> date:
    return datetime.fromtimestamp(time / 1e6, ZoneInfo(places.ZONE)).date()


def _parents() -> list[Meter]:
    return [meter for meter in METERS if CHILDREN[meter.key]]


def _balances(case: Case) -> Iterator[Difference | None]:
    """The residual of each place: known to the unit where all its meters are, unknown in a break of one."""
    for meter in _parents():
        place = summed(case, tree.use(meter))
        below = summed(case, [term for child in tree.children(meter) for term in tree.use(child)])
        rest = add([(1, place), (-1, below)])
        for start, end in ranges(case.truth.start, case.cutoff // QUARTER * QUARTER):
            asked = case.api.get(f"/v1/energy/balance/{meter.point}", from_=text(start), to=text(end), by="quarter")
            items = {instant(item["start"]): item for item in asked["items"]}
            for time in range(start, end, QUARTER):
                yield from _residual(meter.point, time, rest, place, items.get(time, {}))
        yield None


def _residual(
    point: str, time: int, rest: Counted, place: Counted, item: dict[str, int | None]
) -> Iterator[Difference]:
    end = time + QUARTER
    found = item.get("residual")
    if any(start < end and time < stop for start, stop in rest.holes):
        if found is not None:
            yield Difference("residual by quarter", point, time, "unknown", str(found))
        return
    if any(gap.start < end and time < gap.end for gap in rest.gaps):
        return  # spread over the gap, as each of its totals says
    for name, counted_ in (("residual", rest), ("consumption", place)):
        expected = counted_.at(end) - counted_.at(time)
        if item.get(name) != expected:
            yield Difference(f"{name} by quarter", point, time, str(expected), str(item.get(name)))


def _suspects(case: Case) -> Iterator[Difference | None]:
    """A reading that a disturbance made far too high is shown as suspect."""
    for (domain, device), spans in case.truth.spans.items():
        for span in spans:
            if domain == "energy" and span.why == "spike" and span.end <= case.cutoff:
                yield from _suspect(case, device, span)
    yield None


def _suspect(case: Case, device: str, span: Span) -> Iterator[Difference]:
    asked = case.api.pages(f"/v1/meters/{device}/points", from_=text(span.start + 1), to=text(span.end))
    verdicts = [item["verdict"] for item in asked]
    wrong = (span.end - span.start) // QUARTER - 1
    if verdicts.count("suspect") != wrong:
        yield Difference("suspect readings", device, span.start, f"{wrong} suspect", ", ".join(verdicts))


CHECKS = (
    Check("meters", lambda case: len(_registers()), _meters),
    Check("buildings, departments, site", lambda case: len(list(tree.groups())), _groups),
    Check("months", lambda case: len(_registers()), _months),
    Check("balances", lambda case: len(_parents()), _balances),
    Check("suspects", lambda case: 1, _suspects),
)
