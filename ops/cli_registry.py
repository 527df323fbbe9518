"""`compound apply`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from compound.events import REGISTRY, to_record
from compound.log.open import open_log
from compound.registry.file import Difference, differences, read, to_event
from compound.registry.timeline import load as load_registry
from compound.settings import load
from compound.store.db import connect
from ops.cli_up import Data
from ops.up.folder import DEFAULT
from ops.where import find

_SHOWN = 40
_CHUNK = 500
_WAIT_S = 60.0


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command(rich_help_panel="Run")(apply)


def apply(
    file: Annotated[Path, typer.Argument(help="YAML: sections site, building, point, device, quota …")],
    data: Data = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, change nothing.")] = False,
) -> None:
    """Compare a registry file with what holds, show the difference, and append it as events.

    What the file does not name stays as it is. Every item holds from its `from` on; a removal says `removed: true`.
    """
    where = find(data)
    found = apply_file(file, where.database_url, where.log_url, dry_run, Console())
    if dry_run and found:
        typer.echo("Nothing was changed (--dry-run).")


def apply_file(file: Path, database_url: str, log_url: str, dry_run: bool, out: Console) -> int:
    """Append what `file` changes, wait for its projection; the number of changes. Raises FileError, LogUnavailable."""
    changes = read(file)
    with connect(database_url, "apply") as conn:
        found = differences(changes, load_registry(conn))
        show(found, len(changes), out)
        if dry_run or not found:
            return len(found)
        now = time.time_ns() // 1000
        records = [to_record(REGISTRY, to_event(difference.change, now)) for difference in found]
        log = open_log(log_url, database_url, load().log_partitions)
        try:
            for start in track(range(0, len(records), _CHUNK), description="Appending", console=out, transient=True):
                log.append(records[start : start + _CHUNK])
        finally:
            log.close()
        deadline = time.monotonic() + _WAIT_S
        while differences(changes, load_registry(conn)):
            conn.rollback()
            if time.monotonic() > deadline:
                out.print("Appended; the processors have not projected it yet.")
                return len(found)
            time.sleep(0.1)
    out.print(f"{len(found)} changes hold now.")
    return len(found)


def show(found: list[Difference], stated: int, out: Console) -> None:
    """Show what a file of so many items changes."""
    if not found:
        out.print(f"All {stated} items of the file hold already.")
        return
    table = Table(title=f"{len(found)} of {stated} items differ", title_justify="left")
    for column in ("kind", "id", "from", "change"):
        table.add_column(column, overflow="fold")
    for difference in found[:_SHOWN]:
        change = difference.change
        table.add_row(change.kind, change.id, change.since, _words(difference))
    out.print(table)
    if len(found) > _SHOWN:
        out.print(f"… and {len(found) - _SHOWN} more.")


def _words(difference: Difference) -> str:
    if difference.after is None:
        return "[red]removed[/red]"
    if difference.before is None:
        return "[green]new[/green]"
    return ", ".join(f"{name}: {old} → {new}" for name, (old, new) in difference.fields.items())
