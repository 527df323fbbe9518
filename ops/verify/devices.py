"""Devices: messages that never arrived, messages in quarantine, and silences that were told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ops.verify.difference import Case, Check, Difference, instant, micros, ranges, text

_AHEAD = 5 * 60_000_000
"""A message from so far ahead of the platform's clock goes to quarantine (contract)."""
_SLACK = 60_000_000
"""Silence is judged by arrival: so far may it lie from when a device really fell silent."""
_TOLD_AFTER = 100_000_000
"""A shorter loss need not be told: devices have 60 s to come back."""
_FUTURE = "time in the future"


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Consecutive numbers as (first, last)."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _gaps(case: Case) -> Iterator[Difference | None]:
    """Numbers (seq) that are missing, by device and boot: those of lost messages and of those in quarantine.

    Between the first and the last that arrived: a boot's numbers may begin anywhere, so nobody misses what came before.
    What a fault still holds back may be missing or not.
    """
    for number, device in case.truth.rows("SELECT number, id FROM device"):
        missing: dict[int, set[int]] = defaultdict(set)
        arrived: dict[int, set[int]] = defaultdict(set)
        for boot, seq, came in case.truth.rows(
            "SELECT boot, seq, sent IS NOT NULL AND shown <= sent + ? FROM message"
            " WHERE device = ? AND (sent IS NULL OR sent < ?)",
            _AHEAD, number, case.truth.cursor,
        ):  # fmt: skip
            (arrived if came else missing)[boot].add(seq)
        found: dict[int, set[int]] = defaultdict(set)
        for item in case.api.pages(f"/v1/devices/{device}/gaps", limit=1000):
            found[item["boot"]].update(range(item["first"], item["last"] + 1))
        for boot, numbers in sorted(arrived.items()):
            sure = (numbers | missing[boot]) & set(range(min(numbers), max(numbers) + 1))
            expected, shown = missing[boot] & sure, found[boot] & sure
            for first, end in _runs(expected ^ shown):
                words = f"boot {boot}, {first} to {end}"
                there = first in expected
                yield Difference(
                    "missing numbers", device, None, words if there else "none", "none" if there else words
                )
        yield None


def _quarantine(case: Case) -> Iterator[Difference | None]:
    """Messages from the future are in quarantine, as many as were sent; nothing else of ours is.

    Those recorded since the cursor may be of messages sent before it or after it.
    """
    expected = dict(
        case.truth.rows(
            "SELECT id, sum(copies) FROM message JOIN device ON number = device WHERE sent < ? AND shown > sent + ?"
            " GROUP BY 1",
            case.truth.cursor, _AHEAD,
        )
    )  # fmt: skip
    ours = {row[0] for row in case.truth.rows("SELECT id FROM device")}
    found: Counter[str] = Counter()
    since: Counter[str] = Counter()
    for item in case.api.pages("/v1/quarantine", limit=1000):
        device = item["device"] or _device(item["topic"])
        if device in ours and item["reason"] == _FUTURE:
            (since if instant(item["recorded"]) > case.truth.cursor else found)[device] += item["count"]
        elif device in ours and not _waits(case, device):
            yield Difference("quarantine", device, instant(item["recorded"]), "none", item["reason"])
    for device in sorted(set(expected) | set(found)):
        wanted = expected.get(device, 0)
        if not found[device] <= wanted <= found[device] + since[device]:
            shown = f"{found[device]}{f' and {since[device]} since' if since[device] else ''}"
            yield Difference("quarantine", device, None, f"{wanted} {_FUTURE}", shown)
    yield None


def _device(topic: str | None) -> str:
    parts = (topic or "").split("/")
    return parts[4] if len(parts) > 4 else ""


def _waits(case: Case, device: str) -> bool:
    """Whether the device's clock once said a time before it was registered: such points wait as an unknown device's."""
    rows = case.truth.rows(
        "SELECT 1 FROM message JOIN device ON number = device WHERE id = ? AND shown < time - 86400000000 LIMIT 1",
        device,
    )
    return bool(rows)


