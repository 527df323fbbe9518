"""`compound backup` and `compound restore`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ops import backup as backups
from ops.backup import Tell
from ops.cli_up import Data
from ops.up.alone import database_alone
from ops.up.folder import DEFAULT
from ops.where import find

Jobs = Annotated[int, typer.Option(min=1, max=64, help="Connections at once.")]


def add_to(app: typer.Typer) -> None:
    """Put the commands into `app`."""
    app.command(rich_help_panel="Run")(backup)
    app.command(rich_help_panel="Run")(restore)


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the backup.")],
    data: Data = DEFAULT,
    jobs: Jobs = 2,
) -> None:
    """Write the whole database into a folder by pg_dump, while everything runs, with counts and the chain's heads.

    Keys of personal data are not in it: copy their folder (COMPOUND_KEYS) to another place, and keep no copy longer than the
    data.
    """
    with _shown() as tell:
        made = backups.backup(find(data).database_url, folder, jobs, tell)
    rows = made.tables["book.event"][0]
    typer.echo(
        f"{folder}: {len(made.tables)} tables, {rows:,} events in the book. Copy it, and the keys apart from it."
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup's folder.")],
    to_database: Annotated[
        str | None, typer.Option(help="An empty database; unset: the embedded one of the data folder, made anew.")
    ] = None,
    data: Data = DEFAULT,
    jobs: Jobs = 2,
) -> None:
    """Bring a backup back into an empty database, and prove every table and the book's whole chain against it."""
    with _target(to_database, data) as url, _shown() as tell:
        made = backups.restore(folder, url, jobs, tell)
    typer.echo(f"Restored as of {made.made}: {len(made.tables)} tables, no difference; the book's chain holds.")


@contextmanager
def _target(url: str | None, data: Path) -> Iterator[str]:
    """The database to restore into. Raises Busy, ServiceError."""
    if url is not None:
        yield url
        return
    with database_alone(data) as embedded:
        yield embedded


@contextmanager
def _shown() -> Iterator[Tell]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total or None)
