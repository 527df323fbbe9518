"""Debian 13's PostgreSQL with TimescaleDB (Apache edition), in a folder of the cache, run by this machine as it is.

The folder is a small Debian of its own, made by debootstrap. Its programs are started by its own loader with its own
libraries, so any Linux with the same processor runs them, without chroot and as any user.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from ops.embedded.process import ServiceError

FOLDER: Final = Path(__file__).parent / ".cache" / "trixie"

_PACKAGES: Final = ("postgresql-17", "postgresql-17-timescaledb")
_BIN: Final = Path("usr/lib/postgresql/17/bin")

# Stands in the place of a program, which is moved aside: initdb starts its neighbour postgres.
_STARTER: Final = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
root=$here/../../../../..
exec "$root{loader}" --argv0 "$0" --library-path "$root/{libraries}" "$here/{name}.elf" "$@"
"""


def there() -> bool:
    """Whether the folder is there, whole."""
    return (FOLDER / "complete").exists()


def programs() -> Path:
    """The folder of PostgreSQL's programs. ServiceError when it isn't there."""
    if not there():
        raise ServiceError("TimescaleDB is not there; run `make services`.")
    return FOLDER / _BIN


def make() -> None:
    """Make the folder by debootstrap (as root), beside and then renamed: only a whole one has its name.

    The mirror is the one that this machine's own apt uses. ServiceError when there is none or it can't be done.
    """
    mirror = _mirror()
    draft = FOLDER.with_name(f"{FOLDER.name}.{os.getpid()}")
    FOLDER.parent.mkdir(exist_ok=True)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _debootstrap(draft, mirror)
        for name in ("postgres", "initdb"):
            _wrap(draft, name)
        (draft / "complete").touch()
        draft.rename(FOLDER)
    except OSError:
        if not there():  # no other was first
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _debootstrap(root: Path, mirror: str) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", "trixie", str(root), mirror]
    env = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}  # not on everybody's path
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print("\n".join((done.stdout + done.stderr).splitlines()[-20:]), file=sys.stderr)
        raise ServiceError("TimescaleDB can't be fetched by debootstrap; its messages are above.")
    for left in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / left)


def _mirror() -> str:
    """The Debian mirror of this machine's apt sources."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=False
    )
    found = sorted({uri.rstrip("/") for uri in asked.stdout.split() if uri.rstrip("/").endswith("/debian")})
    if not found:
        raise ServiceError(
            "TimescaleDB is missing: this machine's apt sources name no Debian mirror; start a Docker engine."
        )
    return found[0]


def _wrap(root: Path, name: str) -> None:
    """Have the program started by the loader that it names, of this root."""
    program = root / _BIN / name
    interpreter = re.search(rb"(/lib[\w/.+-]*/ld-linux[\w.-]+)\0", program.read_bytes()[:4096])
    libraries = next((root / "usr/lib").glob("*-linux-gnu*"), None)
    if interpreter is None or libraries is None:
        raise ServiceError(f"{program} is no program of a Debian that is known here.")
    program.rename(program.with_name(f"{name}.elf"))
    program.write_text(
        _STARTER.format(loader=interpreter[1].decode(), libraries=libraries.relative_to(root), name=name)
    )
    program.chmod(0o755)
