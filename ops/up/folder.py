"""The data folder of a running compound: where things lie, who holds it, and how other commands find it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

import msgspec

from compound.errors import Mendable

DEFAULT = Path(".data")


class Running(msgspec.Struct, frozen=True):
    """What `up` tells other commands in `up.json`."""

    pid: int
    api_url: str
    mqtt_url: str
    database_url: str
    log_url: str


class NotRunning(Mendable):
    """No `up` runs on the folder; the text says what to do."""


class Busy(Mendable):
    """Another `up` runs on the folder."""


class DataFolder:
    """One folder, one compound. `lock` before anything is written."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.postgres = self.path / "postgres"
        self.broker = self.path / "broker"
        self.keys = self.path / "keys"
        self.logs = self.path / "logs"
        self.truth = self.path / "truth.db"
        self.progress = self.path / "simulate.json"
        self._running = self.path / "up.json"
        self._held: IO[str] | None = None

    def lock(self) -> None:
        """Hold the folder until this process ends. Raises Busy when another `up` holds it; then nothing was touched."""
        if not self.path.exists():
            self.path.mkdir(parents=True, mode=0o755)
        held = (self.path / "lock").open("a")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            running = self._read()
            where = f" at {running.api_url} (process {running.pid})" if running else ""
            raise Busy(f"`compound up` already runs on {self.path}{where}; nothing was changed.") from None
        self._held = held
        for folder in (self.broker, self.logs):
            folder.mkdir(exist_ok=True)
        self.keys.mkdir(exist_ok=True, mode=0o700)

    def announce(self, running: Running) -> None:
        """Tell other commands; written whole or not at all, readable by the owner alone (it holds a password)."""
        draft = self._running.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.encode(running))
        draft.replace(self._running)

    def retire(self) -> None:
        """Nothing runs any more."""
        self._running.unlink(missing_ok=True)

    def running(self) -> Running:
        """The addresses of the `up` that runs on this folder. Raises NotRunning."""
        found = self._read()
        if found is None or not _alive(found.pid):
            raise NotRunning(f"No `compound up` runs on {self.path}; start it, or name its folder by --data.")
        return found

    def _read(self) -> Running | None:
        try:
            return msgspec.json.decode(self._running.read_bytes(), type=Running)
        except (OSError, msgspec.MsgspecError):
            return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
