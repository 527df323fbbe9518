"""Services as Docker containers, where an engine answers."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ops.embedded.process import spawn

MOSQUITTO_IMAGE = "eclipse-mosquitto:2.0.22"
KAFKA_IMAGE = "apache/kafka:4.1.0"


@cache
def engine_answers() -> bool:
    """Whether there is a Docker engine, not only its client."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, timeout=20, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def run_container(
    image: str,
    *,
    log: Path,
    ports: Mapping[int, int],
    env: Mapping[str, str] | None = None,
    mounts: Mapping[Path, str] | None = None,
    command: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Run a container attached, its `ports` (here -> inside) on loopback.

    The client passes SIGTERM on to the container and `--rm` removes it, so it dies with us like any other child.
    """
    options = ["--rm", "--init", "--pull=never"]
    for here, inside in ports.items():
        options += ["-p", f"127.0.0.1:{here}:{inside}"]
    for name, value in (env or {}).items():
        options += ["-e", f"{name}={value}"]
    for path, inside_path in (mounts or {}).items():
        options += ["-v", f"{path}:{inside_path}:ro"]
    return spawn(["docker", "run", *options, image, *command], log=log, death_signal=signal.SIGTERM)
