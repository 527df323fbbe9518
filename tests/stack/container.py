"""A service as Docker would run it, by namespaces: its own root, mounts and processes, its user, no capabilities."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from ops.embedded.process import ServiceError, spawn, stop, tail
from tests.stack.compose import Mount, Service
from tests.stack.images import Native, native

_DROPPED: Final = ("--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")


class Network:
    """One private network in which every service's name is this machine's loopback; ports are as in the file."""

    def __init__(self, folder: Path) -> None:
        """Made at once. ServiceError where this user or kernel can't."""
        command = ["unshare", "--net", "sh", "-c", "ip link set lo up && exec sleep infinity"]
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            raise ServiceError("docker-compose.yml is run natively in namespaces, which needs Linux and root.")
        self.holder = spawn(command, log=folder / "network.log", death_signal=signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not self._up():
            if self.holder.poll() is not None or time.monotonic() > deadline:
                raise ServiceError(f"A network namespace can't be made: {tail(folder / 'network.log')}")
            time.sleep(0.05)

    def enter(self) -> list[str]:
        """The command that runs what follows in it."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--"]

    def close(self) -> None:
        """End it; what runs in it keeps it."""
        stop(self.holder, signal.SIGKILL)

    def _up(self) -> bool:
        asked = subprocess.run(
            [*self.enter(), "ip", "-brief", "address", "show", "lo"], capture_output=True, text=True, check=False
        )
        mine = Path("/proc/self/ns/net").readlink()
        return "127.0.0.1" in asked.stdout and Path(f"/proc/{self.holder.pid}/ns/net").readlink() != mine


class Container:
    """One service. `folder` keeps its log, and its root's changes while it runs."""

    def __init__(self, service: Service, network: Network, folder: Path, volumes: Path, names: list[str]) -> None:
        self.service = service
        self.log = folder / f"{service.name}.log"
        self._network = network
        self._folder = folder / service.name
        self._volumes = volumes
        self._names = names
        self._native: Native = native(service.image)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with its command."""
        self._folder.mkdir(parents=True, exist_ok=True)
        script = self._folder.with_suffix(".sh")
        command = [*self._native.start, *(self.service.command or self._native.command)]
        script.write_text(
            "\n".join(["set -e", *self._mounting(), f"exec chroot {self._root} {self._as_user(command)}"])
        )
        unshare = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        self._process = spawn([*self._network.enter(), *unshare, "sh", script], log=self.log)

    @property
    def pid(self) -> int:
        """The service's own process, as this machine numbers it; 0 when it isn't there."""
        if self._process is None:
            return 0
        try:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        except OSError:
            return 0
        return int(children[0]) if children else 0

    def wait(self, timeout_s: float) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def ended(self) -> int | None:
        """Its exit code, None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def run(self, *command: str, timeout_s: float = 600.0) -> subprocess.CompletedProcess[str]:
        """Another command inside, with its user and environment, as `docker compose exec` does."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--root", "--wdns=/"]
        line = f"exec {self._as_user(list(command))}"
        return subprocess.run(
            [*enter, "sh", "-c", line], capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def healthy(self) -> bool:
        """Whether the health check of the file passes now."""
        check = self.service.check
        assert check is not None, f"{self.service.name} has no health check"
        try:
            return self.run(*check, timeout_s=30).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def stop(self, ask: signal.Signals = signal.SIGTERM, timeout_s: float = 60.0) -> None:
        """Ask it to end as Docker does, and kill it when it doesn't."""
        if self._process is None:
            return
        if (pid := self.pid) and self._process.poll() is None:
            os.kill(pid, ask)
            with contextlib.suppress(subprocess.TimeoutExpired):  # killed below
                self._process.wait(timeout_s)
        stop(self._process, signal.SIGKILL)
        self._process = None

    def hang_up(self) -> None:
        """SIGHUP: it reads its files again."""
        os.kill(self.pid, signal.SIGHUP)

    def kill(self) -> None:
        """SIGKILL."""
        self.stop(signal.SIGKILL)

    @property
    def _root(self) -> Path:
        return self._folder / "root"

    def _mounting(self) -> list[str]:
        """The commands that lay its root: overlay, what the image brings, what the file mounts, then read-only."""
        uid, gid = self.service.user
        upper, work, root = (shlex.quote(str(self._folder / name)) for name in ("upper", "work", "root"))
        lines = [
            # Links are followed as they are inside: Debian's /var/run is one.
            f'inside() {{ echo "{root}$(chroot {root} realpath -m "$1")"; }}',
            # In memory, and gone with it: an overlay's changes may not lie below what it covers.
            f"mount -t tmpfs tmpfs {shlex.quote(str(self._folder))}",
            f"mkdir {upper} {work} {root}",
            f"mount -t overlay overlay -o lowerdir={self._native.root},upperdir={upper},workdir={work} {root}",
            f"mkdir -p {root}/proc {root}/dev {root}/run/secrets {root}/tmp",  # noqa: S108 - of the container
            f"mount -t proc proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"hostname {self.service.name}",
            f"echo '127.0.0.1 localhost {' '.join(self._names)}' > {root}/etc/hosts",
            f"echo '{self.service.name}:x:{uid}:{gid}::/:/usr/sbin/nologin' >> {root}/etc/passwd",
        ]
        for here, inside in self._native.binds.items():
            lines += [f"chmod o+x {root}{parent}" for parent in here.parents if str(parent) != "/"]
            lines += self._bind(Mount(str(here), inside, read_only=True))
        lines += [line for mount in self.service.mounts for line in self._bind(mount)]
        for path in self.service.tmpfs:
            lines += [f'at="$(inside {path})"', 'mkdir -p "$at"', 'mount -t tmpfs -o mode=1777 tmpfs "$at"']
        if self.service.read_only:
            lines.append(f"mount -o remount,ro {root}")
        elif self.service.image.startswith("apache/kafka"):
            lines.append(f"install -d -o {self.service.user[0]} {root}/opt/kafka/config")  # the image's user owns it
        return lines

    def _bind(self, mount: Mount) -> list[str]:
        source = Path(mount.source)
        if mount.is_volume:
            source = self._volumes / mount.source
            if not source.exists():  # a new volume takes the owner of the image's folder
                source.mkdir(parents=True, mode=0o700)
                os.chown(source, *self.service.user)
        make = 'mkdir -p "$at"' if source.is_dir() else 'mkdir -p "$(dirname "$at")"; touch "$at"'
        lines = [f'at="$(inside {shlex.quote(mount.target)})"', make, f'mount --bind {shlex.quote(str(source))} "$at"']
        return [*lines, 'mount -o remount,bind,ro "$at"'] if mount.read_only else lines

    def _as_user(self, command: list[str]) -> str:
        uid, gid = self.service.user
        env = {**self._native.environment, **self.service.environment, "HOME": "/"}
        said = [f"{name}={value}" for name, value in env.items()]
        return shlex.join(["setpriv", f"--reuid={uid}", f"--regid={gid}", *_DROPPED, "env", "-i", *said, *command])
