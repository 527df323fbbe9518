"""The terminal screen of `compound watch` and `status`: panels from the API's answers; a dash where nothing is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ops.client import ApiError, Client

_ALERTS = 12
_DASH = "–"


def screen(api: Client) -> RenderableType:
    """The whole screen, one look. A panel whose question fails says so and leaves the others alone."""
    left = Group(
        _panel("Energy 能耗", api, _energy),
        _panel("Solar 光伏", api, _solar),
        _panel("Lockers 快递柜", api, _lockers),
    )
    right = Group(
        _panel("Presence 在场", api, _presence),
        _panel("Parking 停车", api, _parking),
        _panel("Platform 平台", api, _platform),
    )
    panels = Table.grid(expand=True)
    panels.add_column(ratio=1)
    panels.add_column(ratio=1)
    panels.add_row(left, right)
    head = Text(f"smart-compound 智慧大院   {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}", style="bold")
    return Group(head, panels, _panel("Alerts 告警", api, _alerts))


def _panel(title: str, api: Client, content: Callable[[Client], RenderableType]) -> Panel:
    try:
        return Panel(content(api), title=title, title_align="left")
    except ApiError as error:
        return Panel(Text(str(error), style="yellow"), title=title, title_align="left")


def _rows(*rows: tuple[str, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for number in range(max((len(row) for row in rows), default=1)):
        table.add_column(justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _share(value: float | None) -> str:
    return _DASH if value is None else f"{value:.1%}"


def _amount(value: int | None, unit: str) -> str:
    return _DASH if value is None else f"{value / 1000:,.1f} {unit}"


def _name(item: dict[str, Any]) -> str:
    name = item.get("name") or {}
    return " ".join(part for part in (name.get("zh"), name.get("en")) if part) or str(item["id"])


def _energy(api: Client) -> RenderableType:
    """Consumption of each site and its buildings yesterday and since local midnight, about."""
    now = datetime.now(UTC)
    rows = [("", "today", "yesterday", "coverage")]
    for kind in ("site", "building"):
        for item in api.pages(f"/v1/registry/{kind}", limit=20):
            days = api.get(
                f"/v1/energy/{kind}/{item['id']}",
                from_=(now - timedelta(days=2)).isoformat(),
                to=now.isoformat(),
                by="day",
            )["items"][-2:]
            shown = {**(item.get("data") or {}), "id": item["id"]}
            before, today = (days[0], days[1]) if len(days) == 2 else ({}, days[-1] if days else {})
            rows.append(
                (
                    _name(shown),
                    _amount(today.get("wh"), "kWh"),
                    _amount(before.get("wh"), "kWh"),
                    _share(before.get("coverage")),
                )
            )
    return _rows(*rows)


def _parking(api: Client) -> RenderableType:
    rows = [("", "occupied", "free", "unknown", "use")]
    for item in api.pages("/v1/parking/carparks"):
        now = item["now"]
        rows.append(
            (_name(item), str(now["occupied"]), str(now["free"]), str(now["unknown"]), _share(now["occupancy"]))
        )
    return _rows(*rows)


def _presence(api: Client) -> RenderableType:
    rows = [("", "inside", "uncertain", "unnamed")]
    for zone in api.get("/v1/access/zones")["items"]:
        rows.append(
            (_name(zone), str(zone["inside"]), str(zone["uncertain"]), str(zone["unnamed_in"] - zone["unnamed_out"]))
        )
    return _rows(*rows)


def _lockers(api: Client) -> RenderableType:
    rows: list[tuple[str, ...]] = [("", "occupied", "free", "fault")]
    for bank in api.pages("/v1/parcels/banks"):
        fill = bank.get("now") or bank
        rows.append((_name(bank), *(str(fill.get(key, _DASH)) for key in ("occupied", "free", "fault"))))
    return _rows(*rows)


def _solar(api: Client) -> RenderableType:
    now = datetime.now(UTC)
    rows: list[tuple[str, ...]] = [("", "24 h", "PR", "self-use")]
    for plant in api.pages("/v1/solar/plants"):
        found = api.get(f"/v1/solar/{plant['id']}", from_=(now - timedelta(days=1)).isoformat(), to=now.isoformat())
        total = found.get("total") or found
        rows.append(
            (
                _name(plant),
                _amount(total.get("wh"), "kWh"),
                *(_ratio(total.get(key)) for key in ("pr", "self_consumption")),
            )
        )
    return _rows(*rows)


def _ratio(found: Any) -> str:
    value = found.get("value") if isinstance(found, dict) else found
    return _DASH if value is None else f"{value:.2f}"


def _platform(api: Client) -> RenderableType:
    lag: dict[str, int] = {}
    for item in api.get("/v1/lag")["items"]:
        lag[item["domain"]] = lag.get(item["domain"], 0) + (item["lag"] or 0)
    behind = [(domain, f"{records:,} behind") for domain, records in sorted(lag.items()) if records]
    return _rows(*behind) if behind else Text(f"all {len(lag)} domains have read the log to its end")


def _alerts(api: Client) -> RenderableType:
    table = Table(box=None, expand=True)
    for column in ("since", "priority", "rule", "where", "state"):
        table.add_column(column)
    found = api.get("/v1/alerts", state="open", limit=_ALERTS)["items"]
    colour = {"high": "red", "medium": "yellow"}
    for alert in found:
        since = datetime.fromisoformat(alert["start"]).astimezone()
        where = alert.get("point") or alert["subject"]
        style = colour.get(alert["priority"], "")
        table.add_row(f"{since:%m-%d %H:%M}", alert["priority"], alert["rule"], where, alert["state"], style=style)
    return table if found else Text("none open")


def status_table(found: dict[str, Any]) -> RenderableType:
    """`compound status`: one line a figure."""
    table = Table(title=f"The compound at {found.get('at', '')}", title_justify="left", show_header=False)
    for name, value in found.items():
        if name != "at":
            table.add_row(name, _plain(value))
    return table


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "\n".join(_plain(inner) for inner in value) or _DASH
    return _DASH if value is None else str(value)
