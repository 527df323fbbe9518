"""`compound simulate`: a scenario of the demo compound, real measurements from a CSV file, or mere load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from typer.core import TyperGroup

from ops.cli_registry import apply_file
from ops.cli_simulate_csv import csv
from ops.cli_simulate_load import load
from ops.cli_up import Data
from ops.client import of as api_of
from ops.simulate import Backlog, Current, bar, speed_of, stopping
from ops.up.folder import DEFAULT, DataFolder
from ops.where import find
from simulators import run
from simulators.connection import Broken
from simulators.faults import scenario as scenarios
from simulators.registry import write_registry
from simulators.truth.store import TruthError


class Said(msgspec.Struct):
    """What the simulators tell `up` in simulate.json."""

    text: str
    done: int
    total: int
    live: bool


class _Scenarios(TyperGroup):
    """A group in which a name that is no command is a scenario: `simulate all-faults` is `simulate scenario all-faults`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "--install-completion")):
            args = ["scenario", *args]
        return super().parse_args(ctx, args)


def add_to(app: typer.Typer) -> None:
    """Put the commands into `app`."""
    group = typer.Typer(cls=_Scenarios, help=_HELP)
    group.command("scenario")(simulate)
    group.command("csv")(csv)
    group.command("load")(load)
    app.add_typer(group, name="simulate", rich_help_panel="Run")


_HELP = """Simulate devices: `simulate SCENARIO` runs the demo compound (demo: nothing is wrong; all-faults: everything),
`simulate csv` sends real measurements, `simulate load` a load."""


def simulate(
    scenario: Annotated[
        str, typer.Argument(help="demo, all-faults or another (--list names them), or a .yaml file.")
    ] = "demo",
    data: Data = DEFAULT,
    history: Annotated[int, typer.Option(min=0, max=400, help="Days of history on the first start.")] = 30,
    speed: Annotated[str, typer.Option(help="How fast history goes: max, realtime, or times real time.")] = "max",
    rate: Annotated[float | None, typer.Option(min=0.1, help="At most so many objects a second.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same compound.")] = 1,
    live: Annotated[bool, typer.Option("--live/--no-live", help="Go on live after history.")] = True,
    list_: Annotated[bool, typer.Option("--list", help="List the scenarios.")] = False,
) -> None:
    """Run the demo compound's devices: history first, then live, until Ctrl-C. A second run goes on where it was.

    What really happened is kept in truth.db of the data folder; `compound verify` compares.
    """
    out = Console()
    if list_:
        for name in scenarios.names():
            out.print(f"[bold]{name}[/bold]  {scenarios.load(name).about}")
        return
    folder = DataFolder(data)
    where = find(data)
    options = run.Options(folder.path, where.broker, scenario, history, seed, speed_of(speed), rate, live)
    folder.path.mkdir(parents=True, exist_ok=True)
    try:
        found = write_registry(folder.path / "registry.yaml", folder.truth, scenario, seed, history)
        apply_file(found, where.database_url, where.log_url, False, out)
        with bar(out) as shown, stopping() as stop:
            task = shown.add_task("Simulators: history", total=None)

            def tell(progress: run.Progress) -> None:
                said = _said(progress)
                shown.update(task, completed=progress.done, total=progress.total or None, description=said.text)
                _write(folder.progress, said)

            progress = run.Runner(options, tell, Current(api_of(data)), Backlog(api_of(data)), stop).run()
        out.print(f"{progress.objects:,} objects sent.")
    except (TruthError, Broken, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


def _said(progress: run.Progress) -> Said:
    text = "Simulators: live" if progress.live else f"Simulators: history, {progress.objects:,} objects"
    return Said(text, progress.done, progress.total, progress.live)


def _write(path: Path, said: Any) -> None:
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(said))
    draft.replace(path)
