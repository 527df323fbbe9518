"""`compound up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops.up.folder import DEFAULT

Data = Annotated[Path, typer.Option(help="Data folder of the compound.", show_default=True)]


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command(rich_help_panel="Run")(up)


def up(
    data: Data = DEFAULT,
    simulate: Annotated[bool, typer.Option("--simulate/--no-simulate", help="Run the demo compound's devices.")] = True,
    scenario: Annotated[str, typer.Option(help="Scenario of the simulators, or a .yaml file.")] = "demo",
    history: Annotated[int, typer.Option(min=0, max=400, help="Days of history that the simulators catch up.")] = 30,
    api_port: Annotated[int | None, typer.Option(help="Port of the API, 0: any; the first start's, or 8080.")] = None,
    mqtt_port: Annotated[
        int | None, typer.Option(help="Port of the broker, 0: any; the first start's, or 1883.")
    ] = None,
    log: Annotated[str, typer.Option(help="Event log: empty for the database's own, or kafka://host:port.")] = "",
    database_url: Annotated[
        str | None, typer.Option(help="A PostgreSQL or TimescaleDB of your own; unset: the embedded one.")
    ] = None,
    mqtt_url: Annotated[
        str | None, typer.Option(help="A broker of your own, as COMPOUND_MQTT_URL; unset: the embedded one.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=16, help="Processes of each role that can share; ingest only with --mqtt-url.")
    ] = 1,
) -> None:
    """Run the whole compound on this machine: database, broker, ingest, processors, API and simulated devices.

    The first start makes the data folder and catches up the history; the next ones go on where it stopped.
    Ctrl-C ends everything that was started. All listens on 127.0.0.1 only.
    """
    from ops.up.start import Options, Up

    Up(
        Options(data, simulate, scenario, history, api_port, mqtt_port, log, database_url, mqtt_url, workers), Console()
    ).run()
