"""The whole comparison: wait until the platform has read what was sent, then run every check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ops.verify import access, conditions, devices, energy, figures, parcels, parking
from ops.verify.difference import Api, Case, Check, Difference
from ops.verify.truth import TruthReader

CHECKS: tuple[Check, ...] = (
    *energy.CHECKS,
    *figures.CHECKS,
    *parking.CHECKS,
    *access.CHECKS,
    *parcels.CHECKS,
    *conditions.CHECKS,
    *devices.CHECKS,
)
_LOOK_S = 0.5
_DEVICES = ("meter", "inverter", "weather", "gate", "parking", "locker", "quarantine")

Tell = Callable[[str, int, int], None]
"""(what is done, steps done, steps in all)."""


class Behind(Exception):
    """The platform did not get as far as the truth in time; the text is one sentence."""


def settle(api: Api, truth: TruthReader, patience_s: float) -> None:
    """Wait until the log holds what was acknowledged and every domain has read it. Raises Behind.

    Fewer records in the log than objects acknowledged means that some were lost on the way.
    """
    deadline = time.monotonic() + patience_s
    sent = truth.sent()
    wanted: dict[Any, int] | None = None
    while True:
        report = api.get("/v1/lag")
        items = [item for item in report["items"] if item["head"] is not None]
        heads = {_slot(item): item["head"] for item in items}
        held = sum((report["records"] or {}).get(topic, 0) for topic in _DEVICES)
        if wanted is None and held >= sent:
            wanted = heads
        read = wanted is not None and all(item["next_offset"] >= wanted.get(_slot(item), 0) for item in items)
        if read and not _stale(api):
            return
        if time.monotonic() > deadline:
            if wanted is None:
                raise Behind(f"{sent:,} objects were acknowledged to devices, the log holds {held:,}.")
            raise Behind("The processors did not read the log to its end in time; see `compound status`.")
        time.sleep(_LOOK_S)


def _slot(item: dict[str, Any]) -> tuple[str, int, int]:
    return item["topic"], item["generation"], item["partition"]


def _stale(api: Api) -> bool:
    """Whether any domain still derives again what a change of the registry touched."""
    return bool(api.get("/v1/status")["stale"])


def differences(case: Case, tell: Tell, checks: tuple[Check, ...] = CHECKS) -> Iterator[Difference]:
    """Every difference, check by check."""
    steps = [max(check.steps(case), 1) for check in checks]
    done, total = 0, sum(steps)
    for check, count in zip(checks, steps, strict=True):
        tell(check.name, done, total)
        stepped = 0
        for found in check.run(case):
            if found is None:
                stepped += 1
                tell(check.name, done + min(stepped, count), total)
            else:
                yield found
        done += count
    tell("compared", total, total)
