"""Keeps the roles' processes running: starts them, says when one crashed, starts it again, stops all in order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from ops.embedded.process import spawn, stop, tail

_STEADY_S = 30.0
_LONGEST_PAUSE_S = 30.0

Say = Callable[[str], None]


@dataclass(slots=True)
class Role:
    """One process: `compound ARGS` with the settings of the compound and those of `env`; `grace_s` to end when asked.

    Neighbours of one `group` (not empty) end at the same time.
    """

    name: str
    args: Sequence[str]
    grace_s: float = 15.0
    env: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    again_at: float = 0.0
    finished: bool = field(default=False)


class Supervisor:
    """Roles in the order in which they start; they stop in the reverse order.

    All starts happen in the thread that calls (children die with it): call from the main thread.
    """

    def __init__(self, env: Mapping[str, str], logs: Path | None, say: Say) -> None:
        """`logs`: a folder with a file for each role; None: their output goes where ours goes."""
        self._env = dict(env)
        self._logs = logs
        self._say = say
        self.roles: list[Role] = []

    def start(self, role: Role) -> None:
        """Start a role and keep it running from now on."""
        self.roles.append(role)
        self._start(role)

    def watch(self) -> None:
        """Look once: restart what crashed (with growing pauses) and say so."""
        now = time.monotonic()
        for role in self.roles:
            if role.process is not None and (code := role.process.poll()) is not None:
                self._ended(role, code, now)
            if role.process is None and not role.finished and now >= role.again_at:
                self._start(role)
                self._say(f"{role.name} is started again.")

    def stop(self) -> None:
        """Ask each role, or group of roles, to end, last started first, and wait for it."""
        for _, together in groupby(reversed(self.roles), key=lambda role: role.group or role.name):
            running = [(role, role.process) for role in together if role.process is not None]
            for _, process in running:
                process.terminate()
            for role, process in running:
                stop(process, signal.SIGTERM, role.grace_s)
                role.process = None

    def pids(self) -> dict[str, int]:
        """Role -> process id, of those that run."""
        return {role.name: role.process.pid for role in self.roles if role.process is not None}

    def _start(self, role: Role) -> None:
        role.process = spawn(
            [sys.executable, "-m", "ops.cli", *role.args],
            log=self._log(role),
            death_signal=signal.SIGKILL,
            env={**self._env, **role.env},
        )
        role.started = time.monotonic()

    def _ended(self, role: Role, code: int, now: float) -> None:
        role.process = None
        if code == 0:
            role.finished = True
            return
        role.crashes = 1 if now - role.started > _STEADY_S else role.crashes + 1
        pause = min(0.5 * 2 ** (role.crashes - 1), _LONGEST_PAUSE_S)
        role.again_at = now + pause
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        log = self._log(role)
        reason = f" ({tail(log, lines=1)})" if log else ""
        self._say(f"{role.name} ended {how}{reason}; starting it again in {pause:.0f} s.")

    def _log(self, role: Role) -> Path | None:
        return self._logs / f"{role.name}.log" if self._logs else None
