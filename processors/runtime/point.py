"""What is observed (a point) and what is known between (a segment): the words in which folds, tables and telling speak."""

from __future__ import annotations

from typing import Any, NamedTuple

Key = tuple[str, str]
"""(subject, what): names a timeline."""


class Point(NamedTuple):
    """A point of a state timeline; times in microseconds UTC, `value` in the domain's words."""

    subject: str
    what: str
    time: int
    boot: int
    seq: int
    value: str
    recorded: int
    generation: int = 0
    partition: int = 0
    offset: int = 0


class Segment(NamedTuple):
    """What is known between points: [start, end) microseconds UTC, `end` None while it goes on.

    With `tell_at` it is a condition that may be told from then on if it still holds. (kind, start, key) names it on its
    timeline.
    """

    kind: str
    start: int
    end: int | None
    data: dict[str, Any]
    key: str = ""
    tell_at: int | None = None
