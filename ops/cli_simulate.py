"""`compound simulate`: the demo compound's devices, real measurements from a CSV file, and load."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from compound.events import DEVICE_TOPICS, QUARANTINE
from ops.cli_registry import apply_file
from ops.cli_up import Data
from ops.client import ApiError
from ops.client import of as api_of
from ops.up.folder import DEFAULT, DataFolder
from simulators import pace, run
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


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command("simulate", rich_help_panel="Run")(simulate)


def simulate(
    scenario: Annotated[str, typer.Argument(help="demo, all-faults or another scenario; see --list.")] = "demo",
    data: Data = DEFAULT,
    history: Annotated[int, typer.Option(min=0, max=400, help="Days of history on the first start.")] = 30,
    speed: Annotated[str, typer.Option(help="How fast history goes: max, realtime, or times real time.")] = "max",
    rate: Annotated[float | None, typer.Option(help="At most so many objects a second.")] = None,
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
    running = folder.running()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    options = run.Options(
        data=folder.path,
        mqtt_url=os.environ.get("COMPOUND_MQTT_URL", running.mqtt_url),
        scenario=scenario,
        history_days=history,
        seed=seed,
        speed=_speed(speed),
        rate=rate,
        live=live,
    )
    try:
        found = write_registry(folder.path / "registry.yaml", options.data / "truth.db", scenario, seed, history)
        apply_file(found, running.database_url, running.log_url, False, out)
        runner = run.Runner(options, backlog=Backlog(data), stop=stop)
        with _bar(out) as bar:
            task = bar.add_task("Simulators: history", total=None)

            def tell(progress: run.Progress) -> None:
                bar.update(task, completed=progress.done, total=progress.total or None)
                bar.update(task, description=f"Simulators: {'live' if progress.live else 'history'}")
                _say(folder.progress, progress)

            runner.tell = tell
            progress = runner.run()
        out.print(f"{progress.objects:,} objects sent.")
    except (TruthError, Broken, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


class Backlog:
    """How many objects the broker still holds: those sent, less those that the log has got since the start."""

    def __init__(self, data: Path) -> None:
        self._api = api_of(data)
        self._begun = self._heads()

    def __call__(self, sent: int) -> int:
        return sent - (self._heads() - self._begun)

    def _heads(self) -> int:
        """Records in all topics of devices and in quarantine; 0 while nobody can say."""
        try:
            items = self._api.get("/v1/lag")["items"]
        except ApiError:
            return 0
        heads = {(item["topic"], item["generation"], item["partition"]): item["head"] or 0 for item in items}
        return sum(head for (topic, *_), head in heads.items() if topic in (*DEVICE_TOPICS, QUARANTINE))


def _speed(text: str) -> pace.Speed:
    try:
        return pace.speed(text)
    except ValueError:
        raise typer.BadParameter("max, realtime or a number", param_hint="--speed") from None


def _bar(out: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=out
    )


def _say(path: Path, progress: run.Progress) -> None:
    text = "Simulators: live" if progress.live else f"Simulators: history, {progress.objects:,} objects"
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(Said(text, progress.done, progress.total, progress.live)))
    draft.replace(path)
