"""A compound as a person runs it: `compound up` as a process, other commands beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx

from ops.embedded.process import spawn

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "ops.cli")


class Running:
    """`compound up` on a folder; `with` starts it and ends it by Ctrl-C (SIGINT)."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._output = data.with_name(data.name + ".out")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def said(self) -> str:
        """What `up` printed until now."""
        return self._output.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """Process id of `up`."""
        assert self._process is not None
        return self._process.pid

    def start(self, timeout_s: float = 900.0) -> None:
        """Start and wait for the table of addresses."""
        before = len(self.said) if self._output.exists() else 0
        args = [*COMMAND, "up", "--data", str(self.data), *self._options]
        self._process = spawn(args, log=self._output, death_signal=signal.SIGTERM, cwd=ROOT)
        process = self._process
        try:
            wait_for(lambda: "Ctrl-C stops" in self.said[before:] or process.poll() is not None, timeout_s)
            assert process.poll() is None, "it ended"
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"up did not start, {error}: {self.said[-3000:]}") from None

    def stop(self, timeout_s: float = 180.0) -> int:
        """Ctrl-C; the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout_s)

    def roles(self) -> dict[str, int]:
        """Role -> process id of the processes that `up` started."""
        found = {}
        for pid in children(self.pid):
            args = cmdline(pid)
            if "ops.cli" in args:
                found[" ".join(args[args.index("ops.cli") + 1 :])] = pid
        return found

    def kill(self, role: str) -> int:
        """SIGKILL the first role whose command begins with `role`; its process id."""
        pid = next(pid for command, pid in self.roles().items() if command.startswith(role))
        os.kill(pid, signal.SIGKILL)
        return pid

    def run(self, *args: str, code: int = 0, errors: bool = False) -> str:
        """Another command on this folder; its output (or what it says on stderr). Fails on another exit code."""
        done = command(*args, "--data", str(self.data))
        assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if errors else done.stdout

    def json(self, *args: str) -> Any:
        """Another command's `--json`."""
        return json.loads(self.run(*args, "--json"))

    def get(self, path: str) -> Any:
        """The API's answer."""
        url = json.loads((self.data / "up.json").read_bytes())["api_url"]
        return httpx.get(f"{url}{path}", trust_env=False, timeout=60).raise_for_status().json()

    def pages(self, path: str, **query: Any) -> list[Any]:
        """All items of a paged answer of the API."""
        items, cursor = [], None
        while True:
            page = self.get(f"{path}?{urlencode(query | ({'cursor': cursor} if cursor else {}))}")
            items += page["items"]
            if (cursor := page["next"]) is None:
                return items

    def lag(self) -> int:
        """Records that some domain has not read."""
        return sum(item["lag"] or 0 for item in self.get("/v1/lag")["items"])

    def settle(self, timeout_s: float = 300.0) -> None:
        """Wait until all is read, twice in a row."""
        quiet = 0

        def still() -> bool:
            nonlocal quiet
            quiet = quiet + 1 if self.lag() == 0 else 0
            return quiet >= 3

        wait_for(still, timeout_s, pause_s=0.7)


def command(*args: str, timeout_s: float = 600.0) -> subprocess.CompletedProcess[str]:
    """Run `compound ARGS` to its end."""
    return subprocess.run([*COMMAND, *args], capture_output=True, text=True, cwd=ROOT, timeout=timeout_s, check=False)


def wait_for(true: Callable[[], object], timeout_s: float, pause_s: float = 0.2) -> None:
    """Wait until `true()`; AssertionError when it isn't in time."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        time.sleep(pause_s)


def children(pid: int) -> Sequence[int]:
    """Process ids of the direct children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def cmdline(pid: int) -> list[str]:
    """The arguments of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []
