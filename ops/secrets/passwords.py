"""Mosquitto's password file: a line a user, `name:$7$iterations$salt$hash` (PBKDF2-HMAC-SHA512), as mosquitto_passwd writes."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from typing import Final

from ops.secrets.folder import Folder, new_password

FILE: Final = "mosquitto_passwords"
PLATFORM: Final = ("ingest", "platform", "simulators", "health")
"""Users that are no devices; what each may do says deploy/mosquitto/acl."""
DEVICE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id as the MQTT contract has it."""

_ITERATIONS = 101
"""Mosquitto's own number. More would slow each connection down; what protects is that passwords are random."""
_SALT_BYTES = 12


def users(folder: Folder) -> list[str]:
    """The users that have a password."""
    return [line.split(":", 1)[0] for line in _lines(folder)]


def give(folder: Folder, user: str, password: str | None = None) -> str:
    """Give `user` a password, a new one unless said, instead of one it may have; the password."""
    password = password or new_password()
    rest = [line for line in _lines(folder) if not line.startswith(f"{user}:")]
    folder.write(FILE, "".join(f"{line}\n" for line in [*rest, f"{user}:{hashed(password)}"]))
    return password


def take(folder: Folder, user: str) -> None:
    """`user` has no password any more."""
    folder.write(FILE, "".join(f"{line}\n" for line in _lines(folder) if not line.startswith(f"{user}:")))


def hashed(password: str) -> str:
    """The password as Mosquitto keeps it."""
    salt = os.urandom(_SALT_BYTES)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, 64)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def _lines(folder: Folder) -> list[str]:
    return folder.read(FILE).splitlines() if folder.has(FILE) else []
