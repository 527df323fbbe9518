"""The part of docs/dashboards.md that is made from the dashboards."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dashboards.grafana.all import BOARDS
from dashboards.grafana.board import as_model

PAGE: Final = Path(__file__).parents[2] / "docs" / "dashboards.md"
BEGIN, END = "<!-- dashboards -->\n", "\n<!-- /dashboards -->"


def tables() -> str:
    """Every dashboard with its panels, row by row."""
    parts = []
    for uid, make in BOARDS.items():
        model = as_model(make())
        rows: list[str] = []
        panels: list[str] = []
        line = ""
        for panel in [*model["panels"], {"type": "row", "title": ""}]:
            if panel["type"] == "row":
                if panels:
                    rows.append(f"| {line} | {' · '.join(panels)} |")
                line, panels = panel["title"], []
            else:
                panels.append(panel["title"])
        opens = model["time"]["from"]
        parts.append(
            f"### {model['title']}\n\n`{uid}`, opens with `{opens}` to now. {model['description']}\n\n"
            "| row | panels |\n| --- | --- |\n" + "\n".join(rows)
        )
    return "\n\n".join(parts)


def rewrite(page: str) -> str:
    """The page with the tables made anew."""
    head, rest = page.split(BEGIN, 1)
    return head + BEGIN + tables() + END + rest.split(END, 1)[1]
