"""P3 and P4 over the whole domain: the same events and registry give the same facts, in whatever way they came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compound.events import Event
from compound.timeutil import MINUTE, QUARTER, text
from tests.services.databases import ON_POSTGRESQL
from tests.support.energy import at
from tests.support.energy_rig import EnergyRig, reading

START = at("00:00")
Change = tuple[str, str, dict[str, Any] | None, str]


@st.composite
def readings(draw: st.DrawFn) -> list[Event]:
    """Two meters with registers and one with interval data: spikes, conflicts, swaps, gaps."""
    events: list[Event] = []
    for device in ("m1", "m2"):
        value, time, serial = draw(st.integers(0, 10**6)), START, None
        for n in range(draw(st.integers(0, 60))):
            time += draw(st.sampled_from([QUARTER, QUARTER, QUARTER, 7 * MINUTE, 3 * QUARTER]))
            value += draw(st.integers(0, 2_000))
            what = draw(st.sampled_from(["good"] * 14 + ["spike", "drop", "both", "swap", "serial"]))
            if what == "swap":
                value = draw(st.integers(0, 10**4))
            if what == "serial":
                serial = draw(st.sampled_from(["A", "B"]))
            extra = {} if serial is None else {"serial": serial}
            shown = {"spike": value + 5 * 10**6, "drop": value // 3}.get(what, value)
            events.append(reading(device, time, n, import_wh=shown, **extra))
            if what == "both":
                events.append(reading(device, time, n, import_wh=value + draw(st.sampled_from([1, 10**6])), **extra))
    for n in range(draw(st.integers(0, 20))):
        time = START + (n + 1) * QUARTER + draw(st.sampled_from([0, 0, 0, 0, 5 * MINUTE]))
        seconds = draw(st.sampled_from([900, 900, 900, 3600]))
        events.append(reading("m3", time, n, interval_s=seconds, interval_wh=draw(st.integers(0, 3_000))))
    return events


def _meter(point: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "meter", "site": "demo", "point": point, "rated_w": 10_000, **fields}


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """The registration of the meters, and what changes of it, in the order of the registry's own log."""
    long_ago = text(START - 10**12)
    made: list[Change] = [("device", device, _meter("here"), long_ago) for device in ("m1", "m2", "m3")]
    for n in range(draw(st.integers(0, 5))):
        since = START + draw(st.integers(1, 60)) * 10 * MINUTE
        device = draw(st.sampled_from(["m1", "m2", "m3"]))
        gap = draw(st.sampled_from([0, 5 * MINUTE, QUARTER]))
        record = {
            "device": device, "register": "import_wh", "removed_at": text(since), "installed_at": text(since + gap),
            "final": draw(st.integers(0, 10**6)), "start": draw(st.integers(0, 10**6)),
        }  # fmt: skip
        made.append(
            draw(
                st.sampled_from([
                    ("device", device, _meter("here", ct="40"), text(since)),
                    ("device", device, _meter("there"), text(since)),
                    ("device", device, _meter("here", rated_w=1_000, serial="A"), text(since)),
                    ("device", device, _meter("here", rated_w=10**6), long_ago),
                    ("device", device, None, text(since)),
                    ("replacement", f"r{n}", record, long_ago),
                    ("replacement", "r0", None, long_ago),
                    ("choice", f"c{n}", {"device": device, "register": "import_wh", "time": text(START + n * QUARTER),
                                         "value": record["final"], "reason": "seen"}, long_ago),
                    ("site", "demo", {"timezone": "Asia/Kathmandu", "latitude": 1.0, "longitude": 2.0}, long_ago),
                ])
            )
        )  # fmt: skip
    return made


def prepare(rig: EnergyRig) -> None:
    """A database as new, with a site and two places."""
    rig.domain.forget()
    tables = "series, place, serial, sky, seat, point, mark, segment, quarter, day, subject, due, told"
    rig.conn.execute(f"TRUNCATE {tables}, registry.item, registry.stale")
    rig.site()
    for point in ("here", "there"):
        rig.register("point", point, {"type": "meter", "site": "demo", "medium": "electricity"})


def straight(rig: EnergyRig, events: Sequence[Event], registry: Sequence[Change]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything known first, then all events at once."""
    prepare(rig)
    for change in registry:
        rig.register(*change)
    rig.send(events)
    rig.settle()
    return rig.facts()


def mixed(
    rig: EnergyRig, events: Sequence[Event], registry: Sequence[Change], random: Random
) -> dict[str, list[tuple[Any, ...]]]:
    """Shuffled and repeated, in batches, the registry's changes among them, workers that come and go."""
    prepare(rig)
    pool: list[Event | Change] = [*events, *random.sample(list(events), len(events) // 3)]
    if random.random() < 0.7:
        random.shuffle(pool)
    places = sorted(random.randrange(len(pool) + 1) for _ in registry)
    for place, change in reversed(list(zip(places, registry, strict=True))):  # from the back: their order stays
        pool.insert(place, change)
    held: list[Event] = []
    for each in pool:
        if isinstance(each, Event):
            held.append(each)
        else:
            rig.send(held)
            held = []
            rig.register(*each)
        if random.random() < 0.1:
            rig.send(held)
            held = []
        if random.random() < 0.05:
            rig.settle()
        if random.random() < 0.05:
            rig.domain.forget()
    rig.send(held)
    rig.settle()
    return rig.facts()


@given(readings(), changes(), st.randoms(use_true_random=False))
@ON_POSTGRESQL
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_p3_order_does_not_matter(
    make_rig: Callable[[], EnergyRig], events: list[Event], registry: list[Change], random: Random
) -> None:
    """P3."""
    rig = _rig(make_rig)
    expected = straight(rig, events, registry)
    found = mixed(rig, events, registry, random)
    for name, rows in expected.items():
        assert found[name] == rows, name
    _conserved(rig)


_rigs: dict[int, EnergyRig] = {}


def _rig(make: Callable[[], EnergyRig]) -> EnergyRig:
    """One rig for all examples of a test."""
    if id(make) not in _rigs:
        _rigs.clear()
        _rigs[id(make)] = make()
    return _rigs[id(make)]


def _conserved(rig: EnergyRig) -> None:
    """P4: quarter hours, days and segments say the same of every series."""
    query = (
        "SELECT s.id, coalesce((SELECT sum(last - first) FROM segment WHERE series = s.id), 0),"
        " coalesce((SELECT sum(quantity) FROM quarter WHERE series = s.id), 0),"
        " coalesce((SELECT sum(quantity) FROM day WHERE series = s.id), 0) FROM series s"
    )
    for series, segments, quarters, days in rig.rows(query):
        assert segments == quarters == days, series


def test_a_batch_that_was_rolled_back_and_comes_again_counts_once(rig: EnergyRig) -> None:
    """A crash before the commit."""
    rig.meter("m1")
    events = [reading("m1", START + n * QUARTER, n, import_wh=100 * n) for n in range(30)]
    rig.send(events[:10])
    with rig.conn.transaction(force_rollback=True):
        rig.send(events[10:20])
    rig.domain.forget()
    rig.send(events[10:])
    assert rig.rows("SELECT sum(quantity) FROM day") == [(2_900,)]
