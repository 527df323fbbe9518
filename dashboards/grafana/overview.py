"""The compound in one look, for whoever comes first: what is used, what is full, what is wrong."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.panels import (
    COVERED,
    GREEN,
    NONE_WANTED,
    ORANGE,
    RED,
    YELLOW,
    bars,
    cell,
    gauges,
    lines,
    stat,
    table,
)
from dashboards.grafana.query import SITE
from dashboards.grafana.words import PRIORITY, RULE, STATE

COVERAGE = {"coverage$": {"unit": "percentunit", **cell(COVERED)}}
LEVELS = ((None, GREEN), (0.8, YELLOW), (0.9, ORANGE), (1, RED))
"""Levels of a quota: notice, warning, alarm (DOMAIN, Quotas)."""
FULL = ((None, GREEN), (0.85, YELLOW), (0.95, RED))


def overview() -> Dashboard:
    """compound-overview."""
    return board(
        "compound-overview",
        "What the compound uses, how full it is, and what is wrong. \"Now\" is the end of the chosen range.",
        Line("现在 Now", [
            stat(
                "今日用电 Electricity today",
                """
                    SELECT quantity AS "用电 used", coverage AS "覆盖率 coverage"
                    FROM energy.use('site', '$site', date_trunc('day', :now, energy.zone('$site')), :now, 'day')
                """,
                unit="watth", columns=COVERAGE,
                about="Consumption of the site since its midnight: import − export + generation. Coverage below 95 % is marked:"
                " then meters are missing in it.",
            ),
            stat(
                "本月用电 Electricity this month",
                """
                    SELECT quantity AS "用电 used", coverage AS "覆盖率 coverage"
                    FROM energy.use('site', '$site', date_trunc('month', :now, energy.zone('$site')), :now, 'month')
                """,
                unit="watth", columns=COVERAGE,
            ),
            stat(
                "今日光伏 Solar today",
                """
                    SELECT sum(r.yield_wh) AS "发电 yield", avg(r.self_consumption) AS "自用率 self-consumption"
                    FROM dashboard.plant p, solar.ratios(p.plant, date_trunc('day', :now, energy.zone('$site')), :now) r
                    WHERE p.site = '$site'
                """,
                unit="watth", columns={"consumption$": {"unit": "percentunit"}},
            ),
            stat(
                "今日用水 Water today",
                """
                    SELECT quantity / 1000.0 AS "用水 used", coverage AS "覆盖率 coverage"
                    FROM energy.use('site', '$site', date_trunc('day', :now, energy.zone('$site')), :now, 'day', 'water')
                """,
                unit="m3", columns=COVERAGE, decimals=1,
            ),
            stat(
                "设备 Devices",
                """
                    SELECT count(*) FILTER (WHERE state = 'alive') AS "在线 alive",
                    count(*) FILTER (WHERE state <> 'alive') AS "失联 lost"
                    FROM liveness.state WHERE watched AND site = '$site'
                """,
                unit="short", columns={"lost$": cell(NONE_WANTED)},
            ),
            stat(
                "未结告警 Open alerts",
                """
                    SELECT count(*) FILTER (WHERE priority = 'high') AS "高 high",
                    count(*) FILTER (WHERE priority = 'medium') AS "中 medium",
                    count(*) FILTER (WHERE priority = 'low') AS "低 low"
                    FROM dashboard.alert WHERE open AND site = '$site'
                """,
                unit="short", columns={"high$": cell(NONE_WANTED)},
            ),
        ]),
        Line("用能 Energy", [
            lines(
                "用电负荷 Load",
                """
                    SELECT start AS time, load AS "负荷 load", marked AS "估算或不全 estimated or incomplete"
                    FROM dashboard.load('site', '$site', :since, :until)
                """,
                unit="watt", w=16, points=["estimated"],
                about="Mean power of quarter hours; of days in ranges over 35 days. Marked where it is not measured"
                " throughout or meters are missing.",
            ),
            gauges(
                "年度定额使用 Quotas of the year, used",
                """
                    SELECT d.label AS department, f.used FROM quotas.figure f
                    JOIN dashboard.item d ON d.kind = 'department' AND d.id = f.department
                    WHERE f.period = 'year' AND f.start <= :now AND f."end" > :now AND d.site = '$site'
                    ORDER BY f.used DESC NULLS LAST, 1
                """,
                unit="percentunit", steps=LEVELS, least=0, most=1.2,
            ),
            bars(
                "每日用电 Electricity by day",
                """
                    SELECT start AS time, quantity AS "用电 used"
                    FROM energy.use('site', '$site', :since, :until, dashboard.period(:since, :until))
                """,
                """
                    SELECT d.start AS time, sum(d.yield_wh) AS "光伏 solar" FROM dashboard.plant p,
                    dashboard.plant_day(p.plant, :since, :until) d WHERE p.site = '$site'
                    AND dashboard.period(:since, :until) = 'day' GROUP BY 1 ORDER BY 1
                """,
                unit="watth", w=24, h=7, stacked=False,
                about="Days are the site's. Ranges over 92 days are shown by month, without solar.",
            ),
        ]),
        Line("人、车、件 People, cars, parcels", [
            gauges(
                "停车占用 Parking, occupied",
                """
                    SELECT c.label AS carpark, o.occupancy FROM dashboard.item c, parking.occupancy(c.id, :now) o
                    WHERE c.kind = 'carpark' AND c.site = '$site' ORDER BY 1
                """,
                unit="percentunit", steps=FULL, h=6, least=0, most=1,
                about="Of the spots whose state is known; no figure below 80 % known.",
            ),
            gauges(
                "在场人数 People inside",
                """
                    SELECT label AS zone, people FROM dashboard.headcount('$site', :now) ORDER BY 1
                """,
                unit="short", steps=((None, GREEN),), h=6, least=0,
                about="Groups under 5 are not shown.",
            ),
            gauges(
                "快递柜 Parcel lockers, filled",
                """
                    SELECT b.label AS bank, sum(f.occupied)::float8 / nullif(sum(f.cells - f.fault), 0) AS fill
                    FROM parcels.fill(:now) f JOIN dashboard.item b ON b.kind = 'point' AND b.id = f.bank
                    WHERE b.site = '$site' GROUP BY 1 ORDER BY 1
                """,
                unit="percentunit", steps=FULL, h=6, least=0, most=1,
            ),
            table(
                "告警列表 Alerts to look at",
                """
                    SELECT priority AS "级别 priority", rule AS "类型 rule", device AS "设备 device", place AS "位置 place",
                    raised AS "起始 since", state AS "状态 state" FROM dashboard.alert
                    WHERE open AND site = '$site' ORDER BY raised DESC LIMIT 50
                """,
                w=24, columns={"priority$": PRIORITY, "rule$": RULE, "state$": STATE},
            ),
        ]),
        variables=[SITE],
    )  # fmt: skip
