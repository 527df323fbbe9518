"""What a meter's register shows, and what can be counted on."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import clock
from simulators.clock import MINUTE, QUARTER
from simulators.demo.meters import BY_KEY, Meter
from simulators.devices import registers
from simulators.devices.registers import Counter, RegisterDay
from simulators.faults.scenario import Fault

START = clock.midnight(date(2026, 10, 28), "Asia/Shanghai")
LOADS = st.lists(st.integers(0, 9_000), min_size=96, max_size=96)


def _day(meter: Meter, loads: list[int], faults: list[Fault], left: int | None = None) -> RegisterDay:
    before = registers.first(meter, "import_wh", 0.3, left, START)
    return registers.of_day(meter, "import_wh", START, np.array(loads, np.int64), before, faults)


def _fault(kind: str, begin: int, end: int, **more: object) -> Fault:
    return Fault(kind, "m", START + begin, START + end, more)


@given(LOADS, st.sampled_from(["b1", "b1-f3", "b3-sign", "main"]))
def test_metered_is_the_register_in_whole_watt_hours(loads: list[int], key: str) -> None:
    meter = BY_KEY[key]
    shown, metered = _day(meter, loads, []).quarters()
    unwrapped = shown - shown[0]
    assert (unwrapped >= 0).all()
    assert not (unwrapped % meter.step).any()
    floor = shown * meter.ratio.numerator // meter.ratio.denominator
    assert (metered - metered[0] == floor - floor[0]).all()
    assert abs(int(metered[-1]) - sum(loads)) <= max(int(meter.step * meter.ratio), 1)


@given(LOADS, st.integers(10, 500_000))
def test_a_rollover_wraps_the_register_and_nothing_else(loads: list[int], left: int) -> None:
    meter = BY_KEY["b1-f3"]
    shown, metered = _day(meter, loads, [], left).quarters()
    assert ((shown >= 0) & (shown < meter.modulus)).all()
    steps = np.diff(shown) % meter.modulus
    assert (steps == np.diff(metered)).all()


def test_a_recorded_replacement_counts_all_but_the_swap() -> None:
    meter = BY_KEY["b1-f3"]
    fault = _fault("replacement", 35 * MINUTE, 40 * MINUTE, recorded=True, start=120, serial="new")
    day = _day(meter, [3000] * 96, [fault])
    shown, metered = day.quarters()
    assert int(metered[3] - metered[2]) == 2000  # five of fifteen minutes are missing
    assert int(metered[4] - metered[3]) == 3000
    (_, swap), *rest = day.swaps
    assert not rest
    assert (swap.start, swap.serial) == (120, "new")
    assert int(shown[3]) == 120 + 1000
    assert swap.final == int(shown[2]) + 1000


def test_a_replacement_without_record_counts_between_readings_only() -> None:
    fault = _fault("replacement", 35 * MINUTE, 40 * MINUTE, recorded=False, start=0)
    shown, metered = _day(BY_KEY["b1-f3"], [3000] * 96, [fault]).quarters()
    assert int(metered[3] - metered[2]) == 0
    assert int(metered[4] - metered[3]) == 3000
    assert int(shown[3]) == 1000


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("hours", [1, 2, 26, 30])
def test_a_replacement_may_last_over_midnight(hours: int, recorded: bool) -> None:
    """Begun an hour before midnight, over after `hours`: all is counted but the time between."""
    meter, load = BY_KEY["b1-f3"], np.full(96, 3000, np.int64)
    more = {"recorded": recorded, "start": 120}
    fault = _fault("replacement", 23 * clock.HOUR, (23 + hours) * clock.HOUR, **more)
    carried, swaps, metered = registers.first(meter, "import_wh", 0.3, None, START), [], []
    for number in range(3):
        day = registers.of_day(meter, "import_wh", START + number * clock.DAY, load, carried, [fault])
        swaps += day.swaps
        metered += day.quarters()[1][:96].tolist()
        carried = day.carry()
    ((_, swap),) = swaps
    assert (swap.removed_at, swap.installed_at, swap.start) == (fault.start, fault.end, 120)
    assert swap.final == _day(meter, [3000] * 96, []).quarters()[0][92]
    steps = np.diff(metered)
    assert set(steps[92 : 92 + 4 * hours]) == {0}
    assert set(np.delete(steps, np.s_[92 : 92 + 4 * hours])) == {3000}
    assert carried.removed is None


def test_a_stuck_register_counts_nothing_and_goes_on_from_there() -> None:
    fault = _fault("stuck", 4 * QUARTER, 8 * QUARTER)
    day = _day(BY_KEY["b1-f3"], [3000] * 96, [fault])
    shown, metered = day.quarters()
    assert shown[4] == shown[8]
    assert int(metered[-1]) == 92 * 3000
    assert int(day.true[-1] - day.true[0]) == 96 * 3000


@given(LOADS)
def test_midnight_changes_nothing(loads: list[int]) -> None:
    meter = BY_KEY["b3-sign"]
    first = _day(meter, loads, [])
    second = registers.of_day(meter, "pulses", START + clock.DAY, np.array(loads, np.int64), first.carry(), [])
    assert [int(row[-1]) for row in first.quarters()] == [int(row[0]) for row in second.quarters()]


@pytest.mark.parametrize("minute", [0, 7, 14, 15, 100])
def test_between_quarter_hours_the_load_is_even(minute: int) -> None:
    day = _day(BY_KEY["b1-f3"], [900] * 96, [])
    assert day.read(START + minute * MINUTE)[1] == minute * 60 // 10 * 10


def test_a_counter_goes_through_json() -> None:
    import msgspec

    carried = _day(BY_KEY["b1"], [100] * 96, [_fault("replacement", 23 * clock.HOUR, 25 * clock.HOUR)]).carry()
    assert carried.removed is not None
    assert msgspec.json.decode(msgspec.json.encode(carried), type=Counter) == carried
