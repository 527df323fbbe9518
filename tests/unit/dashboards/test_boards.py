"""What every dashboard promises, read from the committed JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana.all import texts
from dashboards.grafana.board import TITLES
from dashboards.grafana.docs import PAGE, rewrite
from tests.support.boards import BOARDS, FOLDER, PANELS, Panel

register_default_plugins()  # the models of the panels' options

UNITLESS = {"table", "state-timeline"}
"""Kinds whose columns have units of their own, or none."""
CHINESE, ENGLISH = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2}")

every_board = pytest.mark.parametrize("uid", sorted(BOARDS))
every_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.key)


def test_the_json_is_what_the_code_makes() -> None:
    """`make docs` writes it."""
    made = texts()
    assert set(made) == set(BOARDS) == set(TITLES)
    for uid, text in made.items():
        assert (FOLDER / f"{uid}.json").read_text(encoding="utf-8") == text, f"{uid}: run make docs"


def test_the_page_lists_every_panel() -> None:
    """`make docs` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert rewrite(page) == page, "run make docs"
    assert [panel.title for panel in PANELS if panel.title not in page] == []


def test_keys_are_unique() -> None:
    keys = [panel.key for panel in PANELS]
    assert len(keys) == len(set(keys))


@every_board
def test_the_json_is_a_dashboard_of_grafana(uid: str) -> None:
    """The SDK's model of Grafana 11.6 reads it and loses nothing."""
    read = json.loads(json.dumps(Dashboard.from_json(BOARDS[uid]), cls=JSONEncoder))
    for panel in read["panels"]:
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        if defaults.get("custom") == {}:  # what the model makes of none
            del defaults["custom"]
    assert read == BOARDS[uid]


@every_board
def test_uid_title_zone_and_links(uid: str) -> None:
    """Links lead to all the others, with the range and the variables."""
    board = BOARDS[uid]
    assert board["uid"] == uid
    assert "id" not in board
    assert board["title"] == TITLES[uid]
    assert board["timezone"] == "Asia/Shanghai"
    assert {link["url"] for link in board["links"]} == {f"/d/{other}" for other in TITLES if other != uid}
    assert all(link["keepTime"] and link["includeVars"] for link in board["links"])


@every_board
def test_one_data_source(uid: str) -> None:
    """Everywhere the same, by its uid."""
    sources = [value for key, value in _fields(BOARDS[uid]) if key == "datasource"]
    assert sources
    assert all(source == {"type": "grafana-postgresql-datasource", "uid": "compound-postgres"} for source in sources)


@every_board
def test_titles_are_in_two_languages(uid: str) -> None:
    titles = [BOARDS[uid]["title"], *(panel["title"] for panel in BOARDS[uid]["panels"])]
    titles += [variable["label"] for variable in BOARDS[uid]["templating"]["list"]]
    assert [title for title in titles if not (CHINESE.search(title) and ENGLISH.search(title))] == []


@every_board
def test_panels_fill_the_grid(uid: str) -> None:
    """No two overlap, none is wider than the grid, no line of panels leaves a hole at its right end."""
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[uid]["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len(taken) == 24 * len({y for _, y in taken}), "a hole in the grid"


@every_board
def test_ids_are_unique(uid: str) -> None:
    ids = [panel["id"] for panel in BOARDS[uid]["panels"]]
    assert len(ids) == len(set(ids))


@every_panel
def test_every_panel_has_unit_and_thresholds(panel: Panel) -> None:
    defaults = panel.model["fieldConfig"]["defaults"]
    assert panel.type in UNITLESS or defaults["unit"]
    assert defaults["thresholds"]["steps"]
    assert defaults["noValue"] == "无数据 no data"


@every_panel
def test_missing_data_is_a_gap(panel: Panel) -> None:
    """A null is neither zero nor bridged."""
    if panel.type == "timeseries":
        assert panel.model["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
    assert all("coalesce(" not in text.lower() for text, _ in panel.queries), "unknown is null, not a number"


@every_panel
def test_queries_read_no_raw_points(panel: Panel) -> None:
    """Panels of long ranges would scan them; and a comment would be expanded like the rest."""
    for text, _ in panel.queries:
        assert not re.search(r"\.(\w*_)?point\b(?! ?=)", text.replace("registry.point", "")), text
        assert "--" not in text
        assert "/*" not in text


@every_panel
def test_queries_use_few_macros(panel: Panel) -> None:
    """What all data sources of Grafana's PostgreSQL plugin know, whichever database it is."""
    for text, _ in panel.queries:
        assert set(re.findall(r"\$(__\w+)", text)) <= {"__timeFrom", "__timeTo", "__timeFilter"}


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every (key, value) at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner)
