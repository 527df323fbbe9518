"""`compound verify`."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.cli_up import Data
from ops.client import of as api_of
from ops.simulate import bar
from ops.up.folder import DEFAULT, DataFolder
from ops.verify.compare import Behind, differences, settle
from ops.verify.difference import Case, Counting, Difference, text
from ops.verify.truth import NoTruth, TruthReader


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command(rich_help_panel="Look")(verify)


def verify(
    data: Data = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="The differences as JSON.")] = False,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait until all that was sent is read.")] = 120.0,
    most: Annotated[int, typer.Option(min=1, help="Differences to show.")] = 50,
) -> None:
    """Compare what the platform shows with what really happened: every total, stay, passage, headcount, parcel, condition.

    What can't be known must be shown as unknown, estimated, substituted or suspect; all else must be equal to the
    watt-hour. Exit code 1 if there is a difference.
    """
    out = Console(stderr=as_json)
    try:
        truth = TruthReader(DataFolder(data).truth)
        api = api_of(data)
        asked = Counting(api)
        case = Case(truth, asked, truth.cutoff)
        with bar(out) as shown:
            task = shown.add_task("waiting until all is read", total=None)
            settle(api, truth, patience)
            found = list(
                differences(
                    case, lambda name, done, total: shown.update(task, description=name, completed=done, total=total)
                )
            )
        truth.close()
    except (NoTruth, Behind) as error:
        out.print(f"compound: {error}", markup=False)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(_json(case, found, asked.figures), indent=2))
    else:
        _show(case, found, asked.figures, out, most)
    if found:
        raise typer.Exit(1)


def _json(case: Case, found: list[Difference], figures: int) -> dict[str, object]:
    rows = [{**difference._asdict(), "at": difference.at and text(difference.at)} for difference in found]
    return {
        "scenario": case.truth.meta["scenario"],
        "until": text(case.cutoff),
        "figures": figures,
        "differences": rows,
    }


def _show(case: Case, found: list[Difference], figures: int, out: Console, most: int) -> None:
    where = f"scenario {case.truth.meta['scenario']}, {case.truth.origin} to {text(case.cutoff)}"
    if not found:
        out.print(f"[green]No difference[/green] in {figures:,} figures ({where}).")
        return
    table = Table(title=f"{len(found):,} differences in {figures:,} figures ({where})", title_justify="left")
    for column in ("check", "subject", "at", "truth", "platform"):
        table.add_column(column, overflow="fold")
    for difference in found[:most]:
        table.add_row(
            difference.check, difference.subject, "" if difference.at is None else text(difference.at),
            difference.truth, difference.platform,
        )  # fmt: skip
    out.print(table)
    counted = Counter(difference.check for difference in found)
    out.print(", ".join(f"{name} {number:,}" for name, number in counted.most_common()))
