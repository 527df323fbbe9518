"""PostgreSQL's own programs: which are here, and running one on a database given by its URL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ops.embedded.postgres import binaries
from ops.embedded.process import ServiceError

_DEBIAN = Path("/usr/lib/postgresql")
_POLL_S = 0.2


def program(name: str, at_least: int) -> Path:
    """The path of `name` (pg_dump, pg_restore) of the lowest major version that is at least `at_least`.

    Looked for on PATH, where Debian keeps it, and among the embedded server's. Raises ServiceError.
    """
    found = sorted((major, path) for path in _candidates(name) if (major := _major(path)) >= at_least)
    if not found:
        raise ServiceError(
            f"{name} of version {at_least} or newer is missing: install it (Debian: postgresql-client-{at_least})."
        )
    return found[0][1]


def run(args: Sequence[str | Path], url: str, told: Callable[[], None] = lambda: None) -> None:
    """Run a program on the database at `url` until it ends; `told` is called now and then.

    The password goes by the environment, where others don't see it. Raises ServiceError with what it said.
    """
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    env = {**os.environ, "PGPASSWORD": parts.pop("password", "")}
    command = [*map(str, args), f"--dbname={make_conninfo(**parts)}"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=said)
        try:
            while process.poll() is None:
                told()
                time.sleep(_POLL_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            said.seek(0)
            raise ServiceError(f"{Path(args[0]).name} failed: {' | '.join(said.read().strip().splitlines()[-3:])}")


def _candidates(name: str) -> Iterator[Path]:
    if (path := shutil.which(name)) is not None:
        yield Path(path)
    yield from _DEBIAN.glob(f"*/bin/{name}")
    if (embedded := binaries() / name).exists():
        yield embedded


def _major(path: Path) -> int:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\b(\d+)\.?\d*", told)
    return int(found[1]) if found else 0
