"""Energy: when, where and by whom it is used, and what runs when nobody is there. For the energy-conservation officer."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.panels import (
    COVERED,
    GREEN,
    ORANGE,
    YELLOW,
    Panel,
    bars,
    cell,
    gauges,
    heatmap,
    lines,
    stat,
    table,
)
from dashboards.grafana.query import BUILDING, DEPARTMENT, SITE

LONG = " Ranges over 92 days are shown by month."
LAST_35_DAYS = " Of ranges over 35 days the last 35: quarter hours are not added up over a year."


def energy() -> Dashboard:
    """compound-energy."""
    return board(
        "compound-energy",
        "When, where and by whom energy is used. Days and months are the site's.",
        Line("负荷 Load", [
            lines(
                "负荷曲线 Load curve",
                """
                    SELECT start AS time, load AS "负荷 load", marked AS "估算或不全 estimated or incomplete"
                    FROM dashboard.load('site', '$site', :since, :until)
                """,
                unit="watt", w=18, points=["estimated"],
                about="Mean power of quarter hours; of days in ranges over 35 days. Marked where it is not measured throughout"
                " or meters are missing; a gap where nothing is known.",
            ),
            stat(
                "数据质量 Quality of the data",
                """
                    SELECT sum(coverage * extract(epoch FROM least("end", :now) - start))
                    / sum(extract(epoch FROM least("end", :now) - start)) AS "覆盖率 coverage",
                    sum(estimated_share * quantity) / nullif(sum(quantity), 0) AS "估算占比 estimated",
                    max(incomplete_meters) AS "不全的表 incomplete meters"
                    FROM energy.use('site', '$site', :since, :now, 'day')
                """,
                unit="percentunit", w=6, h=8, decimals=1,
                columns={"coverage$": cell(COVERED), "meters$": {"unit": "short", "decimals": 0}},
                about="Coverage: time between good readings of the meters behind the figure, by rated power. Estimated: not measured"
                " by day. Incomplete meters: most on one day.",
            ),
        ]),
        Line("楼宇与部门 Buildings and departments", [
            _by("building", "各楼用电 Electricity by building"),
            _by("department", "各部门用电 Electricity by department"),
            bars(
                "去向 Where it went",
                """
                    SELECT b.start AS time, b.import AS "进 import", b.generation AS "发电 generation", -b.export AS "出 export",
                    b.storage AS "储能 storage", b.residual AS "未分表 residual"
                    FROM dashboard.item m, energy.balance(m.id, :recent, :now, 'day') b
                    WHERE m.kind = 'point' AND m.site = '$site' AND m.data->>'role' = 'main' AND m.data->>'medium' = 'electricity'
                    ORDER BY 1
                """,
                unit="watth", stacked=False,
                about="The balance at the main meter by day. The residual is what no sub-meter counted; it is unknown on days on which"
                " one of them is." + LAST_35_DAYS,
            ),
            table(
                "各表用电 Electricity by meter",
                """
                    SELECT d.label AS "位置 place", u.meter AS "表 meter", u.quantity AS "用电 used",
                    u.coverage AS "覆盖率 coverage", u.estimated AS "估算占比 estimated"
                    FROM dashboard.meter_use('$site', 'electricity', :since, :until) u JOIN dashboard.device d ON d.device = u.meter
                    ORDER BY u.quantity DESC NULLS LAST, 2 LIMIT 200
                """,
                units={"用电 used": "watth", "估算占比 estimated": "percentunit"},
                columns={"coverage$": {"unit": "percentunit", **cell(COVERED)}},
                about="The 200 greatest. Of the whole days in the range and today.",
            ),
        ]),
        Line("何时用 When", [
            heatmap(
                "逐时热力图 Heat map by hour",
                """
                    SELECT date_trunc('day', u.start, z.name) AS time, to_char(u.start AT TIME ZONE z.name, 'HH24:00') AS metric,
                    CASE WHEN min(u.coverage) >= 0.95 THEN sum(u.quantity) END AS value
                    FROM energy.zone('$site') z(name), energy.use('site', '$site', :recent, :now, 'quarter') u
                    WHERE u."end" <= :now GROUP BY 1, 2 ORDER BY 1, 2
                """,
                unit="watth", w=12,
                about="A column a day, a row an hour; empty where coverage is below 95 %." + LAST_35_DAYS,
            ),
            heatmap(
                "日历热力图 Calendar heat map",
                """
                    SELECT date_trunc('week', u.start, z.name) AS time,
                    (ARRAY['1 周一 Mon', '2 周二 Tue', '3 周三 Wed', '4 周四 Thu', '5 周五 Fri', '6 周六 Sat', '7 周日 Sun'])
                    [extract(isodow FROM u.start AT TIME ZONE z.name)::int] AS metric,
                    CASE WHEN u.coverage >= 0.95 THEN u.quantity END AS value
                    FROM energy.zone('$site') z(name), energy.use('site', '$site', :since, :now, 'day') u ORDER BY 1, 2
                """,
                unit="watth", w=12,
                about="A column a week, a row a weekday; empty where coverage is below 95 %. Meant for months and years.",
            ),
            lines(
                "夜间基荷 Base load at night",
                """
                    SELECT start AS time, night AS "夜间 0–5h night", office AS "办公 8–18h office hours"
                    FROM dashboard.base_load('site', '$site', :recent, :now)
                """,
                unit="watt",
                about="Mean power by day. What runs at night runs for nobody; the gap between the lines is what people use."
                + LAST_35_DAYS,
            ),
            gauges(
                "各楼夜间与周末 Night and weekend by building",
                """
                    SELECT b.label AS building, avg(l.night) / nullif(avg(l.office) FILTER (WHERE l.working), 0) AS "夜间 night",
                    avg(l.day) FILTER (WHERE NOT l.working) / nullif(avg(l.day) FILTER (WHERE l.working), 0) AS "休息日 days off"
                    FROM dashboard.base_loads('building', ARRAY[$building]::text[], :recent, :now) l
                    JOIN dashboard.item b ON b.kind = 'building' AND b.id = l.of_id GROUP BY 1 ORDER BY 1
                """,
                unit="percentunit", steps=((None, GREEN), (0.4, YELLOW), (0.6, ORANGE)), w=12, least=0, most=1,
                about="Mean power at night (0–5 h) as a share of that in office hours of working days, and of days off as a share"
                " of working days. Days off by the registry's calendar." + LAST_35_DAYS,
            ),
        ]),
        Line("水、气、热 Water, gas, heat", [
            _medium("water", "用水 Water", "m3", 1000),
            _medium("gas", "用气 Gas", "m3", 1000),
            _medium("heat", "用热 Heat", "watth", 1),
        ]),
        variables=[SITE, BUILDING, DEPARTMENT],
    )  # fmt: skip


def _by(kind: str, title: str) -> Panel:
    """Use by day or month of the chosen buildings or departments."""
    return bars(
        title,
        f"""
            SELECT u.start AS time, g.label AS metric, u.quantity AS value
            FROM energy.uses('{kind}', ARRAY[${kind}]::text[], :since, :until, dashboard.period(:since, :until)) u
            JOIN dashboard.item g ON g.kind = '{kind}' AND g.id = u.of_id ORDER BY 1, 2
        """,
        unit="watth",
        about="What their own meters counted; what no sub-meter counted is in none." + LONG,
    )


def _medium(medium: str, title: str, unit: str, divisor: int) -> Panel:
    """Use of another medium by day or month, by building and of the site."""
    value = "u.quantity" if divisor == 1 else f"u.quantity / {divisor}.0"
    return bars(
        title,
        f"""
            SELECT u.start AS time, {value} AS "全院 site"
            FROM energy.use('site', '$site', :since, :until, dashboard.period(:since, :until), '{medium}') u
        """,
        f"""
            SELECT u.start AS time, g.label AS metric, {value} AS value
            FROM energy.uses('building', ARRAY[$building]::text[], :since, :until, dashboard.period(:since, :until), '{medium}') u
            JOIN dashboard.item g ON g.kind = 'building' AND g.id = u.of_id WHERE u.quantity IS NOT NULL ORDER BY 1, 2
        """,
        unit=unit,
        w=8,
        stacked=False,
        decimals=1,
        about=title + " by day." + LONG,
    )
