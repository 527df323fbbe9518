"""`compound rebuild`: projections built anew from the book, compared with the live ones, and swapped in (P6)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from compound.registry.file import differences, read
from compound.registry.projection import Change
from compound.registry.timeline import load as load_registry
from compound.settings import Settings, load
from compound.store.db import connect
from ops.cli_look import JsonOut
from ops.cli_registry import show
from ops.cli_up import Data
from ops.up.folder import DEFAULT
from ops.where import find
from processors.rebuild import schema, swap
from processors.rebuild.build import Build, hold, positions_of
from processors.rebuild.catalogue import PROJECTIONS
from processors.rebuild.compare import EXAMPLES, Compared, Difference, compare

Domains = Annotated[
    list[str] | None, typer.Argument(help=f"{', '.join(PROJECTIONS)}; all of them when left out.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command(rich_help_panel="Look")(rebuild)


def rebuild(
    domains: Domains = None,
    data: Data = DEFAULT,
    swap_: Annotated[bool, typer.Option("--swap", help="Put what was built in the place of the live tables.")] = False,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Drop the tables that a swap took out of use.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Give up a rebuild that was begun.")] = False,
    with_: Annotated[
        Path | None, typer.Option("--with", help="Show what a registry file would change, if it were applied.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Differences to show.")] = 50,
    each: Annotated[int, typer.Option(min=1, help="Differing rows to show of each.")] = EXAMPLES,
    as_json: JsonOut = False,
) -> None:
    """Build projections beside the live ones from the book, and compare them at equal positions.

    Input goes on meanwhile. One that was stopped half-way goes on where it was. With --swap what was built is put in place
    after the comparison, whatever that shows; the old tables stay until --drop-old. With --with nothing is appended and
    nothing stays: `compound apply` publishes the file. Exit code 1 when there is a difference and nothing was swapped.
    """
    if swap_ + drop_old + clean + (with_ is not None) > 1:
        raise typer.BadParameter("choose one of --swap, --drop-old, --clean and --with")
    chosen = domains or list(PROJECTIONS)
    if unknown := [name for name in chosen if name not in PROJECTIONS]:
        raise typer.BadParameter(f"no projection {', '.join(unknown)}; choose from {', '.join(PROJECTIONS)}")
    settings = load().model_copy(update={"database_url": find(data).database_url})
    if drop_old or clean:
        _put_away(settings, chosen, old=drop_old, out=Console())
        return
    out = Console(stderr=True)
    assumed = _news(settings, with_, out) if with_ else ()
    if with_ and not assumed:
        return
    found = []
    for name in chosen:
        with Build(settings, name, assumed) as build:
            found.append(_build(settings, build, out, each))
            if swap_:
                with _bar(out) as (step, _):
                    step(f"swapping {name}")
                    swap.swap(settings, build)
        if with_:
            _put_away(settings, [name], old=False, out=out)
        if not as_json:
            _show(found[-1], Console(), most, swapped=swap_)
    if as_json:
        typer.echo(json.dumps([_json(one) for one in found], ensure_ascii=False, indent=2))
    if with_:
        out.print(f"Nothing was changed; `compound apply {with_}` publishes it.")
    if not swap_ and any(one.differences for one in found):
        raise typer.Exit(1)


def _news(settings: Settings, file: Path, out: Console) -> tuple[Change, ...]:
    """What the file says, shown where it is new; nothing where it all holds already."""
    changes = read(file)
    with connect(settings.database_url, "rebuild") as conn:
        news = differences(changes, load_registry(conn))
    show(news, len(changes), out)
    return tuple(changes) if news else ()


def _put_away(settings: Settings, domains: Sequence[str], old: bool, out: Console) -> None:
    """Drop what was begun, or what a swap left."""
    for name in domains:
        with connect(settings.database_url, f"rebuild/{name}") as conn:
            hold(conn, name)
            there = swap.drop_old(conn, name) if old else schema.clean(conn, name)
        what = "tables out of use" if old else "a rebuild"
        out.print(f"{name}: {what} dropped." if there else f"{name}: there is none.")


def _build(settings: Settings, build: Build, out: Console, examples: int) -> Compared:
    """Build up to where the live projection is, then compare."""
    with _bar(out) as (step, done):
        with psycopg.connect(settings.database_url) as conn:
            targets = positions_of(conn, build.domain)
        step(f"reading the book for {build.domain}", build.left(targets))
        build.run_to(targets, done)
        return compare(settings, build, done, lambda table: step(f"comparing {table}"), examples)


class _Rate(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextmanager
def _bar(out: Console) -> Iterator[tuple[Callable[..., Any], Callable[[int], None]]]:
    """A bar: one function begins a step (of so many records), the other tells how many more are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as shown:
        task = shown.add_task("", total=None)

        def step(text: str, total: int | None = None) -> None:
            shown.reset(task, description=text, total=total)

        yield step, lambda count: shown.advance(task, count)


def _show(found: Compared, out: Console, most: int, swapped: bool) -> None:
    rows = f"{sum(found.rows.values()):,} rows in {len(found.rows)} tables"
    done = " Swapped in; the old tables stay until --drop-old." if swapped else ""
    if not found.differences:
        out.print(f"[green]{found.domain}: no difference[/green] in {rows}.{done}")
        return
    table = Table(
        title=f"{found.domain}: {len(found.differences):,} differences in {rows}.{done}", title_justify="left"
    )
    for column in ("table", "subject", "rows", "where", "live", "built"):
        table.add_column(column, overflow="fold")
    for difference in found.differences[:most]:
        _rows(table, difference)
    out.print(table)


def _rows(table: Table, difference: Difference) -> None:
    counts = f"{difference.live:,}" + ("" if difference.live == difference.built else f" / {difference.built:,}")
    names = difference.table, difference.subject, counts
    for example in difference.examples:
        table.add_row(*names, _text(example.key), _text(example.live), _text(example.built))
        names = "", "", ""
    if not difference.examples:
        table.add_row(*names, "", "", "")


def _text(row: dict[str, Any] | None) -> str:
    return "no row" if row is None else ", ".join(f"{name} {value}" for name, value in row.items())


def _json(found: Compared) -> dict[str, object]:
    differences = [
        {**each._asdict(), "examples": [example._asdict() for example in each.examples]} for each in found.differences
    ]
    return {"domain": found.domain, "rows": found.rows, "differences": differences}
