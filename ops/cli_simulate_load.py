"""`compound simulate load`: so many meters, so many readings a second."""

from __future__ import annotations

import os
import time
from typing import Annotated

import typer
from rich.console import Console

from ops.cli_up import Data
from ops.client import of as api_of
from ops.simulate import bar, stopping
from ops.up.folder import DEFAULT
from ops.where import find
from simulators.connection import Broken, Connection
from simulators.load import Load

_CHUNK = 2000


def load(
    devices: Annotated[int, typer.Option(min=1, max=100_000, help="Meters.")] = 100,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Readings a second over all; as many as go if left out.")
    ] = None,
    per_message: Annotated[int, typer.Option(min=1, max=150, help="Readings in one message.")] = 1,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long; until Ctrl-C if left out.")] = None,
    register: Annotated[bool, typer.Option("--register/--no-register", help="Register the meters first.")] = True,
    data: Data = DEFAULT,
) -> None:
    """Send readings of many meters at a set rate."""
    out = Console()
    try:
        connection = Connection(find(data).broker, f"load-{os.getpid()}").open()
    except Broken as error:
        raise typer.BadParameter(str(error)) from None
    with bar(out) as shown, stopping() as stop:
        source = Load(connection, devices=devices, rate=rate, per_message=per_message, boot=int(time.time()), stop=stop)
        if register:
            items = source.registry()
            for start in range(0, len(items), _CHUNK):
                api_of(data).post("/v1/registry", {"items": items[start : start + _CHUNK]})
        task = shown.add_task("Readings", total=None)
        source.tell = lambda readings: shown.update(task, completed=readings, description=f"{readings:,} readings")
        begun = time.monotonic()
        sent = source.run(seconds=seconds)
    connection.close()
    out.print(f"{sent:,} readings in {time.monotonic() - begun:.1f} s.")
