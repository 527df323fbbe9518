"""Child processes that never outlive the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from compound.errors import Mendable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_POLL_S = 0.02


class ServiceError(Mendable):
    """A service that was to be started is not there; the message is one sentence a person can act on."""


@dataclass(frozen=True)
class Account:
    """The system account a service runs under, for services that refuse to run as root."""

    name: str
    uid: int
    gid: int


def dying_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Return a `preexec_fn` that has the kernel send `death_signal` to the child when its parent thread ends.

    The kernel forgets the request when the user id changes, so it is made in `preexec_fn`, which runs after that.
    Start children from a thread that lives as long as the program: it is the thread that counts.
    """
    libc = ctypes.CDLL(None, use_errno=True)  # loaded before the fork: nothing may be imported between fork and exec
    parent = os.getpid()

    def ask() -> None:
        if libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(127)

    return ask


def spawn(
    args: Sequence[str | Path],
    *,
    log: Path | None,
    death_signal: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a service in a session of its own (a Ctrl-C reaches only its parent).

    Its output is appended to `log`; None: it goes where ours goes.
    """
    with log.open("ab") if log else nullcontext() as output:
        return subprocess.Popen(
            [str(arg) for arg in args],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            preexec_fn=dying_with_parent(death_signal),  # noqa: PLW1509 - no lock is taken in it
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            env=None if env is None else dict(env),
            cwd=cwd,
        )


def stop(process: subprocess.Popen[bytes], ask: signal.Signals = signal.SIGTERM, timeout_s: float = 20.0) -> int:
    """Ask the process to end, wait, and kill it when it doesn't; returns its exit code. Harmless when it is gone."""
    if process.poll() is None:
        process.send_signal(ask)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether something accepts connections on this port of the loopback interface."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        return False


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, log: Path, timeout_s: float = 30.0
) -> None:
    """Wait until `ready()`; ServiceError with the end of the log when the process ends before, or time is over."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        code = process.poll()
        if code is not None:
            raise ServiceError(f"{name} ended with code {code} while starting: {tail(log)}")
        if time.monotonic() > deadline:
            stop(process, signal.SIGKILL)
            raise ServiceError(f"{name} was not ready after {timeout_s:.0f} s: {tail(log)}")
        time.sleep(_POLL_S)


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log file as one line of text, or where to look when there are none."""
    try:
        last = log.read_text(errors="replace").strip().splitlines()[-lines:]
    except OSError:
        last = []
    return " | ".join(last) or f"its log {log} is empty"
