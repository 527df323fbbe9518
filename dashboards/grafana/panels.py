"""The kinds of panels that the dashboards are made of, each with its look and with gaps left as gaps.

Every title is Chinese, then English. Widths are in the grid's 24 columns, heights in its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders.bargauge import Panel as BarGauge
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.heatmap import CellValues, HeatmapColorOptions, YAxisConfig
from grafana_foundation_sdk.builders.heatmap import Panel as Heatmap
from grafana_foundation_sdk.builders.piechart import Panel as PieChart
from grafana_foundation_sdk.builders.piechart import PieChartLegendOptions
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    StackingMode,
    TableCellHeight,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from dashboards.grafana.query import DATASOURCE, Sql

Panel = Any
"""A panel's builder; the SDK has a class for each kind and no common one."""
Steps = Sequence[tuple[float | None, str]]
"""Thresholds: from which value on (None: from the least) which colour."""

NO_DATA: Final = "无数据 no data"
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#8e8e8e"

PLAIN: Final[Steps] = ((None, GREEN),)
NONE_WANTED: Final[Steps] = ((None, GREEN), (1, RED))
"""Of what there should be none."""
COVERED: Final[Steps] = ((None, RED), (0.95, GREEN))
"""Coverage: below 95 % it is marked (DOMAIN, Quotas)."""

Texts = Mapping[str, tuple[str, str]]
"""Shown text and colour by value."""


def stat(title: str, sql: str, *, unit: str, w: int = 4, h: int = 4, steps: Steps = PLAIN, **more: Any) -> Panel:
    """Single values: the numeric columns of one row."""
    panel = (
        Stat()
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    return _dressed(panel, title, [Sql(sql, "table")], unit=unit, w=w, h=h, steps=steps, **more)


def lines(title: str, *sql: str, unit: str, w: int = 12, h: int = 8, points: Sequence[str] = (), **more: Any) -> Panel:
    """Curves over time; a null is a gap. `points`: regular expressions of series shown as points (marks)."""
    panel = _over_time().draw_style(GraphDrawStyle.LINE).line_interpolation(LineInterpolation.LINEAR).line_width(1)
    for name in points:
        panel.override_by_regexp(name, _properties({"custom.drawStyle": "points", "custom.pointSize": 6}))
    return _dressed(panel, title, _series(sql), unit=unit, w=w, h=h, **more)


def steps_over_time(title: str, *sql: str, unit: str, w: int = 12, h: int = 8, **more: Any) -> Panel:
    """Values that hold until the next: counts of people or spots."""
    panel = _over_time().draw_style(GraphDrawStyle.LINE).line_interpolation(LineInterpolation.STEP_AFTER).line_width(1)
    return _dressed(panel, title, _series(sql), unit=unit, w=w, h=h, **more)


def bars(title: str, *sql: str, unit: str, w: int = 12, h: int = 8, stacked: bool = True, **more: Any) -> Panel:
    """Amounts by day or month."""
    panel = _over_time().draw_style(GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    return _dressed(panel, title, _series(sql), unit=unit, w=w, h=h, **more)


def gauges(title: str, sql: str, *, unit: str, w: int = 8, h: int = 8, steps: Steps, **more: Any) -> Panel:
    """A bar for each row: a text column (its name) and a numeric one."""
    panel = (
        BarGauge()
        .display_mode(BarGaugeDisplayMode.BASIC)
        .orientation(VizOrientation.HORIZONTAL)
        .show_unfilled(True)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(True))
    )
    return _dressed(panel, title, [Sql(sql, "table")], unit=unit, w=w, h=h, steps=steps, **more)


def shares(title: str, sql: str, *, unit: str = "short", w: int = 6, h: int = 8, **more: Any) -> Panel:
    """A pie: a text column and a numeric one."""
    panel = (
        PieChart()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(True))
        .legend(
            PieChartLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.RIGHT)
            .show_legend(True)
        )
    )
    return _dressed(panel, title, [Sql(sql, "table")], unit=unit, w=w, h=h, **more)


