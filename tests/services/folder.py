"""Where test services keep their data: one folder a pytest process, gone with it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "compound-tests-"


def make_run_folder() -> Path:
    """A new folder for this process's services; folders that killed processes left behind are removed first."""
    root = Path(tempfile.gettempdir())
    for left in root.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not _alive(int(pid)) and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another's
        return True
    return True
