"""What can be known of a subject from the messages that get through: where its signs are missing, a span of the unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from simulators.wire import Message

_CELL = re.compile(r'"cell":"([^"]+)"')


class Span(NamedTuple):
    """[start, end) over which `subject` can't be known, and why.

    kind: gap (what lies around bounds it) | break (quantity unknown for ever) | uncovered (known to the unit, but part of
    the time is not covered) | moved (people are where nobody can tell) | unheard (an instant of which nothing came).
    `shown_from`: from when on the platform must say so.
    """

    domain: str
    subject: str
    start: int
    end: int
    why: str
    kind: str
    shown_from: int


class Sight(msgspec.Struct):
    """The last good sign of a subject, and why those since were none."""

    last: int
    why: str = ""


def good(message: Message) -> bool:
    """Whether the platform can place the message: it arrives, with the right time."""
    return message.send is not None and message.shown == message.time


def why(message: Message) -> str:
    """What is wrong with a message that is not good."""
    return "lost" if message.send is None else "clock off"


def signs(messages: Iterable[Message]) -> list[tuple[int, str]]:
    """(time, "" or what is wrong with it) of each message, in order of time."""
    return sorted((message.time, "" if good(message) else why(message)) for message in messages)


def cells(bank: str, messages: Iterable[Message]) -> list[Span]:
    """Of a bank of lockers: the instants at which something happened to a cell that nobody heard of."""
    return [
        Span("parcels", f"{bank} {found[1]}", m.time, m.time, why(m), "unheard", m.time)
        for m in messages
        if not good(m) and (found := _CELL.search(m.body))
    ]


def gaps(
    domain: str, subject: str, sight: Sight | None, signs: Iterable[tuple[int, str]], kind: str, limit: int = 0
) -> tuple[Sight | None, list[Span]]:
    """Spans between good signs with bad or missing ones between.

    `signs`: (time, "" if good else why) in order of time. `limit`: so long after a sign (µs) the subject is still
    known; 0: every bad sign makes a gap from the good one before to the next.
    """
    spans = []
    for time, fault in signs:
        if fault:
            if sight is not None:
                sight.why = fault
            continue
        if sight is not None and (sight.why or (limit and time - sight.last > limit)):
            shown = min(sight.last + limit, time)
            spans.append(Span(domain, subject, sight.last, time, sight.why or "no sign", kind, shown))
        sight = Sight(time)
    return sight, spans
