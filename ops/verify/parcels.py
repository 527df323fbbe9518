"""Parcels: what lay where, from when to when, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ops.verify import doubt
from ops.verify.difference import Case, Check, Difference, clipped, instant, micros, ranges, text
from simulators.demo.places import BANKS


def _parcels(case: Case) -> Iterator[Difference | None]:
    """Every parcel whose cell was heard: cell, deposit, end and outcome."""
    for bank in BANKS:
        doubtful = doubt.cells(case, bank)
        expected = set()
        for cell, start, end, outcome in case.truth.rows(
            'SELECT cell, deposited, "end", outcome FROM parcel WHERE bank = ? AND deposited < ?', bank, case.cutoff
        ):
            if doubt.touched(doubtful.get(cell, ()), start, end):
                continue
            known = clipped(end, case.cutoff)
            expected.add((cell, start, known, outcome if known else None))
        found = set()
        for since, until in ranges(case.truth.start, case.cutoff):
            for item in case.api.pages(f"/v1/parcels/p-{bank}/parcels", from_=text(since), to=text(until), limit=1000):
                start, end = instant(item["start"]), clipped(micros(item["end"]), case.cutoff)
                if doubt.touched(doubtful.get(item["cell"], ()), start, micros(item["end"])):
                    continue
                found.add((item["cell"], start, end, item["outcome"] if end else None))
                if item["uncertain"] and end is not None:  # of one that lies there yet, what came since decides
                    yield Difference("parcel", f"{bank} {item['cell']}", start, "certain", "uncertain")
        for cell, start, end, outcome in sorted(expected ^ found, key=str):
            words = f"to {text(end)}, {outcome}"
            there = (cell, start, end, outcome) in expected
            yield Difference("parcel", f"{bank} {cell}", start, words if there else "none", "none" if there else words)
        yield None


def _dwell(case: Case) -> Iterator[Difference | None]:
    """Number and dwell (median and 95th percentile) of the parcels that went, by bank and outcome, where all was heard."""
    unheard = {f"p-{bank}" for bank in BANKS if doubt.cells(case, bank)}
    rows = case.truth.rows('SELECT bank, outcome, ("end" - deposited) / 1e6 FROM parcel WHERE "end" < ?', case.cutoff)
    expected = Counter((f"p-{bank}", outcome) for bank, outcome, _ in rows)
    asked = case.api.get("/v1/parcels/dwell", from_=text(case.truth.start), to=text(case.cutoff))
    shown = {(item["bank"], item["outcome"]): item for item in asked["items"]}
    for key in sorted(set(expected) | set(shown)):
        if key[0] in unheard:
            continue
        item = shown.get(key)
        if item is None or item["parcels"] != expected[key]:
            yield Difference("parcels gone", " ".join(key), None, str(expected[key]), str(item and item["parcels"]))
            continue
        dwells = [dwell for bank, outcome, dwell in rows if (f"p-{bank}", outcome) == key]
        for name, share in (("dwell_p50_s", 0.5), ("dwell_p95_s", 0.95)):
            if abs(item[name] - _percentile(dwells, share)) > 1e-3:
                yield Difference(name, " ".join(key), None, f"{_percentile(dwells, share):.3f}", f"{item[name]:.3f}")
    yield None


def _percentile(values: list[float], share: float) -> float:
    """The continuous percentile: linear between neighbours."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


CHECKS = (Check("parcels", lambda case: len(BANKS), _parcels), Check("dwell", lambda case: 1, _dwell))
