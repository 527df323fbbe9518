"""A yearly budget over its months (DOMAIN, Budget). Quantities are Wh or litres, whole; weights are exact."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Edition(NamedTuple):
    """What a yearly budget was from `since` (µs UTC) on; `weights` of its twelve months."""

    since: int
    budget: int
    weights: tuple[Fraction, ...]


def months(editions: Sequence[Edition], starts: Sequence[int]) -> list[int]:
    """The budgets of the months that begin at `starts` (µs UTC, in order), after all editions of the yearly budget.

    The first edition holds for the whole year, whenever it was made. A later one leaves the months begun before it as
    they are; what remains of the year goes to the others by weight. So the months sum to the year, unless every month
    has begun.
    """
    first, *later = sorted(editions)
    found = spread(first.budget, first.weights)
    for edition in later:
        begun = sum(start < edition.since for start in starts)
        if begun < len(starts):
            found[begun:] = spread(edition.budget - sum(found[:begun]), edition.weights[begun:])
    return found


def spread(total: int, weights: Sequence[Fraction]) -> list[int]:
    """`total` by weight, each share rounded down, the remainder in the last."""
    whole = sum(weights)
    shares = [int(total * weight // whole) if whole else 0 for weight in weights[:-1]]
    return [*shares, total - sum(shares)]
