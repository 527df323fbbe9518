"""One run: blows on everything while simulators send, then the proof that nothing was lost, doubled or miscounted."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from compound.events import DEVICE_TOPICS
from ops.client import ApiError
from ops.client import of as api_of
from simulators.clock import DAY
from simulators.truth.lost import restate
from tests.chaos.house import SESSION_S, House
from tests.chaos.proof import arrived, doubles, lost, rate_held
from tests.chaos.schedule import Blow, blows

PATIENCE_S = "600"
QUIET = 12
"""So many looks, a second apart, without anything new: an ingest waits for its broker five seconds at most."""


def prove(house: House, seed: int, kills: int, days: int, rate: float) -> list[str]:
    """Start the house, run, and end it; what is wrong, in words."""
    try:
        house.start()
        return run(house, seed, kills, days, rate)
    finally:
        house.stop()


def hit(house: House, blow: Blow) -> None:
    """One blow, and the target up again."""
    _rest(house, blow.rest_s)
    if blow.action == "pause":
        house.signal(blow.target, signal.SIGSTOP)
        try:
            _rest(house, blow.lasts_s)
        finally:
            house.signal(blow.target, signal.SIGCONT)
        return
    house.signal(blow.target, signal.SIGKILL)
    _rest(house, blow.lasts_s)
    house.revive(blow.target)


def settle(house: House) -> list[str]:
    """Wait until the broker has nothing more for ingest, and no domain has anything to read."""
    quiet, before, items = 0, -1, []
    deadline = time.monotonic() + float(PATIENCE_S)
    with closing(api_of(house.data.path)) as api:
        while quiet < QUIET:
            _rest(house, 1.0)
            try:
                items = api.get("/v1/lag")["items"]
            except ApiError:
                quiet = 0
                continue
            held = sum(item["head"] or 0 for item in items if item["topic"] in DEVICE_TOPICS)
            quiet = quiet + 1 if held == before and all(item["lag"] == 0 for item in items) else 0
            before = held
            if time.monotonic() > deadline:
                return [f"not read to the end: {[item for item in items if item['lag']]}"]
    return []


def _cursor(house: House) -> int:
    """Up to where the simulators' messages were acknowledged (µs, simulated); 0 before the first day."""
    if not house.data.truth.exists():
        return 0
    with closing(sqlite3.connect(f"file:{house.data.truth}?mode=ro", uri=True)) as conn:
        return int(conn.execute("SELECT coalesce(max(cursor), 0) FROM session").fetchone()[0])


def _rest(house: House, seconds: float) -> None:
    """Let time pass; the supervisor starts again what died."""
    until = time.monotonic() + seconds
    while True:
        house.watch()
        if (left := until - time.monotonic()) <= 0:
            return
        time.sleep(min(left, 0.2))


def _until(house: House, true: Callable[[], bool]) -> None:
    while not true():
        _rest(house, 0.5)


def history(kills: int) -> int:
    """Days of history that last for so many blows; a fault may be under way at their end."""
    return max(8, kills * 3 // 4)


def run(house: House, seed: int, kills: int, days: int, rate: float) -> list[str]:
    """Hit, let everything come to rest, and compare; what is wrong, in words."""
    began = time.monotonic()
    house.simulate(days, rate, seed)
    _until(house, lambda: _cursor(house) > 0)
    broken: list[tuple[int, int]] = []
    """Where the simulators were, before and after each kill of the broker."""
    done = 0
    for blow in blows(seed, kills, house.targets(), SESSION_S):
        if not house.simulating():
            break
        before = _cursor(house)
        hit(house, blow)
        done += 1
        if (blow.target, blow.action) == ("mosquitto", "kill"):
            broken.append((before, _cursor(house)))
        print(
            f"{time.monotonic() - began:6.1f} s  {done:3d}  {blow.action} {blow.target} {blow.lasts_s:.1f} s",
            flush=True,
        )
    faults = [] if done == kills else [f"the simulators had sent all after {done} of {kills}: more --history"]
    _until(house, lambda: not house.simulating())
    print(f"{time.monotonic() - began:6.1f} s  all is sent", flush=True)
    return faults + compare(house, broken)


def compare(house: House, broken: Sequence[tuple[int, int]]) -> list[str]:
    """Let everything come to rest, and compare with the truth; `broken`: the simulated times at which the broker was killed."""
    faults = settle(house)
    found = arrived(house.url)
    print(f"{rate_held(house.url):,.0f} records a second got into the book, all stops included")
    missing = lost(house.data.truth, found)
    print(f"{sum(found.values()):,} messages in the book, {len(found):,} different; {len(missing)} lost by the broker")
    for key, sent in missing.items():
        if not any(start <= sent + DAY and sent - DAY <= end for start, end in broken):
            faults.append(f"{key} is missing, and no kill of the broker took it")
    if missing:
        restate(house.data.truth, set(missing))
    verified = house.run("verify", "--patience", PATIENCE_S)
    print(verified.stdout[-4000:], verified.stderr[-2000:], flush=True)
    if verified.returncode:
        faults.append("verify finds differences")
    audited = house.run("audit")
    print(audited.stdout[-1000:], flush=True)
    if audited.returncode:
        faults.append("audit finds differences")
    if twice := doubles(house.url):
        faults.append(f"rows twice: {', '.join(twice)}")
    return faults
