"""The solar plant: what it yields, how well, and where that goes."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.panels import GREEN, NONE_WANTED, ORANGE, PLAIN, bars, cell, gauges, lines, stat, states, table
from dashboards.grafana.query import SITE, choice
from dashboards.grafana.words import INVERTER

PLANT = choice(
    "plant",
    "电站 Plant",
    "SELECT plant AS __text, plant AS __value FROM dashboard.plant WHERE site = '$site' ORDER BY 1",
    several=False,
)
KEPT = ((None, ORANGE), (0.9, GREEN))
"""A ratio of less than 90 % of the quarter hours is marked (DOMAIN, Solar)."""
SHARES = {"kept$": cell(KEPT)}
LAST_35_DAYS = " Of ranges over 35 days the last 35."


def solar() -> Dashboard:
    """compound-solar."""
    return board(
        "compound-solar",
        "Yield, performance ratio, self-consumption and self-sufficiency, and the inverters. A ratio stands beside the share of the"
        " quarter hours that it is made of.",
        Line("指标 Ratios", [
            stat(
                "发电量 Yield",
                """
                    SELECT sum(yield_wh) AS "发电 yield" FROM dashboard.plant_day('$plant', :since, :now)
                """,
                unit="watth", w=6, about="What the inverters counted on the days that begin in the range.",
            ),
            stat(
                "性能比 Performance ratio",
                """
                    SELECT pr AS "性能比 PR", pr_kept AS "保留 kept" FROM solar.ratios('$plant', :recent, :now)
                """,
                unit="percentunit", w=6, decimals=1, columns=SHARES,
                about="PR = E / (P0 × H / 1 kW/m²) by IEC 61724-1, over quarter hours with an irradiance of 50 W/m² and more (that cut is"
                " ours) of which all is known. Without an irradiance there is none." + LAST_35_DAYS,
            ),
            stat(
                "自用率 Self-consumption",
                """
                    SELECT self_consumption AS "自用率 self-consumption", self_consumption_kept AS "保留 kept"
                    FROM solar.ratios('$plant', :recent, :now)
                """,
                unit="percentunit", w=6, decimals=1, columns=SHARES,
                about="(generation − export) / generation, over the quarter hours of which both are known." + LAST_35_DAYS,
            ),
            stat(
                "自给率 Self-sufficiency",
                """
                    SELECT self_sufficiency AS "自给率 self-sufficiency", self_sufficiency_kept AS "保留 kept"
                    FROM solar.ratios('$plant', :recent, :now)
                """,
                unit="percentunit", w=6, decimals=1, columns=SHARES,
                about="(generation − export) / (that + import)." + LAST_35_DAYS,
            ),
            lines(
                "性能比逐日 Performance ratio by day",
                """
                    SELECT start AS time, pr AS "性能比 PR", pr_kept AS "保留 kept" FROM dashboard.plant_ratios('$plant', :recent, :now)
                """,
                unit="percentunit", least=0, about="Below 90 % kept a ratio is marked: read it with care." + LAST_35_DAYS,
            ),
            lines(
                "自用与自给逐日 Self-consumption and self-sufficiency by day",
                """
                    SELECT start AS time, self_consumption AS "自用率 self-consumption", self_sufficiency AS "自给率 self-sufficiency"
                    FROM dashboard.plant_ratios('$plant', :recent, :now)
                """,
                unit="percentunit", least=0, most=1, about="Null where nothing was generated or known." + LAST_35_DAYS,
            ),
        ]),
        Line("发电 Generation", [
            lines(
                "功率与辐照 Power and irradiance",
                """
                    SELECT start AS time, yield_wh * 4 AS "功率 power", CASE WHEN yield_coverage < 1 THEN yield_wh * 4 END AS "不全 incomplete"
                    FROM solar.plant_quarter('$plant', :recent, :now) WHERE start + interval '15 min' <= :now
                """,
                """
                    SELECT start AS time, poa_w_m2 AS "辐照 irradiance", clear_sky_w_m2 AS "晴空 clear sky"
                    FROM solar.plant_quarter('$plant', :recent, :now) WHERE start + interval '15 min' <= :now
                """,
                unit="watt", w=14, points=["incomplete"],
                columns={"irradiance|clear sky": {"unit": "Wm2", "custom.axisPlacement": "right", "custom.fillOpacity": 0}},
                about="Mean power of quarter hours. Irradiance in the modules' plane, clear sky on the ground." + LAST_35_DAYS,
            ),
            bars(
                "每日发电 Yield by day",
                """
                    SELECT start AS time, yield_wh AS "发电 yield" FROM dashboard.plant_day('$plant', :since, :until)
                """,
                unit="watth", w=10,
            ),
        ]),
        Line("逆变器 Inverters", [
            states(
                "逆变器状态 Inverter states",
                """
                    SELECT start AS time, device AS metric, state AS value FROM dashboard.inverter_states('$plant', :recent, :now)
                """,
                texts=INVERTER, about="By SunSpec 103; unknown after three intervals without a reading." + LAST_35_DAYS,
            ),
            gauges(
                "单位装机发电 Yield per installed power",
                """
                    SELECT p.label AS inverter, sum(m.quantity) / nullif(max((p.data->>'p0_w')::float8), 0) AS hours
                    FROM dashboard.item p JOIN energy.meter_day m ON m.point = p.id AND m.register = 'energy_wh'
                    WHERE p.kind = 'point' AND p.data->>'plant' = '$plant' AND m.start >= :since AND m.start < :now GROUP BY 1 ORDER BY 2
                """,
                unit="h", steps=PLAIN, w=12, least=0, decimals=2,
                about="kWh per kWp, the least first: one far behind its sisters is shaded, dirty or broken.",
            ),
            table(
                "逆变器故障 Inverter faults",
                """
                    SELECT s.device AS "设备 device", p.label AS "位置 place", s.faults AS "故障 faults", s.start AS "起 since", s."end" AS "止 until"
                    FROM dashboard.condition s LEFT JOIN dashboard.item p ON p.kind = 'point' AND p.id = s.inverter
                    WHERE s.domain = 'solar' AND s.plant = '$plant' AND s.start < :until AND (s."end" > :since OR s."end" IS NULL)
                    ORDER BY s.start DESC LIMIT 200
                """,
            ),
            stat(
                "数据故障日 Days of faulty data",
                """
                    SELECT export_faults AS "出网超发电 export over generation" FROM solar.ratios('$plant', :recent, :now)
                """,
                unit="short", w=24, h=3, steps=NONE_WANTED,
                about="Days whose export is over 101 % of the generation: a fault of the data, left out of the ratios." + LAST_35_DAYS,
            ),
        ]),
        variables=[SITE, PLANT],
    )  # fmt: skip
