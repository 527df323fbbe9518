"""A real TimescaleDB for the tests: Community as a container where a Docker engine answers, else Debian's Apache edition."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg

from ops.embedded.postgres import DEFAULTS, EmbeddedPostgres
from ops.embedded.process import free_port, wait_until
from tests.services import trixie
from tests.services.docker import TIMESCALE_IMAGE, Container, engine_answers

SETTINGS: Final[Mapping[str, str]] = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "0",  # no scheduler in each database: one would keep a template from being copied
    "max_locks_per_transaction": "256",  # a query may lock every chunk of a year
}


class TimescaleServer:
    """One PostgreSQL 17 with TimescaleDB preloaded, its data in `folder`; the extension is created by `migrate`."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """Not started yet. ServiceError when nothing has been fetched."""
        settings = {**SETTINGS, **(settings or {})}
        self._server = (
            _TimescaleContainer(folder, settings)
            if engine_answers()
            else EmbeddedPostgres(folder, settings=settings, programs=trixie.programs())
        )

    @property
    def port(self) -> int:
        """The TCP port on loopback."""
        return self._server.port

    @property
    def url(self) -> str:
        """The address of the database `postgres`, as the superuser."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The address of any database of this server."""
        return self._server.url_of(database)

    def start(self) -> str:
        """Start it, after `kill` or `stop` with the data there was; its `url`. ServiceError when it can't be."""
        return self._server.start()

    def stop(self) -> None:
        """End it by a fast shutdown; harmless when it isn't running."""
        self._server.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._server.kill()


class _TimescaleContainer:
    """The same in a container."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = [
            part
            for name, value in {**DEFAULTS, **settings, "listen_addresses": "*"}.items()
            for part in ("-c", f"{name}={value}")
        ]
        self._password = secrets.token_urlsafe(24)
        self._container: Container | None = None

    def url_of(self, database: str) -> str:
        return f"postgresql://compound:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> str:
        data, log = self._folder / "data", self._folder / "postgres.log"
        data.mkdir(parents=True, exist_ok=True)
        self._container = Container(
            TIMESCALE_IMAGE,
            log=log,
            ports={self.port: 5432},
            env={"POSTGRES_USER": "compound", "POSTGRES_PASSWORD": self._password, "NO_TS_TUNE": "true"},
            mounts={data: "/var/lib/postgresql/data"},
            command=self._options,
        )
        wait_until(self._answers, self._container.process, name="TimescaleDB", log=log, timeout_s=120)
        return self.url_of("postgres")

    def stop(self) -> None:
        if self._container is not None:
            self._container.stop()
            self._container = None

    def kill(self) -> None:
        if self._container is not None:
            self._container.kill()
            self._container = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
