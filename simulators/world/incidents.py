"""Faults that people commit, as plans of nobody in particular."""

from __future__ import annotations

from simulators.clock import MINUTE, SECOND
from simulators.demo.places import DOORS
from simulators.faults.scenario import Fault
from simulators.world.people import Plan, Step

PASSBACK_LASTS = 15 * MINUTE
"""Within so long after a card was passed back, its bearers are again where the doors believe them to be."""


def plan(fault: Fault) -> Plan:
    """The incident as steps at the fault's device (a door or a bank)."""
    lasts, at = fault.end - fault.start, fault.device
    kinds = {"forced": "force", "held": "prop", "left-open": "leave-open", "denied": "deny", "cell-fault": "service"}
    person, card = f"X{fault.start // SECOND % 10**8}", None
    if fault.kind == "tailgating":
        steps = [Step(fault.start, 0, "slip-in", at)]
    elif fault.kind == "passback":
        card, inner = person, "g-b1a"
        steps = [
            Step(fault.start, 0, "in", at),
            Step(0, 20 * SECOND, "passback", at),
            Step(0, 150 * SECOND, "out", at),
            Step(0, 100 * SECOND, "in", inner),
            Step(0, 70 * MINUTE, "out", inner),
            Step(0, 100 * SECOND, "out", at),
        ]
    elif fault.kind == "held" and not DOORS[at].counts:
        card = person
        steps = [
            Step(fault.start, 0, "in", "g-s1"),
            Step(0, 10 * SECOND, "hold", at, lasts),
            Step(0, 20 * MINUTE, "out", at),
            Step(0, 100 * SECOND, "out", "g-s1"),
        ]
    else:
        steps = [Step(fault.start, 0, kinds[fault.kind], at, lasts)]
    return Plan(person=person, card=card, steps=steps, ready=0)
