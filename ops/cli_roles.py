"""Each role alone, as it runs on one server or many: settings by COMPOUND_… only."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from compound.log_setup import configure
from compound.settings import Settings, load, secret


def add_to(app: typer.Typer) -> None:
    """Put the commands into `app`."""
    app.command(rich_help_panel="Roles")(ingest)
    app.command(rich_help_panel="Roles")(processors)
    app.command(rich_help_panel="Roles")(archiver)
    app.command(rich_help_panel="Roles")(api)
    app.command(rich_help_panel="Roles")(migrate)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


Workers = Annotated[
    int | None, typer.Option(min=1, max=64, help="So many processes of this role, kept running, that share the work.")
]


def _begin() -> tuple[Settings, threading.Event]:
    settings = load()
    configure(settings.log_level, settings.log_format)
    return settings, stop_on_signals()


def ingest(
    workers: Workers = None,
    leave_from: Annotated[
        int | None, typer.Option(min=2, hidden=True, help="End the sessions of workers that are no more.")
    ] = None,
) -> None:
    """Take messages from MQTT into the event log; acknowledge each only when the log holds it."""
    import ingest.main as role
    from ops import workers as many

    settings, stop = _begin()
    if workers:
        many.run("ingest", [], workers, settings, stop)
    elif leave_from:
        many.leave_sessions(leave_from, settings, stop)
    else:
        role.run(settings, stop)


def processors(
    only: Annotated[
        str | None, typer.Option(help="Domains to run here, comma separated; all unless said. Several processes share.")
    ] = None,
    workers: Workers = None,
) -> None:
    """Compute facts from the log into tables: energy, quotas, parking, access, parcels, solar, liveness, alerts."""
    import processors.main as role
    from ops import workers as many

    settings, stop = _begin()
    domains = tuple(only.split(",")) if only else role.DOMAINS
    for name in domains:
        role.create(name, settings)  # a wrong name stops the start here, not every worker
    if workers:
        many.run("processors", ["--only", ",".join(domains)], workers, settings, stop)
    else:
        role.run(settings, stop, domains)


def archiver(workers: Workers = None) -> None:
    """Copy every record of Kafka into the book before Kafka drops it. Several share the partitions."""
    import compound.archive.main as role
    from ops import workers as many

    settings, stop = _begin()
    if workers:
        many.run("archiver", [], workers, settings, stop)
    else:
        role.run(settings, stop)


def api() -> None:
    """Serve the HTTP API; on anything but loopback only with COMPOUND_API_TOKEN_FILE."""
    import api.main as role
    from processors.known import recall_from

    settings = load()
    configure(settings.log_level, settings.log_format)
    role.run(settings, recall_from(settings))


def migrate() -> None:
    """Bring the database to the newest schema, and the role that dashboards read with to what it may see."""
    from compound.store.migrate import migrate as run
    from compound.store.reader import prepare

    settings = load()
    password = secret(settings.reader_password_file) if settings.reader_password_file else None
    for name in run(settings.database_url, settings.columnstore_days):
        typer.echo(f"applied {name}")
    for sentence in prepare(settings.database_url, password):
        typer.echo(sentence, err=True)
