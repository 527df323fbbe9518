"""What docker-compose.yml says, as `docker-compose config` understands it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from ops.embedded.process import ServiceError

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"


def configured(env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The outcome of `docker-compose config` with `env`, all profiles on. ServiceError when the program isn't there."""
    program = shutil.which("docker-compose")
    if program is None:
        raise ServiceError("docker-compose is not installed; run `make services`.")
    command = [program, "--file", str(FILE), "--profile", "simulators", "config"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, cwd=ROOT, env={**kept, **env}, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Mount:
    """A folder or file of the host, or a volume, at a path of the container."""

    source: str
    target: str
    read_only: bool

    @property
    def is_volume(self) -> bool:
        """Whether `source` is the name of a volume."""
        return not self.source.startswith("/")


@dataclass(frozen=True)
class Service:
    """One service of the file."""

    name: str
    raw: Mapping[str, Any]
    secrets: Mapping[str, str]
    """Name -> file on the host, of all secrets of the file."""

    @property
    def image(self) -> str:
        return str(self.raw["image"])

    @property
    def user(self) -> tuple[int, int]:
        """uid, gid."""
        uid, gid = str(self.raw["user"]).split(":")
        return int(uid), int(gid)

    @property
    def environment(self) -> dict[str, str]:
        return {name: str(value) for name, value in (self.raw.get("environment") or {}).items()}

    @property
    def command(self) -> list[str]:
        """The arguments, as the container gets them."""
        return [str(part).replace("$$", "$") for part in self.raw.get("command") or []]

    @property
    def check(self) -> list[str] | None:
        """The health check's command; None without one."""
        test = (self.raw.get("healthcheck") or {}).get("test")
        return [str(part).replace("$$", "$") for part in test[1:]] if test else None

    @property
    def depends_on(self) -> dict[str, str]:
        """Service -> condition."""
        return {name: str(of["condition"]) for name, of in (self.raw.get("depends_on") or {}).items()}

    @property
    def mounts(self) -> list[Mount]:
        """Folders, volumes and secrets."""
        return [*map(_mount, self.raw.get("volumes") or []), *self._secret_mounts()]

    @property
    def tmpfs(self) -> list[str]:
        return [str(path) for path in self.raw.get("tmpfs") or []]

    @property
    def read_only(self) -> bool:
        return bool(self.raw.get("read_only"))

    def _secret_mounts(self) -> Iterator[Mount]:
        for secret in self.raw.get("secrets") or []:
            name = secret if isinstance(secret, str) else secret["source"]
            target = name if isinstance(secret, str) else secret.get("target", name)
            yield Mount(self.secrets[name], f"/run/secrets/{target}", read_only=True)


def services(env: Mapping[str, str]) -> dict[str, Service]:
    """The services of the file with `env`. ServiceError when docker-compose refuses the file."""
    done = configured(env)
    if done.returncode != 0:
        raise ServiceError(f"docker-compose.yml is refused: {done.stderr.strip()}")
    found = yaml.safe_load(done.stdout)
    secrets = {name: str(of["file"]) for name, of in found["secrets"].items()}
    return {name: Service(name, raw, secrets) for name, raw in found["services"].items()}


def in_order(found: Mapping[str, Service]) -> list[Service]:
    """The services, each after what it depends on. AssertionError on a circle."""
    done: list[Service] = []
    waiting = dict(found)
    while waiting:
        ready = [each for each in waiting.values() if not set(each.depends_on) & set(waiting)]
        assert ready, f"services that wait for each other: {', '.join(waiting)}"
        for each in ready:
            done.append(waiting.pop(each.name))
    return done


def _mount(volume: Any) -> Mount:
    """Docker Compose 1 prints source:target[:ro], 2 a mapping."""
    if isinstance(volume, str):
        source, target, *mode = volume.split(":")
        return Mount(source, target, "ro" in mode)
    return Mount(str(volume["source"]), str(volume["target"]), bool(volume.get("read_only")))
