"""What of each domain's schema is a function of the book and the registry, and what is not: every table is listed, and why.

Facts are built again, compared and swapped. What stands beside them goes with them, but is not compared: it depends on how
the events came in batches. What is kept was told or decided, or passes with time: it stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Facts:
    """A table that is compared. `subject` is the column that its rows are told apart by when differences are shown."""

    subject: str = "subject"
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns that are no facts, and why. A swap takes them over from the live rows."""
    only: str = "true"
    """Rows that are facts."""


@dataclass(frozen=True)
class Projection:
    """The tables of one domain but `position`, which goes with the facts."""

    facts: Mapping[str, Facts]
    beside: Mapping[str, str]
    kept: Mapping[str, str]
    numbers: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Columns that hold a number for something: the table that says of what, and its columns that do."""


_KEPT: Final = {
    "told": "what was told, which decides what is told next",
    "due": "conditions to look at; a swap adds those of the new facts",
    "subject": "when devices were last heard, for telling",
}
_BESIDE: Final = {
    "checkpoint": "where a fold can go on; lies where batches ended",
    "lock": "rows to lock",
}


def _timeline(prefix: str = "") -> tuple[dict[str, Facts], dict[str, str]]:
    """Facts and what stands beside them of a state timeline (runtime.make_timeline)."""
    facts = {f"{prefix}point": Facts(), f"{prefix}segment": Facts()}
    return facts, {f"{prefix}{table}": why for table, why in _BESIDE.items()}


def _states(*prefixes: str, kept: Mapping[str, str] | None = None) -> Projection:
    """A domain of state timelines."""
    facts: dict[str, Facts] = {}
    beside: dict[str, str] = {}
    for prefix in ("", *prefixes):
        more, other = _timeline(prefix)
        facts |= more
        beside |= other
    return Projection(facts, beside, {**_KEPT, **(kept or {})})


_UNKNOWN: Final = "NOT EXISTS (SELECT FROM registry.item i WHERE i.kind = 'device' AND i.id = t.device)"
"""Whether messages of a device wait that was registered once depends on whether they came before it was taken out."""
_NUMBER: Final = "a number given on first use"

PROJECTIONS: Final[Mapping[str, Projection]] = {
    "energy": Projection(
        facts={
            "series": Facts(left_out={"id": _NUMBER}),
            "point": Facts("series"),
            "mark": Facts("series"),
            "segment": Facts("series"),
            "quarter": Facts("series", only="(t.quantity, t.covered) <> (0, 0)"),
            "day": Facts("series", only="(t.quantity, t.covered) <> (0, 0)"),
        },
        beside={
            "place": _NUMBER,
            "serial": _NUMBER,
            "sky": _NUMBER,
            "seat": "where a series was ever in place, by whatever the registry said once",
        },
        kept={
            **_KEPT,
            "burst": "when a late reading last arrived, for telling",
            "register": "which registers make up a use: a migration fills it",
        },
        numbers={
            "series": ("series", ("subject", "what")),
            "place": ("place", ("point",)),
            "serial": ("serial", ("serial",)),
            "sky": ("sky", ("latitude", "longitude")),
        },
    ),
    "parking": _states(),
    "access": _states("person_"),
    "parcels": _states(),
    "solar": _states(
        "weather_",
        kept={
            "clear_sky": "a function of place and time, filled as time passes",
            "sky": "how far the clear sky is filled",
        },
    ),
    "liveness": Projection(
        facts={
            "device": Facts(
                "device",
                left_out={
                    "alive_since": "when it came back from a loss that was told",
                    "fresh": "counted since a migration added it",
                },
            ),
            "channel": Facts("device"),
            "seq": Facts("device"),
            "receiving": Facts("start"),
            "broker": Facts("ingest"),
            "waiting": Facts("device", only=_UNKNOWN),
        },
        beside={},
        kept={
            **_KEPT,
            "lost": "judged by arrival and the clock, and told",
            "watch": "what the registry wants watched at this moment",
        },
    ),
    "alerts": Projection(
        facts={
            "alert": Facts("id", left_out={"under": "which alert stood for it, as time passed"}),
            "event": Facts("alert"),
        },
        beside={},
        kept={**_KEPT, "delivery": "what was sent: never sent again"},
    ),
    "quarantine": Projection(
        facts={
            "message": Facts("id"),
            "retry": Facts("id", left_out=dict.fromkeys(("sent", "failed"), "what the sender did")),
        },
        beside={},
        kept=_KEPT,
    ),
}
"""All domains that are built from the book. Quotas are evaluated from the energy's totals."""