def _silences(case: Case) -> Iterator[Difference | None]:
    """What fell silent live is told, once, and clears; nothing else of ours is told to be silent."""
    told = _told(case)
    for device, rule, channel, start, end in _fell_silent(case):
        until = case.cutoff if end is None else min(end, case.cutoff)
        fitting = [
            item for item in told
            if (item["subject"], item["rule"], item["what"]) == (device, rule, channel)
            and instant(item["start"]) <= until and (micros(item["end"]) or case.cutoff) >= start
        ]  # fmt: skip
        told = [item for item in told if item not in fitting]
        if end is None or end >= case.cutoff or end - start <= _TOLD_AFTER:
            continue  # it may be told, it need not yet
        if len(fitting) != 1:
            yield Difference(rule, device, start, f"told, to {text(end)}", f"{len(fitting)} told")
        elif (micros(fitting[0]["end"]) or case.cutoff) > end + _SLACK:
            yield Difference(rule, device, start, f"to {text(end)}", f"to {fitting[0]['end']}")
    running = case.truth.rows("SELECT started, cursor FROM session")
    for item in told:
        at = instant(item["start"])
        # Devices that were off, since no simulators ran yet or any more, are rightly told to be silent; and what began shortly
        # before the cutoff was told after it, maybe of a fault that the truth knows of only since.
        if any(started <= at <= cursor - _TOLD_AFTER for started, cursor in running) and _spoke(case, item):
            yield Difference(item["rule"], item["subject"], at, "none", f"to {item['end']}")
    yield None


def _fell_silent(case: Case) -> list[tuple[str, str, str, int, int | None]]:
    """(device, rule, channel, start, end) of each silence. That of a channel lasts until it speaks, not until it could again."""
    found: dict[tuple[str, str, str, int | None], int] = {}
    for device, rule, channel, start, end in case.truth.rows("SELECT * FROM silence ORDER BY start"):
        if channel:
            [(end,)] = case.truth.rows(
                "SELECT min(sent) FROM message JOIN device ON number = device WHERE id = ? AND channel = ? AND sent > ?",
                device, channel, start,
            )  # fmt: skip
        found.setdefault((device, rule, channel, end), start)
    return [(device, rule, channel, start, end) for (device, rule, channel, end), start in found.items()]


def _spoke(case: Case, item: dict[str, Any]) -> bool:
    """Whether a device that is told to be away was there: it sent something meanwhile. What a will told is always checked."""
    if item["rule"] == "offline":
        return True
    channel = item["what"] if item["rule"] == "channel-silent" else None
    rows = case.truth.rows(
        "SELECT 1 FROM message JOIN device ON number = device WHERE id = ? AND sent > ? AND sent < ?"
        " AND coalesce(?, channel) = channel LIMIT 1",
        item["subject"], instant(item["start"]) + _SLACK, (micros(item["end"]) or case.cutoff) - _SLACK, channel,
    )  # fmt: skip
    return bool(rows)


def _told(case: Case) -> list[dict[str, Any]]:
    """The losses of our devices that the platform knows, each once."""
    ours = {row[0] for row in case.truth.rows("SELECT id FROM device")}
    found = {}
    for since, until in ranges(case.truth.start, case.cutoff):
        for rule in ("offline", "silent", "channel-silent"):
            for item in case.api.pages("/v1/conditions", from_=text(since), to=text(until), rule=rule, limit=1000):
                if item["subject"] in ours:
                    found[rule, item["subject"], item["what"], item["start"]] = item
    return list(found.values())


CHECKS = (
    Check("missing numbers", lambda case: len(case.truth.rows("SELECT 1 FROM device")), _gaps),
    Check("quarantine", lambda case: 1, _quarantine),
    Check("silences", lambda case: 1, _silences),
)
