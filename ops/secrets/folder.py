"""The folder of secrets: who may read it, and how a file of it is written.

The folder is its owner's alone (0700), the files in it are readable by all (0444): nobody on the machine gets to them,
while a container sees exactly the files that are mounted into it, whatever the user inside is called and however user ids
are mapped. The authority's key is mounted nowhere and stays 0400.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from compound.settings import SettingsError

SHOWN, HIDDEN = 0o444, 0o400


class Folder:
    """One folder of secrets; made when it isn't there. Raises SettingsError when others may enter it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = stat.S_IMODE(self.path.stat().st_mode)
        except OSError as error:
            raise SettingsError(f"{self.path} can't be the folder of secrets: {error.strerror}.") from None
        if mode & 0o077:
            raise SettingsError(f"Others may enter {self.path}; run `chmod 700 {self.path}` first.")

    def file(self, name: str) -> Path:
        """Where the secret called `name` lies."""
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return self.file(name).exists()

    def read(self, name: str) -> str:
        """Its text. Raises SettingsError when it isn't there."""
        try:
            return self.file(name).read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"{self.file(name)} can't be read: {error.strerror}; `compound secrets init` makes it."
            ) from None

    def write(self, name: str, text: str, mode: int = SHOWN) -> None:
        """Write the file, in place where it is there: a container holds the file itself, and would not see another one."""
        path = self.file(name)
        if path.exists():
            path.chmod(0o600)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        path.chmod(mode)


def new_password() -> str:
    """192 random bits, in characters that any URL, file or shell takes as they are."""
    return secrets.token_urlsafe(24)
