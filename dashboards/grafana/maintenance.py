"""Maintenance: what is broken, where, why and since when."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.panels import NONE_WANTED, bars, cell, gauges, shares, stat, table
from dashboards.grafana.query import SITE
from dashboards.grafana.words import LIFE, PRIORITY, RULE, STATE


def maintenance() -> Dashboard:
    """compound-maintenance."""
    return board(
        "compound-maintenance",
        "Open alerts with device, place, reason and since when; devices that fell silent or are lying; what never arrived.",
        Line("现在 Now", [
            stat(
                "待处理 To do",
                """
                    SELECT count(*) FILTER (WHERE priority = 'high') AS "高 high", count(*) FILTER (WHERE priority = 'medium') AS "中 medium",
                    count(*) FILTER (WHERE priority = 'low') AS "低 low"
                    FROM dashboard.alert WHERE open AND (category = 'maintenance' OR rule = 'break') AND site = '$site'
                """,
                unit="short", w=6, h=8, columns={"high$": cell(NONE_WANTED)},
            ),
            shares(
                "设备状态 Devices by state",
                """
                    SELECT state, count(*) AS devices FROM dashboard.life WHERE site = '$site' GROUP BY 1 ORDER BY 1
                """,
                about="By arrival: any message ends silent and offline.",
            ),
            table(
                "未结告警 Open alerts",
                """
                    SELECT raised AS "起始 since", priority AS "级别 priority", rule AS "原因 reason", device AS "设备 device", place AS "位置 place",
                    what AS "对象 what", state AS "状态 state"
                    FROM dashboard.alert WHERE open AND (category = 'maintenance' OR rule = 'break') AND site = '$site' ORDER BY raised DESC, id LIMIT 100
                """,
                w=12, h=8, columns={"priority$": PRIORITY, "reason$": RULE, "state$": STATE},
            ),
        ]),
        Line("通信 Communication", [
            table(
                "失联设备 Devices lost",
                """
                    SELECT device AS "设备 device", label AS "位置 place", kind AS "种类 kind", state AS "状态 state", since AS "起始 since",
                    last_seen AS "最近消息 last seen" FROM dashboard.life WHERE site = '$site' AND state <> 'alive' ORDER BY since, 1 LIMIT 200
                """,
                columns={"state$": LIFE},
            ),
            table(
                "丢失的消息 Messages lost",
                """
                    SELECT device AS "设备 device", label AS "位置 place", kind AS "种类 kind", lost AS "丢失 lost"
                    FROM dashboard.life WHERE site = '$site' AND lost > 0 ORDER BY lost DESC, 1 LIMIT 200
                """,
                about="Numbers (seq) of a start of the device that never arrived. Registers are cumulative: totals stay right all the same.",
            ),
            table(
                "隔离区 Quarantine",
                """
                    SELECT recorded AS "时间 time", reason AS "原因 reason", topic AS "主题 topic", copies AS "份数 copies", state AS "状态 state"
                    FROM quarantine.entry WHERE state <> 'retried' ORDER BY recorded DESC, id LIMIT 100
                """,
                about="Messages that could not be read, of all sites; their payload stays sealed. `compound quarantine` and the API retry them.",
            ),
            table(
                "未登记的设备 Unknown devices",
                """
                    SELECT device AS "设备 device", kind AS "种类 kind", count AS "消息 messages", since AS "起始 since", last_seen AS "最近 last seen"
                    FROM liveness.unknown ORDER BY last_seen DESC, 1 LIMIT 100
                """,
                about="Their messages wait; registering the device takes them in.",
            ),
        ]),
        Line("读数与逆变器 Readings and inverters", [
            table(
                "读数中断 Breaks",
                """
                    SELECT c.device AS "设备 device", d.label AS "位置 place", c.what AS "寄存器 register", c.since AS "起 from", c.start AS "止 to"
                    FROM dashboard.condition c LEFT JOIN dashboard.device d ON d.device = c.device
                    WHERE c.rule = 'break' AND c.start BETWEEN :since AND :until ORDER BY c.start DESC, 1, 3 LIMIT 200
                """,
                about="Steps that no record of a replacement explains and that the rated power does not allow: the quantity between is unknown.",
            ),
            table(
                "可疑读数 Readings that don't count",
                """
                    SELECT m.device AS "设备 device", d.label AS "位置 place", m.register AS "寄存器 register", m.verdict AS "原因 verdict",
                    count(*) AS "读数 readings", max(m.time) AS "最近 newest"
                    FROM dashboard.mark m LEFT JOIN dashboard.device d ON d.device = m.device
                    WHERE m.time BETWEEN :since AND :until GROUP BY 1, 2, 3, 4 ORDER BY 6 DESC, 1, 3, 4 LIMIT 200
                """,
                about="Suspect, in conflict with another, pending (the newest, until the next), or waiting for a registration.",
            ),
            table(
                "逆变器故障 Inverter faults",
                """
                    SELECT c.device AS "设备 device", d.label AS "位置 place",
                    c.faults AS "故障 faults",
                    c.start AS "起 since", c."end" AS "止 until"
                    FROM dashboard.condition c LEFT JOIN dashboard.device d ON d.device = c.device
                    WHERE c.domain = 'solar' AND c.start < :now AND (c."end" > :since OR c."end" IS NULL) ORDER BY c.start DESC, 1 LIMIT 200
                """,
            ),
            gauges(
                "各设备告警 Alerts by device",
                """
                    SELECT device, count(*) AS alerts FROM dashboard.alert
                    WHERE raised BETWEEN :since AND :until AND category = 'maintenance' AND site = '$site' AND device IS NOT NULL
                    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20
                """,
                unit="short", steps=((None, "blue"),), w=12, least=0, about="The twenty with the most work in the range.",
            ),
            bars(
                "告警 Alerts over time",
                """
                    SELECT date_trunc(dashboard.bucket(:since, :until), raised, energy.zone('$site')) AS time, rule AS metric, count(*) AS value
                    FROM dashboard.alert WHERE raised BETWEEN :since AND :until AND category = 'maintenance' AND site = '$site'
                    GROUP BY 1, 2 ORDER BY 1, 2
                """,
                unit="short", w=24, h=6,
            ),
        ]),
        variables=[SITE],
    )  # fmt: skip
