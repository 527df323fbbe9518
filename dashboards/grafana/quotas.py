"""Quotas of the departments: what is used, where it leads, and who uses how much for its size."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.overview import LEVELS
from dashboards.grafana.panels import (
    COVERED,
    GREEN,
    NONE_WANTED,
    ORANGE,
    PLAIN,
    RED,
    Panel,
    bars,
    cell,
    gauges,
    stat,
    table,
)
from dashboards.grafana.query import DEPARTMENT, SITE
from dashboards.grafana.words import LEVEL

CHOSEN = "site = '$site' AND department = ANY(ARRAY[$department]::text[])"
NOW = 'start <= :now AND "end" > :now'
FORECAST = ((None, GREEN), (1, ORANGE), (1.05, RED))
"""Of the forecast: notice and warning only above 100 %, warning at 105 % (DOMAIN, Quotas)."""


def quotas() -> Dashboard:
    """compound-quotas."""
    return board(
        "compound-quotas",
        "Budgets of the departments: used, pace, forecast, levels, ranking. Figures of the year and month at the end of the range.",
        Line("年度 Year", [
            stat(
                "概况 In brief",
                f"""
                    SELECT count(*) AS "定额 quotas", count(*) FILTER (WHERE forecast_used > 1) AS "预测超限 forecast over",
                    count(*) FILTER (WHERE level IS NOT NULL) AS "已达级别 at a level",
                    count(*) FILTER (WHERE marked) AS "覆盖不足 coverage below 95 %"
                    FROM dashboard.quota WHERE period = 'year' AND {NOW} AND {CHOSEN}
                """,
                unit="short", w=6, h=8, columns={"over$|level$": cell(NONE_WANTED), "coverage": cell(((None, GREEN), (1, ORANGE)))},
            ),
            gauges(
                "使用 Used",
                f"""
                    SELECT label || CASE WHEN marked THEN ' ⚠' ELSE '' END AS department, used FROM dashboard.quota
                    WHERE period = 'year' AND {NOW} AND {CHOSEN} ORDER BY used DESC NULLS LAST, 1
                """,
                unit="percentunit", steps=LEVELS, w=9, least=0, most=1.2,
                about="Used of the year's budget. ⚠: coverage below 95 %.",
            ),
            gauges(
                "预测 Forecast",
                f"""
                    SELECT label || CASE WHEN marked THEN ' ⚠' ELSE '' END AS department, forecast_used FROM dashboard.quota
                    WHERE period = 'year' AND {NOW} AND {CHOSEN} ORDER BY forecast_used DESC NULLS LAST, 1
                """,
                unit="percentunit", steps=FORECAST, w=9, least=0, most=1.5,
                about="Forecast of the year as a share of its budget: actual + pace × rest. ⚠: coverage below 95 %; such a forecast"
                " raises no level.",
            ),
            _figures("本年 This year", "year"),
            _figures("本月 This month", "month"),
            bars(
                "各月用量与预算 Months, used and budget",
                f"""
                    SELECT start AS time, sum(actual) AS "用量 used", sum(budget) AS "预算 budget" FROM dashboard.quota
                    WHERE period = 'month' AND medium = 'electricity' AND start >= :since AND start <= :now AND {CHOSEN}
                    GROUP BY 1 ORDER BY 1
                """,
                unit="watth", stacked=False,
                about="Electricity of the chosen departments; months that begin in the range. A month of which little is known shows"
                " little: see its coverage.",
            ),
            table(
                "已达级别 Levels reached",
                f"""
                    SELECT l.at AS "达到 reached", d.label AS "部门 department", l.medium AS "能源 medium", l.period AS "周期 period",
                    l.start AS "起 from", l.level AS "级别 level"
                    FROM quotas.level l JOIN dashboard.item d ON d.kind = 'department' AND d.id = l.department
                    WHERE l.at BETWEEN :since AND :until AND {CHOSEN} ORDER BY 1 DESC, 2, 3, 4, 6 LIMIT 200
                """,
                columns={"level$": LEVEL},
                about="From the first quarter hour on at which it held, by all that is now known.",
            ),
        ]),
        Line("排名 Ranking", [
            _ranking("单位面积 Per m²", "per_m2"),
            _ranking("人均 Per head", "per_head"),
            table(
                "部门用电 Departments",
                f"""
                    SELECT label AS "部门 department", quantity AS "用电 used", per_m2 AS "每平方米 per m²", per_head AS "人均 per head",
                    coverage AS "覆盖率 coverage" FROM dashboard.ranking('$site', 'electricity', :since, :now)
                    WHERE {CHOSEN.removeprefix("site = '$site' AND ")} ORDER BY 2 DESC
                """,
                w=24, h=7,
                units={"用电 used": "watth", "每平方米 per m²": "watth", "人均 per head": "watth"},
                columns={"coverage$": {"unit": "percentunit", **cell(COVERED)}},
                about="Whole days that begin in the range, and today. Area and headcount as registered now.",
            ),
        ]),
        variables=[SITE, DEPARTMENT],
        since="now/y",
    )  # fmt: skip


def _figures(title: str, period: str) -> Panel:
    """All figures of a period, a row a quota."""
    return table(
        title,
        f"""
            SELECT label AS "部门 department", medium AS "能源 medium", budget / 1000.0 AS "预算 budget", actual / 1000.0 AS "用量 actual",
            used AS "使用 used", pace AS "进度 pace", forecast / 1000.0 AS "预测 forecast", forecast_used AS "预测占比 forecast/budget",
            coverage AS "覆盖率 coverage", level AS "级别 level", until AS "截至 until"
            FROM dashboard.quota WHERE period = '{period}' AND {NOW} AND {CHOSEN} ORDER BY used DESC NULLS LAST, 1, 2
        """,
        w=24,
        h=9,
        decimals=1,
        columns={
            " used$": {"unit": "percentunit", **cell(LEVELS)},
            "pace$": {"unit": "percentunit"},
            "forecast/budget$": {"unit": "percentunit", **cell(FORECAST)},
            "coverage$": {"unit": "percentunit", **cell(COVERED)},
            "level$": LEVEL,
        },
        about="Budget, actual and forecast in kWh (electricity, heat) or m³ (water, gas). Pace: actual against plan over the covered"
        " time. Coverage below 95 % is marked.",
    )


def _ranking(title: str, column: str) -> Panel:
    """Departments by use for their size."""
    return gauges(
        title,
        f"""
            SELECT label || CASE WHEN coverage < 0.95 THEN ' ⚠' ELSE '' END AS department, {column}
            FROM dashboard.ranking('$site', 'electricity', :since, :now)
            WHERE {CHOSEN.removeprefix("site = '$site' AND ")} ORDER BY 2 DESC NULLS LAST
        """,
        unit="watth",
        steps=PLAIN,
        w=12,
        least=0,
        about="Electricity of the days in the range. ⚠: coverage below 95 %; then the figure is too low.",
    )
