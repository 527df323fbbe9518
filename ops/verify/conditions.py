"""Conditions: forced and held doors, tailgating, passed-back cards, overstays, overdue parcels, open lockers, faults, breaks."""

from __future__ import annotations

from collections.abc import Iterator

from ops.verify import doubt
from ops.verify.difference import Case, Check, Difference, clipped, instant, micros, ranges, text
from simulators.demo.places import BANKS, DOORS

RULES = (
    "forced", "held", "tailgating", "anti-passback", "overstay", "overdue-24", "overdue-48", "overdue-72",
    "door-left-open", "inverter-fault", "break",
)  # fmt: skip
_PERSONS = frozenset({"anti-passback"})
"""Their subject is a token, of which the truth knows nothing."""
_CELLS = frozenset({"overdue-24", "overdue-48", "overdue-72", "door-left-open"})
_SETTLED = 70_000_000
"""What begins so shortly before the cutoff may not have arrived whole: its device's next message decides."""

_OPEN = 180_000_000
"""A door stood open for up to so long before that was a condition, or had its last grant so long before."""
_REMEMBERED = 36 * 3_600_000_000
"""So long may a person be believed where they are not: twelve hours, and until the next reset (DOMAIN, People)."""

Found = tuple[str, str, int, int | None]
"""(subject, what, start, end)."""


def _expected(case: Case, rule: str, unknown: Unknown) -> set[Found]:
    last = case.cutoff - _SETTLED
    if rule == "break":
        return {
            (span.subject, "", span.end, None)
            for spans in case.truth.spans.values()
            for span in spans
            if span.kind == "break" and span.why.startswith("replaced") and span.end < last
        }
    rows = case.truth.rows('SELECT subject, what, start, "end" FROM condition WHERE rule = ? AND start < ?', rule, last)
    return {
        _key(rule, subject, what, start, clipped(end, case.cutoff))
        for subject, what, start, end in rows
        if not unknown(rule, subject, what, start, end)
    }


def _key(rule: str, subject: str, what: str, start: int, end: int | None) -> Found:
    """What makes a condition one: doors, spots and inverters have only one timeline each."""
    return ("" if rule in _PERSONS else subject, what if rule in _CELLS else "", start, end)


class Unknown:
    """Which conditions can't be told, since what they are made of is not known."""

    def __init__(self, case: Case) -> None:
        self._spans = case.truth.spans
        self._doors = {door: doubt.door(case, door) for door in DOORS}
        self._cells = {bank: doubt.cells(case, bank) for bank in BANKS}
        self._losses = [doubt.Stretch(time, time + _REMEMBERED) for time, _ in doubt.losses(case)]

    def __call__(self, rule: str, subject: str, what: str, start: int, end: int | None) -> bool:
        """Whether a condition is one of them."""
        if rule == "overstay":  # of a stay that goes through the unknown it is another than it was
            return any(span.touches(start - span_limit(), end) for span in self._spans.get(("parking", subject), []))
        if rule == "inverter-fault":
            return any(span.touches(start, end) for span in self._spans.get(("solar", subject), []))
        if rule in _PERSONS:
            return doubt.touched(self._losses, start, end)
        if rule in _CELLS:
            return doubt.touched(self._cells.get(subject, {}).get(what, ()), start - _OPEN, end)
        return doubt.touched(self._doors.get(subject, ()), start - _OPEN, end)


def span_limit() -> int:
    """The longest limit of a class of spots, µs: so long before an overstay did its stay begin."""
    return 36 * 3_600_000_000


def _shown(case: Case, rule: str, unknown: Unknown) -> set[Found]:
    found: set[Found] = set()
    last = case.cutoff - _SETTLED
    for since, until in ranges(case.truth.start, last):
        for item in case.api.pages("/v1/conditions", from_=text(since), to=text(until), rule=rule, limit=1000):
            start, end = instant(item["start"]), clipped(micros(item["end"]), case.cutoff)
            if start < last and not unknown(rule, item["subject"], item["what"], start, end):
                end = None if rule == "break" else end
                found.add(_key(rule, item["subject"], item["what"], start, end))
    return found


def _conditions(case: Case) -> Iterator[Difference | None]:
    unknown = Unknown(case)
    for rule in RULES:
        expected, found = _expected(case, rule, unknown), _shown(case, rule, unknown)
        for subject, what, start, end in sorted(expected ^ found, key=str):
            there = (subject, what, start, end) in expected
            words = f"to {text(end)}"
            name = f"{subject} {what}".strip()
            yield Difference(rule, name, start, words if there else "none", "none" if there else words)
        yield None


CHECKS = (Check("conditions", lambda case: len(RULES), _conditions),)
