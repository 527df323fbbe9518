"""`compound move`: what the embedded default has collected goes on under Kafka and TimescaleDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from compound.settings import load
from compound.store.transfer import TransferError
from ops.cli_up import Data
from ops.move import OWN_LOG, Moved, Plan, move
from ops.up.alone import database_alone
from ops.up.folder import DEFAULT, DataFolder


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command("move", rich_help_panel="Run")(move_compound)


def move_compound(
    to_database: Annotated[
        str | None, typer.Option(help="An empty PostgreSQL or TimescaleDB to go to; unset: the database stays.")
    ] = None,
    to_log: Annotated[
        str | None, typer.Option(help="kafka://host:port, or postgresql for the database's own; unset: the log stays.")
    ] = None,
    log_lost: Annotated[
        bool, typer.Option("--log-lost", help="The Kafka that was is gone: what the book lacks of it is given up.")
    ] = False,
    data: Data = DEFAULT,
) -> None:
    """Move the database, the log or both elsewhere; figures stay and the book's chain goes on.

    Stop the roles first; devices may go on, the broker keeps what they send. The source is the embedded database of the
    data folder, or COMPOUND_DATABASE_URL where that is set. It takes no writer afterwards.
    """
    if to_database is None and to_log is None:
        raise typer.BadParameter("say where to: --to-database, --to-log, or both")
    settings, out = load(), Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _source(data) as source, Progress(*columns, console=out, transient=True) as shown:
        task = shown.add_task("starting", total=None)

        def tell(what: str, done: int, total: int) -> None:
            shown.update(task, description=what, completed=done, total=total or None)

        plan = Plan(source, settings.log_url, to_database, to_log, settings.log_partitions, log_lost)
        done = move(plan, tell)
    _say(plan, done, out)


@contextmanager
def _source(data: Path) -> Iterator[str]:
    """The database that is left: the settings', else the folder's, started for this alone. Raises Busy, ServiceError."""
    settings = load()
    if "database_url" in settings.model_fields_set:
        yield settings.database_url
        return
    folder = DataFolder(data)
    if not (folder.postgres / "PG_VERSION").exists():
        raise TransferError(
            f"{folder.path} holds no database to move; name its folder by --data, or set COMPOUND_DATABASE_URL."
        )
    with database_alone(data) as embedded:
        yield embedded


def _say(plan: Plan, done: Moved, out: Console) -> None:
    if done.tables:
        out.print(
            f"{len(done.tables)} tables were copied and compared: no difference. The source takes no writer any more."
        )
    for generation in done.generations:
        place = "Kafka" if generation.log == "kafka" else OWN_LOG
        out.print(
            f"{generation.topic}: generation {generation.generation} in {place}, {generation.partitions} partitions"
        )
    out.print(
        f"Start the roles with COMPOUND_DATABASE_URL naming {plan.target.split('@')[-1]} and COMPOUND_LOG_URL={plan.target_log!r},"
        " and the same COMPOUND_KEYS; or `compound up` with --database-url and --log."
    )