def table(title: str, sql: str, *, w: int = 12, h: int = 8, units: Mapping[str, str] = {}, **more: Any) -> Panel:
    """A list. units: of columns by name; the columns' names are what people read."""
    panel = Table().show_header(True).cell_height(TableCellHeight.SM).filterable(True)
    for column, unit in units.items():
        panel.override_by_name(column, _properties({"unit": unit}))
    return _dressed(panel, title, [Sql(sql, "table")], unit=None, w=w, h=h, **more)


def heatmap(title: str, sql: str, *, unit: str, w: int = 24, h: int = 9, **more: Any) -> Panel:
    """Time from left to right, a row for each `metric` in their order from above, coloured by value."""
    panel = (
        Heatmap()
        .calculate(False)
        .color(HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .cell_values(CellValues().unit(unit))
        .cell_gap(1)
        .y_axis(YAxisConfig().reverse(True))
        .show_value(VisibilityMode.NEVER)
        .show_legend()
    )
    return _dressed(panel, title, [Sql(sql, "time_series")], unit=unit, w=w, h=h, **more)


def states(title: str, sql: str, *, texts: Texts, w: int = 24, h: int = 8, **more: Any) -> Panel:
    """States over time, a lane for each `metric`. Values are numbers, named by `texts`; each holds until the next."""
    panel = (
        StateTimeline()
        .show_value(VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(80)
        .legend(_legend(LegendPlacement.BOTTOM))
    )
    # A lane's rows stand at other times than its neighbours'; what is not known is a state of its own, never a null.
    dressed = _dressed(panel, title, [Sql(sql, "time_series")], unit=None, w=w, h=h, texts=texts, **more)
    dressed.override_by_field_type("number", _properties({"custom.spanNulls": True}))
    return dressed


def _dressed(
    panel: Panel,
    title: str,
    targets: Sequence[Sql],
    *,
    unit: str | None,
    w: int,
    h: int,
    about: str = "",
    steps: Steps = PLAIN,
    least: float | None = None,
    most: float | None = None,
    decimals: int | None = None,
    texts: Texts | None = None,
    columns: Mapping[str, Mapping[str, Any]] = {},
) -> Panel:
    """What all kinds have. columns: properties of the fields whose name matches a regular expression."""
    panel.title(title).datasource(DATASOURCE).span(w).height(h).no_value(NO_DATA).targets(targets)
    panel.thresholds(
        ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(value, color) for value, color in steps])
    )
    if steps is not PLAIN:
        panel.color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
    if about:
        panel.description(about)
    if unit is not None:
        panel.unit(unit)
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.max(most)
    if decimals is not None:
        panel.decimals(decimals)
    if texts is not None:
        panel.mappings([_mapping(texts)])
    for name, properties in columns.items():
        panel.override_by_regexp(name, _properties(properties))
    return panel


def _series(sql: Sequence[str]) -> list[Sql]:
    return [Sql(text, "time_series", "ABCDEFG"[n]) for n, text in enumerate(sql)]


def _over_time() -> Panel:
    return (
        TimeSeries()
        .span_nulls(False)
        .show_points(VisibilityMode.AUTO)
        .fill_opacity(10)
        .legend(_legend(LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )


def _legend(placement: LegendPlacement) -> Any:
    return common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(placement).show_legend(True)


def _mapping(texts: Texts) -> ValueMapping:
    return ValueMap(
        {
            value: ValueMappingResult(text=text, color=color, index=n)
            for n, (value, (text, color)) in enumerate(texts.items())
        }
    )


def _properties(values: Mapping[str, Any]) -> list[DynamicConfigValue]:
    return [DynamicConfigValue(name, value) for name, value in values.items()]


def cell(steps: Steps, kind: Literal["color-text", "color-background", "gauge"] = "color-text") -> dict[str, Any]:
    """Properties of a table's column that is coloured by thresholds."""
    return {
        "custom.cellOptions": {"type": kind},
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]},
        "color": {"mode": "thresholds"},
    }


def marked(texts: Texts) -> dict[str, Any]:
    """Properties of a table's column whose values have a shown text and colour."""
    return {"custom.cellOptions": {"type": "color-text"}, "mappings": [_mapping(texts).to_json()]}
