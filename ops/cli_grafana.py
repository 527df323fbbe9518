"""`compound grafana push`: the dashboards and alerts in a Grafana that runs already."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Final

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table

from compound.settings import Settings, SettingsError, load, secret
from dashboards.grafana import files
from dashboards.grafana.files import Values

_COLOURS: Final = {"created": "green", "updated": "yellow", "unchanged": "dim", "left out": "dim"}


group = typer.Typer(no_args_is_help=True, help="Grafana's dashboards and alerts.")


def add_to(app: typer.Typer) -> None:
    """Put the group of commands into `app`."""
    app.add_typer(group, name="grafana", rich_help_panel="Run")


@group.callback()
def _grafana() -> None:
    """Without it Typer takes the only command for the group itself."""


@group.command()
def push(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would change; exit code 1 if something would.")
    ] = False,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Send the database's password though Grafana has one already.")
    ] = False,
    replace_policies: Annotated[
        bool, typer.Option("--replace-policies", help="Replace notification policies that somebody else made.")
    ] = False,
) -> None:
    """Bring a running Grafana to our folders, data source, dashboards, alert rules, contact points and policies.

    What is there already as it should be stays untouched. Objects that are not ours are left alone.
    """
    from dashboards.grafana.push import Grafana

    settings = load()
    grafana = Grafana(settings.grafana_url, _credential(settings), dry_run=dry_run)
    table = Table(title=settings.grafana_url, title_justify="left")
    for column in ("object", "name", "would be" if dry_run else "state"):
        table.add_column(column, overflow="fold")
    states: Counter[str] = Counter()
    try:
        for done in grafana.push(
            _values(settings),
            timescaledb=_has_timescaledb(settings.database_url),
            new_password=new_password,
            replace=replace_policies,
        ):
            states[done.state] += 1
            table.add_row(done.kind, done.name, f"[{_COLOURS[done.state]}]{done.state}[/]")
    finally:
        Console().print(table)
    typer.echo(", ".join(f"{count} {state}" for state, count in sorted(states.items())) + ".")
    if dry_run and states["created"] + states["updated"]:
        raise typer.Exit(1)


def _credential(settings: Settings) -> str | tuple[str, str]:
    if settings.grafana_token_file is not None:
        return secret(settings.grafana_token_file)
    if settings.grafana_password_file is not None:
        return settings.grafana_user, secret(settings.grafana_password_file)
    raise SettingsError(
        "Neither COMPOUND_GRAFANA_TOKEN_FILE nor COMPOUND_GRAFANA_PASSWORD_FILE says how to log in to Grafana."
    )


def _values(settings: Settings) -> Values:
    """What the provisioning files ask for; the environment of compose's Grafana gives it the same names."""
    database = conninfo_to_dict(settings.database_url)
    if settings.reader_password_file is None:
        raise SettingsError("COMPOUND_READER_PASSWORD_FILE is not set: Grafana reads the database with that password.")
    secrets = {files.PASSWORD: secret(settings.reader_password_file)}
    if settings.grafana_webhook_url_file is not None:
        secrets[files.WEBHOOK] = secret(settings.grafana_webhook_url_file)
    elif settings.grafana_receiver == "compound-webhook":
        raise SettingsError(
            "COMPOUND_GRAFANA_RECEIVER is compound-webhook, but COMPOUND_GRAFANA_WEBHOOK_URL_FILE is not set."
        )
    variables = {
        "COMPOUND_GRAFANA_DATABASE": settings.grafana_database
        or f"{database.get('host', '127.0.0.1')}:{database.get('port', 5432)}",
        "COMPOUND_GRAFANA_DATABASE_NAME": str(database.get("dbname", "compound")),
        "COMPOUND_GRAFANA_SSLMODE": settings.grafana_sslmode,
        "COMPOUND_GRAFANA_RECEIVER": settings.grafana_receiver,
        "COMPOUND_GRAFANA_MAIL_TO": settings.grafana_mail_to,
    }
    return Values(variables, secrets)


def _has_timescaledb(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=10) as conn:
        return conn.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None
