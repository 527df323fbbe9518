"""Services as Docker containers, where an engine answers."""

from __future__ import annotations

import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ops.embedded.process import spawn, stop

MOSQUITTO_IMAGE = "eclipse-mosquitto:2.0.22"
KAFKA_IMAGE = "apache/kafka:4.1.0"
TIMESCALE_IMAGE = "timescale/timescaledb:2.19.3-pg17"  # the version of Debian 13's package


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


class Container:
    """A container run attached: the client passes SIGTERM on and `--rm` removes it, so it dies with us like any child."""

    def __init__(
        self,
        image: str,
        *,
        log: Path,
        ports: Mapping[int, int],
        env: Mapping[str, str] | None = None,
        mounts: Mapping[Path, str] | None = None,
        command: Sequence[str] = (),
    ) -> None:
        """Start it with its `ports` (here -> inside) on loopback, `mounts` (here -> inside), and arguments of its own."""
        self._name = f"compound-tests-{uuid.uuid4().hex[:12]}"
        options = ["--rm", "--init", "--pull=never", "--name", self._name]
        for here, inside in ports.items():
            options += ["-p", f"127.0.0.1:{here}:{inside}"]
        for name, value in (env or {}).items():
            options += ["-e", f"{name}={value}"]
        for path, inside_path in (mounts or {}).items():
            options += ["-v", f"{path}:{inside_path}"]
        self.process = spawn(["docker", "run", *options, image, *command], log=log, death_signal=signal.SIGTERM)

    def stop(self) -> None:
        """Ask what runs inside to end, by the signal that its image names, and wait until the container is gone."""
        subprocess.run(["docker", "stop", "-t", "60", self._name], capture_output=True, check=False)
        stop(self.process)

    def kill(self) -> None:
        """End what runs inside as a crash would, and wait until the container is gone."""
        subprocess.run(["docker", "kill", "--signal=KILL", self._name], capture_output=True, check=False)
        stop(self.process)
