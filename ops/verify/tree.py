"""Which counters make up a building, a department, a place and the site, told from the demo compound's own tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

from simulators.demo import places
from simulators.demo.meters import BY_KEY, CHILDREN, METERS, Meter

Term = tuple[int, str, str]
"""(weight, device, register)."""
Kind = Literal["building", "department"]


def use(meter: Meter) -> list[Term]:
    """What was used at a meter's place: the main one's import - export + generation + discharge - charge behind it."""
    terms: list[Term] = [(1, meter.device, meter.registers[0])]
    if meter.role == "main" and meter.medium == "electricity":
        battery = BY_KEY["bat"]
        terms += [(-1, meter.device, "export_wh")]
        terms += [(1, inverter, "energy_wh") for inverter in places.INVERTERS]
        terms += [(-1, battery.device, "import_wh"), (1, battery.device, "export_wh")]
    return terms


def children(meter: Meter) -> list[Meter]:
    """The meters that divide a place."""
    return [child for child in CHILDREN[meter.key] if child.role == "sub"]


@cache
def belongs(meter: Meter, kind: Kind) -> str | None:
    """The building or department that answers for a meter: its own, else that of the meter above."""
    own = meter.building if kind == "building" else meter.department
    if own is not None or meter.parent is None:
        return own
    return belongs(BY_KEY[meter.parent], kind)


def group(kind: Kind, name: str, medium: str) -> list[Term]:
    """What a building or department used: its meters, less those of others under them."""
    terms: list[Term] = []
    for meter in METERS:
        if meter.medium != medium or meter.role == "storage":
            continue
        above = belongs(BY_KEY[meter.parent], kind) if meter.parent else None
        weight = (belongs(meter, kind) == name) - (above == name)
        if weight:
            terms += [(weight * factor, device, register) for factor, device, register in use(meter)]
    return terms


def groups() -> Iterator[tuple[str, str, str, list[Term]]]:
    """(group, id, medium, terms) of all buildings, departments and the site that have meters of the medium."""
    names: list[tuple[Kind, list[str]]] = [
        ("building", list(places.BUILDINGS)),
        ("department", list(places.DEPARTMENTS)),
    ]
    for medium in ("electricity", "water", "gas", "heat"):
        for kind, ids in names:
            for name in ids:
                terms = group(kind, name, medium)
                if terms:
                    yield kind, name, medium, terms
        mains = [meter for meter in METERS if meter.medium == medium and meter.role == "main"]
        yield "site", places.SITE, medium, [term for meter in mains for term in use(meter)]
