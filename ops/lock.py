"""Compute the lock files: `make lock`, or `make lock ARGS=--upgrade` for the newest versions.

Each is a requirements file with hashes for every platform and Python from 3.11 on, without addresses or paths, so that
any registry or mirror serves it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parent.parent
LOCKS = {
    "requirements-build.lock": ("--group", "build"),
    "requirements.lock": ("pyproject.toml",),
    "requirements-dev.lock": ("pyproject.toml", "--group", "dev"),
}
_OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header", "--quiet", "--system-certs"),
)


def main() -> int:
    """Write the three files beside pyproject.toml; versions that are in them already stay, unless --upgrade."""
    uv = Path(sys.prefix) / "bin" / "uv"
    for name, what in LOCKS.items():
        print(f"{name} …", flush=True)
        command = [str(uv), "pip", "compile", *what, *_OPTIONS, *sys.argv[1:], "-o", name]
        code = subprocess.run(command, cwd=_ROOT, check=False).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
