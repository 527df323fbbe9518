"""From the registry to the spans of a series: where its meter sat, with which parameters, and who replaced it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from compound.registry.model import Choice, InverterDevice, MeterDevice, MeterPoint, Replacement
from compound.registry.timeline import Placement, Registry
from compound.timeutil import DAY, SECOND, parse
from processors.energy.meter import Meter, bounded
from processors.energy.registers import Span

ACC32 = 2**32
"""Modulus of an inverter's energy counter (SunSpec 103, WH)."""

_LARGEST_WRAP = 2**61
"""Wh or litres of one round of a register: more digits than that make no difference."""
_FLOWS = ("volume_l", "interval_l")
_KINDS = {"energy_wh": InverterDevice}

_LARGEST_INTERVAL = 366 * DAY

Number = Callable[[str, tuple[object, ...]], int]
"""The number of a text or a pair in one of the tables `place`, `serial`, `sky`."""


class Records(NamedTuple):
    """What people wrote down of the registers of one series, newest knowledge."""

    replacements: list[Replacement]
    choices: dict[int, int]
    """Time (µs) -> the value that was picked of those read at it."""


class RecordBook:
    """The replacements and choices of a registry, by series."""

    def __init__(self, registry: Registry) -> None:
        self._found: dict[tuple[str, str], Records] = {}
        for kind in ("replacement", "choice"):
            for item_id in registry.ids(kind):
                item = registry.versions(kind, item_id)[-1].item
                if isinstance(item, Replacement):
                    self.of(item.device, item.register).replacements.append(item)
                elif isinstance(item, Choice):
                    self.of(item.device, item.register).choices[parse(item.time)] = item.value
        for records in self._found.values():
            records.replacements.sort(key=lambda item: parse(item.removed_at))

    def of(self, subject: str, what: str) -> Records:
        """The records of one series."""
        return self._found.setdefault((subject, what), Records([], {}))


def spans_of(registry: Registry, book: RecordBook, subject: str, what: str, number: Number) -> list[Span]:
    """The spans of a series, by time; none where nothing that can be judged is registered for it."""
    spans: list[Span] = []
    for placement in registry.placements(subject):
        meter = _meter(registry, placement, what, number)
        if meter is None:
            continue
        serial = getattr(placement.device, "serial", None)
        span = Span(
            since=placement.since,
            until=placement.until,
            meter=meter,
            place=number("place", (placement.point_id,)),
            serial=number("serial", (serial,)) if serial else 0,
        )
        before = spans[-1] if spans else None
        if before and before.until == span.since:
            span = span._replace(continues=True)
            if before._replace(since=0, until=0, continues=True) == span._replace(since=0, until=0):
                spans[-1] = before._replace(until=span.until)
                continue
        spans.append(span)
    for record in book.of(subject, what).replacements:
        spans = _replace(spans, record, number)
    return spans


def _replace(spans: list[Span], record: Replacement, number: Number) -> list[Span]:
    """Cut the spans at a replacement: nothing is in place between removal and installation (DOMAIN, Replacement)."""
    removed, installed = parse(record.removed_at), parse(record.installed_at)
    found: list[Span] = []
    for span in spans:
        if span.since < removed:
            closing = record.final if removed <= span.until else span.closing
            found.append(span._replace(until=min(span.until, removed), closing=closing))
        if span.until > installed:
            begins = span.since <= installed
            after = span._replace(since=max(span.since, installed))
            if begins:
                after = after._replace(
                    opening=record.start, continues=False, serial=_installed(span, record, removed, number)
                )
            found.append(after)
    return found


def _installed(span: Span, record: Replacement, removed: int, number: Number) -> int:
    """Serial of the installed register: that of the record, else of the device where its version came with it."""
    if record.serial:
        return number("serial", (record.serial,))
    return span.serial if span.since >= removed else 0


def _meter(registry: Registry, placement: Placement, what: str, number: Number) -> Meter | None:
    """Parameters of one register of a placed device; None when it has no such register or no rated power or flow for it."""
    device, point = placement.device, placement.point
    if not isinstance(device, _KINDS.get(what, MeterDevice)):
        return None
    if isinstance(device, InverterDevice):
        sky = _sky(registry, placement, number)
        return Meter(ACC32, Fraction(1), 1, device.rated_w, _interval(device), sky)
    if not isinstance(device, MeterDevice):
        return None
    rated = device.rated_l_h if what in _FLOWS else device.rated_w
    if what == "pulses" and rated is None:
        rated = device.rated_l_h
    if rated is None:
        return None
    generates = isinstance(point, MeterPoint) and point.role == "generation" and point.medium == "electricity"
    ratio = bounded(Fraction(device.ct) * Fraction(device.pt) * Fraction(device.unit), 10**6)
    return Meter(
        modulus=min(10**device.digits * device.step, int(_LARGEST_WRAP / ratio), _LARGEST_WRAP),
        ratio=ratio,
        step=device.step,
        rated=rated,
        interval=_interval(device),
        sky=_sky(registry, placement, number) if generates and what != "export_wh" else 0,
    )


def _interval(device: InverterDevice | MeterDevice) -> int:
    return min(device.interval_s * SECOND, _LARGEST_INTERVAL)


def _sky(registry: Registry, placement: Placement, number: Number) -> int:
    versions = registry.versions("site", placement.point.site)
    site = versions[-1].item if versions else None
    return 0 if site is None else number("sky", (site.latitude, site.longitude))


def zone_of(registry: Registry, subject: str) -> str:
    """The zone by which a meter's days are cut: its site's, UTC while none is known."""
    placements = registry.placements(subject)
    try:
        return registry.zone(placements[-1].point.site).key if placements else "UTC"
    except KeyError:
        return "UTC"
