"""The sequence of `compound up`: services, schema, roles, the demo compound's history; then watch until told to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from compound.settings import Settings, load
from compound.store.migrate import migrate
from compound.store.transfer import is_read_only
from ops import client
from ops.embedded.broker import EmbeddedBroker
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.process import ServiceError
from ops.up.folder import DataFolder, Running
from ops.up.ports import Claims, Ports, choose
from ops.up.supervisor import Role, Supervisor
from ops.workers import roles
from processors.main import DOMAINS

HEAVY = "energy"
REST = ",".join(name for name in DOMAINS if name != HEAVY)
_NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "COMPOUND_DATABASE_PASSWORD_FILE")  # the URL holds the password by now
_WATCH_S = 0.3
_READY_S = 180.0
_AGAIN_S = 10.0
"""Between two attempts to start a service again."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; None: the default, or what the first start chose."""

    data: Path
    simulate: bool
    scenario: str
    history_days: int
    api_port: int | None
    mqtt_port: int | None
    log_url: str
    database_url: str | None
    mqtt_url: str | None
    workers: int


class Up:
    """One run of `up`. `run` returns when it was told to stop and everything has ended."""

    def __init__(self, options: Options, console: Console) -> None:
        self._options = options
        self._out = console
        self._folder = DataFolder(options.data)
        self._claims = Claims()
        self._stop = threading.Event()
        self._postgres: EmbeddedPostgres | None = None
        self._broker: EmbeddedBroker | None = None
        self._roles: Supervisor | None = None
        self._again_at = 0.0

    def run(self) -> None:
        """Start all, wait, stop all. Raises Busy, ServiceError."""
        self._folder.lock()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        started = time.monotonic()
        try:
            running = self._start()
            if not self._stop.is_set():
                self._show(running, time.monotonic() - started)
            while not self._stop.wait(_WATCH_S):
                self._watch()
        finally:
            self._end()

    def _start(self) -> Running:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._out) as progress:
            task = progress.add_task("Services: PostgreSQL, MQTT broker", total=5)
            ports = choose(
                self._folder.path / "ports.json", self._claims, api=self._options.api_port, mqtt=self._options.mqtt_port
            )
            database = self._database(ports)
            broker = self._options.mqtt_url or self._embedded_broker(ports)
            progress.update(task, advance=2, description="Schema")
            migrate(database)
            progress.update(task, advance=1, description="Roles: ingest, processors, API")
            running = Running(
                os.getpid(),
                f"http://127.0.0.1:{ports.api}",
                broker,
                database,
                self._options.log_url,
            )
            self._roles = Supervisor(self._env(running), self._folder.logs, self._out.print)
            self._start_roles(running)
            progress.update(task, advance=2, description="Services and roles run")
            if self._options.simulate and not self._stop.is_set():
                self._simulate(progress)
        return running

    def _database(self, ports: Ports) -> str:
        if self._options.database_url:
            return Settings(database_url=self._options.database_url).database_url
        self._postgres = EmbeddedPostgres(self._folder.postgres, port=ports.postgres)
        self._postgres.start()
        url = self._postgres.make("compound")
        if is_read_only(url):
            raise ServiceError(
                "This folder's database was moved elsewhere and takes no writer: start with --database-url (and --log)."
            )
        return url

    def _embedded_broker(self, ports: Ports) -> str:
        self._broker = EmbeddedBroker(self._folder.broker, port=ports.mqtt)
        self._broker.start()
        return f"mqtt://127.0.0.1:{ports.mqtt}"

    def _env(self, running: Running) -> dict[str, str]:
        ours = {
            "DATABASE_URL": running.database_url,
            "LOG_URL": running.log_url,
            "MQTT_URL": running.mqtt_url,
            "API_PORT": running.api_url.rsplit(":", 1)[1],
            "KEYS": str(self._folder.keys),
            "ALERT_MQTT": "true",
        }
        # Without compiled modules every process would start seconds later.
        theirs = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
        return {**theirs, "PYTHONUNBUFFERED": "1", **{f"COMPOUND_{name}": value for name, value in ours.items()}}

    def _start_roles(self, running: Running) -> None:
        assert self._roles is not None
        self._roles.start(Role("api", ["api"]))
        for role in self._working():
            self._roles.start(role)
        if running.log_url.startswith("kafka://"):
            self._roles.start(Role("archiver", ["archiver"]))
        deadline = time.monotonic() + _READY_S
        while not self._stop.is_set() and not _ready(running.api_url):
            self._roles.watch()
            if time.monotonic() > deadline:
                raise ServiceError(f"The API was not ready after {_READY_S:.0f} s; see {self._folder.logs}.")
            time.sleep(0.1)
        self._folder.announce(running)

    def _working(self) -> Iterator[Role]:
        """Processors, then ingest: one process each, or as many as are wanted.

        The embedded broker forgets what a dead member of a shared subscription had not acknowledged, so it has one ingest.
        """
        workers, settings = self._options.workers, load()
        for name, domains in (("processors-energy", HEAVY), ("processors", REST)):
            for number in range(1, workers + 1):
                full = name if workers == 1 else f"{name}-{number}"
                yield Role(full, ["processors", "--only", domains], group="processors")
        if workers == 1 or self._broker is not None:
            yield Role("ingest", ["ingest"], grace_s=30.0)
        else:
            yield from roles("ingest", [], workers, settings)

    def _simulate(self, progress: Progress) -> None:
        """Start the simulators and follow their history until they are live."""
        assert self._roles is not None
        self._folder.progress.unlink(missing_ok=True)
        args = ["simulate", self._options.scenario, "--data", str(self._folder.path), "--live"]
        self._roles.start(Role("simulators", [*args, "--history", str(self._options.history_days)]))
        task = progress.add_task("Simulators: demo compound", total=None)
        while not self._stop.wait(_WATCH_S):
            self._watch()
            state = _state(self._folder.progress)
            progress.update(task, description=state.text, completed=state.done, total=state.total or None)
            if state.live:
                break
        self._catch_up(progress)

    def _catch_up(self, progress: Progress) -> None:
        """Wait until the processors have read what history left them; then figures are current."""
        api = client.of(self._folder.path)
        first = behind = _behind(api)
        task = progress.add_task("Processors: catching up", total=max(first, 1))
        while behind and not self._stop.wait(_WATCH_S):
            self._watch()
            behind = _behind(api)
            first = max(first, behind)
            progress.update(task, total=first, completed=first - behind, description=f"Processors: {behind:,} behind")
        progress.update(task, total=1, completed=1, description="Processors: figures are current")

    def _watch(self) -> None:
        if self._roles is not None:
            self._roles.watch()
        for service in (self._broker, self._postgres):
            if service is not None and service.process is not None and (code := service.process.poll()) is not None:
                self._again(service, code)

    def _again(self, service: EmbeddedBroker | EmbeddedPostgres, code: int) -> None:
        """Start a service again that ended; where that fails (a full disk), once more after a pause, and so on."""
        if time.monotonic() < self._again_at:
            return
        self._out.print(f"{type(service).__name__} ended with code {code}; it is started again.")
        try:
            service.start()
        except ServiceError as error:
            self._again_at = time.monotonic() + _AGAIN_S
            self._out.print(f"{error} The next attempt is in {_AGAIN_S:.0f} s.")

    def _show(self, running: Running, seconds: float) -> None:
        table = Table(title=f"The compound runs ({seconds:.0f} s)", title_justify="left")
        table.add_column("what")
        table.add_column("where")
        data = f" --data {self._options.data}"
        for what, where in (
            ("API, with its documentation", f"{running.api_url}/docs"),
            ("MQTT broker", running.mqtt_url),
            ("Event log", running.log_url or "the database's own"),
            ("Database", running.database_url.split("@")[-1]),
            ("Live screen", f"compound watch{data}"),
            ("Against the truth", f"compound verify{data}"),
            ("Logs of each process", str(self._folder.logs)),
        ):
            table.add_row(what, where)
        self._out.print(table)
        self._out.print("Ctrl-C stops everything; the next start goes on where this one ends.")

    def _end(self) -> None:
        """Simulators first, then ingest (it drains), processors and API; then the broker and PostgreSQL."""
        if self._roles is not None:
            self._out.print("Stopping: simulators, ingest, processors, API …")
            self._roles.stop()
        for service in (self._broker, self._postgres):
            if service is not None:
                service.stop()
        self._claims.close()
        self._folder.retire()
        if self._roles is not None:
            self._out.print("All has ended; nothing is lost.")


class State(msgspec.Struct):
    """What the simulators tell of themselves in simulate.json."""

    text: str = "Simulators: demo compound"
    done: int = 0
    total: int = 0
    live: bool = False


def _state(path: Path) -> State:
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return State()


def _behind(api: client.Client) -> int:
    """Records that some domain has not read; 0 while nobody can say."""
    try:
        return sum(item["lag"] or 0 for item in api.get("/v1/lag")["items"])
    except client.ApiError:
        return 0


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=1.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
