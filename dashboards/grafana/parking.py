"""Parking and parcel lockers: how full, how long, and what stays too long."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.overview import FULL
from dashboards.grafana.panels import GREEN, NONE_WANTED, ORANGE, RED, bars, cell, gauges, lines, steps_over_time, table
from dashboards.grafana.query import SITE, choice, items

CARPARK = choice("carpark", "停车场 Car park", items("carpark", "site = '$site'"))
CARPARKS = "c.kind = 'carpark' AND c.id = ANY(ARRAY[$carpark]::text[])"
KNOWN = ((None, RED), (0.8, GREEN))
"""Below 80 % known only counts are shown (DOMAIN, Parking)."""
LAST_35_DAYS = " Of ranges over 35 days the last 35."


def parking() -> Dashboard:
    """compound-parking."""
    return board(
        "compound-parking",
        "Occupancy with the share of spots that is known, turnover, dwell and overstay; lockers by size, and parcels overdue.",
        Line("停车 Parking", [
            gauges(
                "占用率 Occupancy",
                f"""
                    SELECT c.label AS carpark, o.occupancy FROM dashboard.item c, parking.occupancy(c.id, :now) o WHERE {CARPARKS} ORDER BY 1
                """,
                unit="percentunit", steps=FULL, h=6, least=0, most=1,
                about="Occupied of the spots known to be occupied or free. No figure below 80 % known.",
            ),
            table(
                "车位 Spots",
                f"""
                    SELECT c.label AS "停车场 car park", o.in_service AS "在用 in service", o.occupied AS "占用 occupied", o.free AS "空闲 free",
                    o.unknown AS "未知 unknown", o.known_share AS "已知 known"
                    FROM dashboard.item c, parking.occupancy(c.id, :now) o WHERE {CARPARKS} ORDER BY 1
                """,
                w=16, h=6, columns={" known$": {"unit": "percentunit", **cell(KNOWN)}},
            ),
            steps_over_time(
                "占用率变化 Occupancy over time",
                f"""
                    SELECT h.at AS time, c.label AS metric, h.occupancy AS value FROM dashboard.item c,
                    parking.history(c.id, :recent, :now, dashboard.step(:since, :until)) h WHERE {CARPARKS} ORDER BY 1, 2
                """,
                unit="percentunit", least=0, most=1, about="A gap where less than 80 % of the spots are known." + LAST_35_DAYS,
            ),
            steps_over_time(
                "已知占比 Known share",
                f"""
                    SELECT h.at AS time, c.label AS metric, h.known_share AS value FROM dashboard.item c,
                    parking.history(c.id, :recent, :now, dashboard.step(:since, :until)) h WHERE {CARPARKS} ORDER BY 1, 2
                """,
                unit="percentunit", least=0, most=1, about="Spots whose state is known, of those in service." + LAST_35_DAYS,
            ),
            bars(
                "周转 Turnover",
                f"""
                    SELECT t.start AS time, c.label AS metric, t.turnover AS value
                    FROM dashboard.item c, parking.turnover(c.id, :since, :now) t WHERE {CARPARKS} AND t.start >= :since ORDER BY 1, 2
                """,
                unit="short", stacked=False, decimals=2,
                about="Stays per spot and day, on the day they ended; uncertain stays count.",
            ),
            lines(
                "停放时长 Dwell",
                f"""
                    SELECT t.start AS time, c.label || p.name AS metric, p.dwell_s AS value
                    FROM dashboard.item c, parking.turnover(c.id, :since, :now) t,
                    LATERAL (VALUES (' p50', t.dwell_p50_s), (' p95', t.dwell_p95_s)) p(name, dwell_s)
                    WHERE {CARPARKS} AND t.start >= :since ORDER BY 1, 2
                """,
                unit="s", least=0, about="Half of the stays, and 95 of 100, were shorter; without uncertain ones.",
            ),
            table(
                "超时停放 Overstays",
                f"""
                    SELECT o.spot AS "车位 spot", c.label AS "停车场 car park", o.start AS "超时起 since", o."end" AS "止 until",
                    o.limit_s AS "限时 limit"
                    FROM dashboard.condition o JOIN dashboard.item c ON c.kind = 'carpark' AND c.id = o.carpark
                    WHERE o.domain = 'parking' AND o.rule = 'overstay' AND {CARPARKS} AND o.start < :now
                    AND (o."end" > :recent OR o."end" IS NULL) ORDER BY o.start DESC LIMIT 200
                """,
                units={"限时 limit": "s"}, about="From the start of the stay + the limit of the spot's class." + LAST_35_DAYS,
            ),
            table(
                "状态未知的车位 Spots unknown",
                f"""
                    SELECT s.spot AS "车位 spot", c.label AS "停车场 car park", s.device AS "设备 device", l.state AS "设备状态 device's state",
                    l.last_seen AS "最近消息 last seen"
                    FROM dashboard.item c, parking.spots(c.id, :now) s LEFT JOIN liveness.state l ON l.device = s.device
                    WHERE {CARPARKS} AND s.state = 'unknown' ORDER BY 1 LIMIT 200
                """,
                about="No sign of life for longer than the sensor's limit.",
            ),
        ]),
        Line("快递柜 Parcel lockers", [
            table(
                "格口 Cells by size",
                """
                    SELECT b.label AS "快递柜 bank", f.size AS "规格 size", f.cells AS "格口 cells", f.free AS "空 free",
                    f.reserved AS "预留 reserved", f.occupied AS "占用 occupied", f.fault AS "故障 fault", f.fill AS "使用率 fill"
                    FROM parcels.fill(:now) f JOIN dashboard.item b ON b.kind = 'point' AND b.id = f.bank WHERE b.site = '$site' ORDER BY 1, 2
                """,
                columns={"fill$": {"unit": "percentunit", **cell(FULL)}, "fault$": cell(NONE_WANTED)},
            ),
            table(
                "滞留件 Parcels overdue",
                """
                    SELECT b.label AS "快递柜 bank", k.cell AS "格口 cell", k.size AS "规格 size", k.parcel_since AS "存入 since",
                    k.overdue_h AS "滞留 overdue"
                    FROM parcels.cells(:now) k JOIN dashboard.item b ON b.kind = 'point' AND b.id = k.bank
                    WHERE b.site = '$site' AND k.overdue_h IS NOT NULL ORDER BY k.parcel_since, 1, 2 LIMIT 200
                """,
                columns={"overdue$": {"unit": "h", **cell(((None, ORANGE), (72, RED)))}},
            ),
            bars(
                "取走与退回 Collected and returned",
                """
                    SELECT start AS time, outcome AS metric, parcels AS value
                    FROM dashboard.parcels_gone('$site', :since, :now, dashboard.period(:since, :until))
                """,
                unit="short",
            ),
            table(
                "存放时长 Dwell of parcels",
                """
                    SELECT b.label AS "快递柜 bank", w.outcome AS "去向 outcome", w.parcels AS "件 parcels", w.uncertain AS "不确定 uncertain",
                    w.dwell_p50_s AS "p50", w.dwell_p95_s AS "p95"
                    FROM parcels.dwell(:since, :now) w JOIN dashboard.item b ON b.kind = 'point' AND b.id = w.bank
                    WHERE b.site = '$site' ORDER BY 1, 2
                """,
                units={"p50": "s", "p95": "s"},
            ),
        ]),
        variables=[SITE, CARPARK],
    )  # fmt: skip
