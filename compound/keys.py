"""Keys of personal data: one for each category and month, in a folder only the house can read.

Destroying a key makes everything under it unreadable (or its tokens meaningless) while the log stays as it is.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from compound.timeutil import QUARTER, moment

KEY_BYTES: Final = 64
_NAME = re.compile(r"[a-z]+-\d{4}-\d{2}")


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

    def _month(self, quarter: int) -> str:
        wall = moment(quarter * QUARTER).astimezone(self._zone).replace(tzinfo=None)
        return (wall - self._reset).strftime("%Y-%m")


class Keys:
    """The key folder: `{category}-{YYYY-MM}.key`, 64 random bytes, mode 0600, made on first use.

    Several processes may share the folder: who comes second takes the first one's key. A new key is on the disk
    before it is used, so nothing in the log hangs on a key that a crash could lose.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[tuple[str, str], bytes] = {}

    def get(self, category: str, month: str) -> bytes:
        """The key of `category` in `month`; made when it is the first use. Raises OSError."""
        held = self._held.get((category, month))
        if held is None:
            path = self._path(category, month)
            if not path.exists():
                self._make(path)
            held = self._held[category, month] = self._read(path)
        return held

    def find(self, category: str, month: str) -> bytes:
        """The key of `category` in `month`. Raises KeyLost when there is none."""
        try:
            return self._read(self._path(category, month))
        except FileNotFoundError:
            raise KeyLost(f"the key of {category} in {month} is not in {self._folder}") from None

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
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
