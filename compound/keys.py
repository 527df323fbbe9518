"""Keys of personal data: one for each category and month, in a folder only the house can read.

Destroying a key makes everything under it unreadable (or its tokens meaningless) while the log stays as it is. What arrives
late for a month whose key is gone gets a new one, which nothing links to the old.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from compound.timeutil import QUARTER, micros, moment

KEY_BYTES: Final = 64
CATEGORIES: Final = ("access", "parking", "parcels", "quarantine")
"""What keys are for: the three kinds of personal data in events, and what could not be read."""

_NAME = re.compile(r"([a-z]+)-(\d{4}-\d{2})")


class KeyLost(Exception):
    """The key of a category and month isn't in the folder (destroyed, or made on another machine)."""


class Months:
    """The months of personal data: each runs from the night reset of its first day to that of the next, in the
    site's zone, so that no night's visit changes its token half way.
    """

    def __init__(self, zone: ZoneInfo, reset_hour: int) -> None:
        self._zone = zone
        self._reset = timedelta(hours=reset_hour)
        # zones change by whole quarter hours, so a quarter hour has one month
        self._of_quarter = lru_cache(maxsize=4096)(self._month)

    def of(self, time: int) -> str:
        """The month `YYYY-MM` of `time` (microseconds UTC)."""
        return self._of_quarter(time // QUARTER)

    def end(self, month: str) -> int:
        """When `month` (`YYYY-MM`) ends: the night reset of the next one's first day, microseconds UTC."""
        year, number = map(int, month.split("-"))
        first = datetime(year + number // 12, number % 12 + 1, 1) + self._reset  # noqa: DTZ001 - of the wall
        return micros(first.replace(tzinfo=self._zone))

    def _month(self, quarter: int) -> str:
        wall = moment(quarter * QUARTER).astimezone(self._zone).replace(tzinfo=None)
        return (wall - self._reset).strftime("%Y-%m")


class _Held(NamedTuple):
    """A key in memory, good while its file is there."""

    name: str
    key: bytes


class Keys:
    """The key folder: `{category}-{YYYY-MM}.key`, 64 random bytes, mode 0600, made on first use.

    Several processes may share the folder: who comes second takes the first one's key. A new key is on the disk
    before it is used, so nothing in the log hangs on a key that a crash could lose.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[tuple[str, str], _Held] = {}

    def get(self, category: str, month: str) -> bytes:
        """The key of `category` in `month`; made when it is the first use. Raises OSError."""
        held = self._held.get((category, month))
        if held is None or not os.path.exists(held.name):  # noqa: PTH110 - for every token; pathlib takes twice as long
            path = self._path(category, month)
            if not path.exists():
                self._make(path)
            held = self._held[category, month] = _Held(str(path), self._read(path))
        return held.key

    def find(self, category: str, month: str) -> bytes:
        """The key of `category` in `month`. Raises KeyLost when there is none."""
        try:
            return self._read(self._path(category, month))
        except FileNotFoundError:
            raise KeyLost(f"the key of {category} in {month} is not in {self._folder}") from None

    def kept(self) -> list[tuple[str, str]]:
        """(category, month) of every key in the folder, sorted. Raises OSError."""
        if not self._folder.exists():
            return []
        names = (_NAME.fullmatch(path.stem) for path in self._folder.glob("*.key"))
        return sorted((name[1], name[2]) for name in names if name is not None)

    def destroy(self, category: str, month: str) -> None:
        """Destroy a key, durably; harmless when it is gone. Raises OSError.

        Other processes that hold it notice before they use it again. Backups of the folder are not reached: keep them no
        longer than the data.
        """
        self._path(category, month).unlink(missing_ok=True)
        self._held.pop((category, month), None)
        _sync(self._folder)

    def _path(self, category: str, month: str) -> Path:
        name = f"{category}-{month}"
        if not _NAME.fullmatch(name):
            raise ValueError(f"no key can be named {name!r}")
        return self._folder / f"{name}.key"

    @staticmethod
    def _read(path: Path) -> bytes:
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise KeyLost(f"{path} is damaged: {len(key)} bytes instead of {KEY_BYTES}")
        return key

    def _make(self, path: Path) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # written whole under a name of its own, then linked: a key is never seen half written, and the link
        # fails where another process was first
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
        _sync(self._folder)


def _sync(folder: Path) -> None:
    """Have the folder's entries on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
