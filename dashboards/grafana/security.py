"""The control room: doors, alarms, who is inside. It shows what asks for a look, and counts the rest."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    NONE_WANTED,
    ORANGE,
    PLAIN,
    RED,
    YELLOW,
    bars,
    cell,
    gauges,
    marked,
    shares,
    stat,
    steps_over_time,
    table,
)
from dashboards.grafana.query import SITE, choice, items
from dashboards.grafana.words import LIFE, PRIORITY, RULE, STATE

ZONE = choice("zone", "区域 Zone", items("zone", "site = '$site'"))
DOOR = marked({"open": ("开 open", YELLOW), "closed": ("关 closed", GREEN), "released": ("常开释放 released", BLUE)})
EVENT = marked(
    {
        "raised": ("告警 raised", RED),
        "cleared": ("恢复 cleared", GREEN),
        "acknowledge": ("确认 acknowledged", YELLOW),
        "withdrawn": ("撤销 withdrawn", GREY),
    }
)
RATE = ((None, GREEN), (1, YELLOW), (10, RED))
"""Alarms in 10 minutes: one is steady, ten a flood (EEMUA 191)."""
K = " Counts of 1 to 4 persons are not shown."


def security() -> Dashboard:
    """compound-security."""
    return board(
        "compound-security",
        "Doors, alarms and presence for the control room. Nobody is named here.",
        Line("现在 Now", [
            stat(
                "安防告警 Security alarms",
                """
                    SELECT count(*) FILTER (WHERE state = 'raised') AS "未确认 raised",
                    count(*) FILTER (WHERE state = 'unacknowledged') AS "已恢复未确认 cleared, unacknowledged",
                    count(*) FILTER (WHERE state = 'acknowledged') AS "处理中 acknowledged"
                    FROM dashboard.alert WHERE open AND category = 'security' AND site = '$site'
                """,
                unit="short", w=8, h=5, columns={"^未确认": cell(NONE_WANTED), "unacknowledged$": cell(((None, GREEN), (1, ORANGE)))},
                about="What stands on the desk's list. A security alarm that cleared stays there until somebody acknowledges it (ISA-18.2).",
            ),
            stat(
                "时段内 In the range",
                """
                    SELECT count(*) FILTER (WHERE rule = 'forced') AS "强行 forced", count(*) FILTER (WHERE rule = 'held') AS "未关 held",
                    count(*) FILTER (WHERE rule = 'tailgating') AS "尾随 tailgating",
                    count(*) FILTER (WHERE rule = 'anti-passback') AS "反潜回 anti-passback"
                    FROM dashboard.condition WHERE domain = 'access' AND start BETWEEN :since AND :now AND site = '$site'
                """,
                unit="short", w=8, h=5, about="Conditions at doors that began in the range, told or not.",
            ),
            gauges(
                "在场人数 People inside",
                """
                    SELECT label AS zone, people FROM dashboard.headcount('$site', :now) WHERE zone = ANY(ARRAY[$zone]::text[]) ORDER BY 1
                """,
                unit="short", steps=PLAIN, h=5, least=0, about="Inside and uncertain." + K,
            ),
            table(
                "告警列表 Alarms on the desk",
                """
                    SELECT raised AS "起始 raised", priority AS "级别 priority", rule AS "类型 rule", device AS "设备 device", place AS "位置 place",
                    state AS "状态 state", acknowledged_by AS "确认人 by"
                    FROM dashboard.alert WHERE open AND category = 'security' AND site = '$site' ORDER BY raised DESC, id LIMIT 100
                """,
                w=14, h=9, columns={"priority$": PRIORITY, "rule$": RULE, "state$": STATE},
            ),
            table(
                "门 Doors",
                """
                    SELECT label AS "门 door", device AS "设备 device", state AS "状态 state", since AS "起始 since", opened AS "最近开门 last opened",
                    link AS "通信 link" FROM dashboard.doors('$site', :now) ORDER BY opened DESC NULLS LAST, 1
                """,
                w=10, h=9, columns={"state$": DOOR, "link$": LIFE},
                about="As known at the end of the range; the link as it is now.",
            ),
        ]),
        Line("人员 People", [
            steps_over_time(
                "在场变化 Presence over time",
                """
                    SELECT h.at AS time, z.label AS metric, dashboard.crowd(h.inside + h.uncertain) AS value FROM dashboard.item z,
                    access.presence_history(z.id, :recent, :now, dashboard.step(:since, :until)) h
                    WHERE z.kind = 'zone' AND z.id = ANY(ARRAY[$zone]::text[]) ORDER BY 1, 2
                """,
                unit="short", least=0, about="Inside and uncertain." + K + " Of ranges over 35 days the last 35.",
            ),
            bars(
                "通行 Passages",
                """
                    SELECT start AS time, direction AS metric, passages AS value
                    FROM dashboard.passages('$site', :since, :now, dashboard.bucket(:since, :until)) WHERE passages IS NOT NULL
                """,
                unit="short", stacked=False,
                about="Ways through doors, by hour up to 2 days, by day up to 92, else by month." + K,
            ),
        ]),
        Line("告警 Alarms", [
            bars(
                "告警频率 Alarm rate",
                """
                    SELECT date_bin('10 min', raised, 'epoch') AS time, count(*) AS "每10分钟 in 10 min" FROM dashboard.alert
                    WHERE raised BETWEEN :recent AND :until AND category = 'security' AND notify AND site = '$site' GROUP BY 1 ORDER BY 1
                """,
                unit="short", w=10, steps=RATE,
                about="Security alarms told in 10 minutes. One is a steady rate, ten a flood (EEMUA 191)." + " Of ranges over 35 days the last 35.",
            ),
            shares(
                "级别分布 Priorities",
                """
                    SELECT priority, count(*) AS alarms FROM dashboard.alert
                    WHERE raised BETWEEN :since AND :until AND category = 'security' AND site = '$site' GROUP BY 1 ORDER BY 1
                """,
                w=5, about="About 5, 15 and 80 of 100 are high, medium and low where priorities are well chosen (EEMUA 191).",
            ),
            bars(
                "门的异常 Incidents at doors",
                """
                    SELECT date_trunc(dashboard.bucket(:since, :until), start, energy.zone('$site')) AS time, rule AS metric, count(*) AS value
                    FROM dashboard.condition WHERE domain = 'access' AND start BETWEEN :since AND :now AND site = '$site'
                    GROUP BY 1, 2 ORDER BY 1, 2
                """,
                unit="short", w=9, about="Tailgating only at doors that count passages.",
            ),
            table(
                "值班记录 Shift log",
                """
                    SELECT time AS "时间 time", event AS "事件 event", priority AS "级别 priority", rule AS "类型 rule", device AS "设备 device",
                    place AS "位置 place", who AS "确认人 by"
                    FROM dashboard.alert_event WHERE time BETWEEN :since AND :until AND category = 'security' AND site = '$site'
                    ORDER BY time DESC, recorded DESC, id LIMIT 200
                """,
                w=24, h=10, columns={"event$": EVENT, "priority$": PRIORITY, "rule$": RULE},
                about="What was told of security alarms and who acknowledged them; the newest 200 of the range.",
            ),
        ]),
        variables=[SITE, ZONE],
        since="now-24h",
        refresh="30s",
    )  # fmt: skip
