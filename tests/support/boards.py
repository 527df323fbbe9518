"""The committed dashboards as Grafana reads them: panels, their queries, and the variables with what is chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.support.grafana import Frame, Range, Variable, expand, query

FOLDER = Path(__file__).parents[2] / "dashboards" / "grafana" / "json"
BOARDS: Mapping[str, Any] = {path.stem: json.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))}


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard."""

    board: str
    title: str
    type: str
    model: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What a test calls it: the dashboard's uid without the prefix, and the English part of the title."""
        english = self.title[next(n for n, char in enumerate(self.title) if char.isascii() and char.isalpha()) :]
        return f"{self.board.removeprefix('compound-')}: {english}"

    @property
    def queries(self) -> list[tuple[str, str]]:
        """Text and format of each."""
        return [(target["rawSql"], target["format"]) for target in self.model.get("targets", [])]


def panels(board: str) -> list[Panel]:
    """The panels of a dashboard that ask something, in order."""
    return [
        Panel(board, model["title"], model["type"], model)
        for model in BOARDS[board]["panels"]
        if model["type"] not in ("row", "text")
    ]


RULES: Mapping[str, str] = {
    rule["uid"]: data["model"]["rawSql"]
    for group in yaml.safe_load(
        (FOLDER.parent / "provisioning" / "alerting" / "rules.yaml").read_text(encoding="utf-8")
    )["groups"]
    for rule in group["rules"]
    for data in rule["data"]
    if "rawSql" in data["model"]
}
"""The alert rules' queries by the rules' uids."""

PANELS = [panel for board in BOARDS for panel in panels(board)]


def choices(
    conn: psycopg.Connection[Any], model: Mapping[str, Any], when: Range, chosen: Mapping[str, Variable]
) -> Frame:
    """What can be chosen for a variable, as its query answers."""
    return query(conn, expand(model["query"], when, chosen), "table")


def chosen(conn: psycopg.Connection[Any], board: str, when: Range) -> dict[str, Variable]:
    """The variables of a dashboard as it opens: the first value, or all where several may be."""
    found: dict[str, Variable] = {}
    for model in BOARDS[board]["templating"]["list"]:
        values = [row["__value"] for row in choices(conn, model, when, found).rows]
        several = bool(model.get("multi") or model.get("includeAll"))
        found[model["name"]] = Variable(values if several else values[0], several)
    return found


def frames(
    conn: psycopg.Connection[Any], panel: Panel, when: Range, variables: Mapping[str, Variable], **how: Any
) -> list[Frame]:
    """What each query of a panel answers."""
    return [query(conn, expand(text, when, variables, **how), form) for text, form in panel.queries]
