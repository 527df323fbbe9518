"""The whole of docker-compose.yml, started in its order, each service when what it waits for is there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ops.embedded.process import ServiceError, tail
from ops.secrets.folder import Folder
from ops.secrets.make import make
from tests.stack.compose import Service, in_order, services
from tests.stack.container import Container, Network
from tests.stack.images import runs_here

_PATIENCE_S = 180.0


class Stack:
    """Every service that has a native counterpart, in one private network."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """Not started. The secrets are made. ServiceError where namespaces can't be."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.secrets = Folder(folder / "secrets")
        make(self.secrets, [])
        found = services({**(settings or {}), "COMPOUND_SECRETS": str(self.secrets.path)})
        self.services = in_order({name: each for name, each in found.items() if runs_here(each.image)})
        self.network = Network(folder)
        names = list(found)
        self.containers = {
            each.name: Container(each, self.network, folder, folder / "volumes", names) for each in self.services
        }

    def start(self, only: Iterable[str] | None = None) -> None:
        """Start them (or those named, and what they depend on is there already). ServiceError when one does not become healthy."""
        for service in self.services:
            if only is None or service.name in set(only):
                self._wait_for(service.depends_on)
                self.containers[service.name].start()
        self._wait_for(
            {each.name: "service_healthy" for each in self.services if each.check and self._wanted(each, only)}
        )

    def stop(self) -> None:
        """End them in the reverse order."""
        for service in reversed(self.services):
            self.containers[service.name].stop()
        self.network.close()

    def compound(self, service: str, *args: str, code: int = 0) -> str:
        """`docker compose exec SERVICE compound ARGS`: what it prints. AssertionError on another exit code."""
        done = self.containers[service].run("compound", *args)
        assert done.returncode == code, f"compound {args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, service: str, *args: str) -> Any:
        """The same with --json."""
        return json.loads(self.compound(service, *args, "--json"))

    @staticmethod
    def _wanted(service: Service, only: Iterable[str] | None) -> bool:
        return only is None or service.name in set(only)

    def _wait_for(self, conditions: Mapping[str, str]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        for name, condition in conditions.items():
            container = self.containers[name]
            if condition == "service_completed_successfully":
                if (code := container.wait(_PATIENCE_S)) != 0:
                    raise ServiceError(f"{name} ended with code {code}: {tail(container.log)}")
                continue
            while not container.healthy():
                if (ended := container.ended()) is not None:
                    raise ServiceError(f"{name} ended with code {ended}: {tail(container.log)}")
                if time.monotonic() > deadline:
                    raise ServiceError(f"{name} did not become healthy: {tail(container.log)}")
                time.sleep(0.5)
