"""Where test services keep their data: one folder a pytest process, gone with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "compound-tests-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there is this user's alone
_ROOM = 4 << 30


def make_run_folder() -> Path:
    """A new folder for this process's services; folders that killed processes left behind are removed first.

    In memory where there is room: it outlives a killed process as a disk does, and a copy of a database costs a
    twentieth of the processor time.
    """
    disk = Path(tempfile.gettempdir())
    for left in (*disk.glob(f"{_PREFIX}*"), *_MEMORY.glob(f"{_PREFIX}*")):
        _remove_if_left(left)
    root = _MEMORY if _has_room(_MEMORY) else disk
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))


def _remove_if_left(folder: Path) -> None:
    pid = folder.name.removeprefix(_PREFIX).split("-")[0]
    with contextlib.suppress(FileNotFoundError):  # another worker was first
        if pid.isdigit() and not _alive(int(pid)) and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ROOM


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another's
        return True
    return True
