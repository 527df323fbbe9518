"""`compound status`, `watch` and `energy`: what a running compound shows, through its API alone."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from ops import client, screen
from ops.cli_up import Data
from ops.up.folder import DEFAULT

JsonOut = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_to(app: typer.Typer) -> None:
    """Put the commands into `app`."""
    app.command(rich_help_panel="Look")(status)
    app.command(rich_help_panel="Look")(watch)
    app.command(rich_help_panel="Look")(energy)


def status(data: Data = DEFAULT, as_json: JsonOut = False) -> None:
    """Health in one look: processes that answer, lag, devices, quarantine, open alerts."""
    found = client.of(data).get("/v1/status")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    Console().print(screen.status_table(found))


def watch(
    data: Data = DEFAULT,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Show one screen and end.")] = False,
) -> None:
    """A live terminal screen: energy today, parking, presence, lockers, solar, alerts, lag. Ctrl-C ends it."""
    api = client.of(data)
    if once:
        Console().print(screen.screen(api))
        return
    with Live(screen.screen(api), auto_refresh=False, screen=True) as live:
        try:
            while True:
                time.sleep(every)
                live.update(screen.screen(api), refresh=True)
        except KeyboardInterrupt:
            return


def energy(
    subject: Annotated[str, typer.Argument(help="A meter, building, department or site, by its id.")],
    since: Annotated[str, typer.Option("--from", help="Start: a date (local midnight) or an RFC 3339 time.")],
    until: Annotated[str, typer.Option("--to", help="End, not included: a date or an RFC 3339 time.")],
    by: Annotated[str, typer.Option(help="quarter, day or month.")] = "day",
    medium: Annotated[str, typer.Option(help="electricity, water, gas or heat (groups).")] = "electricity",
    data: Data = DEFAULT,
    as_json: JsonOut = False,
) -> None:
    """Consumption by quarter hour, day or month in the site's zone, with coverage; a dash where it is unknown."""
    api = client.of(data)
    kind, zone = _subject(api, subject)
    params: dict[str, Any] = {"from_": _time(since, zone), "to": _time(until, zone), "by": by, "limit": 1000}
    if kind != "meter":
        params["medium"] = medium
    rows = list(api.pages(f"/v1/energy/{kind}/{subject}", **params))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    unit = "l" if rows and "l" in rows[0] else "wh"
    table = Table(title=f"{kind} {subject}", title_justify="left")
    table.add_column("start")
    table.add_column("kWh" if unit == "wh" else "m³", justify="right")
    table.add_column("coverage", justify="right")
    table.add_column("quality")
    for row in rows:
        amount = "–" if row[unit] is None else f"{row[unit] / 1000:,.2f}"
        coverage = "–" if row.get("coverage") is None else f"{row['coverage']:.1%}"
        start = datetime.fromisoformat(row["start"]).astimezone(zone)
        table.add_row(f"{start:%Y-%m-%d %H:%M}", amount, coverage, str(row.get("quality") or ""))
    Console().print(table)


def _subject(api: client.Client, subject: str) -> tuple[str, ZoneInfo]:
    """What kind of thing `subject` is, and its site's zone. Raises ApiError when nothing has the id."""
    sections = {"meter": "device", "building": "building", "department": "department", "site": "site"}
    for kind, section in sections.items():
        try:
            versions = api.get(f"/v1/registry/{section}/{subject}")["items"]
        except client.ApiError:
            continue
        site = subject if kind == "site" else versions[-1]["data"]["site"]
        found = api.get(f"/v1/registry/site/{site}")["items"][-1]["data"]
        return kind, ZoneInfo(found.get("timezone", "Asia/Shanghai"))
    raise client.ApiError(f"Nothing is registered as {subject!r}; `compound apply` does that.")


def _time(text: str, zone: ZoneInfo) -> str:
    """A date is local midnight in `zone`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date and no RFC 3339 time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()
