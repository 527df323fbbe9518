"""`compound quarantine`: what could not be read, why, and another try."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops import client
from ops.cli_look import JsonOut
from ops.cli_up import Data
from ops.up.folder import DEFAULT

group = typer.Typer(no_args_is_help=True, help="Messages that could not be read, and points that wait for a device.")


def add_to(app: typer.Typer) -> None:
    """Put the commands into `app`."""
    app.add_typer(group, name="quarantine", rich_help_panel="Look")


@group.command("list")
def list_(
    data: Data = DEFAULT,
    reason: Annotated[str | None, typer.Option(help="Only this reason, e.g. 'unknown device'.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most rows.")] = 50,
    as_json: JsonOut = False,
) -> None:
    """List what is in quarantine, the newest first, with its reason."""
    rows = client.of(data).get("/v1/quarantine", reason=reason, limit=limit)["items"]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(title="Quarantine", title_justify="left")
    columns = ("id", "received", "topic", "reason", "state")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(row.get(column) or "") for column in columns))
    Console().print(table if rows else "Nothing is in quarantine.")


@group.command()
def show(entry: Annotated[str, typer.Argument(help="Id from `list`.")], data: Data = DEFAULT) -> None:
    """Show one entry. Its payload may hold personal data and stays sealed in the log; the reason says what was wrong."""
    typer.echo(json.dumps(client.of(data).get(f"/v1/quarantine/{entry}"), ensure_ascii=False, indent=2))


@group.command()
def retry(entry: Annotated[str, typer.Argument(help="Id from `list`.")], data: Data = DEFAULT) -> None:
    """Have ingest judge a message anew: after a mended clock, a new decoder, a registered device."""
    found = client.of(data).post(f"/v1/quarantine/{entry}/retry", {})
    typer.echo(json.dumps(found, ensure_ascii=False))
