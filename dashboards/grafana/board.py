"""A dashboard: its panels in rows, its variables, and links to all the others that keep time and variables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType

from compound.settings import Settings
from dashboards.grafana.panels import Panel

TAG: Final = "compound"
TITLES: Final = {
    "compound-overview": "总览 Overview",
    "compound-energy": "能耗 Energy",
    "compound-quotas": "定额 Quotas",
    "compound-solar": "光伏 Solar",
    "compound-parking": "停车与快递柜 Parking and lockers",
    "compound-security": "安防监控室 Security control room",
    "compound-maintenance": "运维 Maintenance",
    "compound-platform": "平台 Platform",
}
"""uid -> title, in the order of the links."""

TIMEZONE: Final[str] = Settings.model_fields["site_timezone"].default
"""Days are the site's (the queries return their starts), so they are shown in its zone, wherever who looks is."""


@dataclass(frozen=True)
class Line:
    """A titled row of panels."""

    title: str
    panels: Sequence[Panel]


def board(
    uid: str, about: str, *lines: Line, variables: Sequence[QueryVariable], since: str = "now-7d", refresh: str = "1m"
) -> Dashboard:
    """A dashboard of the folder. since: the range that it opens with, up to now."""
    made = (
        Dashboard(TITLES[uid])
        .uid(uid)
        .description(about)
        .tags([TAG])
        .timezone(TIMEZONE)
        .week_start("monday")
        .time(since, "now")
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .variables(list(variables))
        .links([_link(other) for other in TITLES if other != uid])
        .annotations([])
    )
    number = 0
    for line in lines:
        number += 1
        made.with_row(Row(line.title).id(number))
        for panel in line.panels:
            number += 1
            made.with_panel(panel.id(number))
    return made


def as_json(made: Dashboard) -> str:
    """The dashboard's JSON model as text; the same for the same code."""
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def as_model(made: Dashboard) -> Any:
    """The dashboard's JSON model."""
    return json.loads(as_json(made))


def _link(uid: str) -> DashboardLink:
    return (
        DashboardLink(TITLES[uid])
        .type(DashboardLinkType.LINK)
        .url(f"/d/{uid}")
        .icon("dashboard")
        .keep_time(True)
        .include_vars(True)
    )
