"""The platform itself: what arrives, what lags, what waits, how big it is. For whoever runs it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.grafana.board import Line, board
from dashboards.grafana.panels import (
    GREEN,
    NONE_WANTED,
    ORANGE,
    PLAIN,
    RED,
    YELLOW,
    bars,
    cell,
    gauges,
    shares,
    stat,
    table,
)

BEHIND = ((None, GREEN), (60, YELLOW), (300, RED))
"""Seconds."""


def platform() -> Dashboard:
    """compound-platform."""
    return board(
        "compound-platform",
        "Rate of events, lag of the domains, quarantine, gaps, the database, alerts and their deliveries.",
        Line("现在 Now", [
            stat(
                "接收 Ingest",
                """
                    SELECT extract(epoch FROM now() - max("end"))::float8 AS "最近心跳 last heartbeat" FROM liveness.receiving
                """,
                unit="s", steps=((None, GREEN), (30, YELLOW), (120, RED)), decimals=0,
                about="Age of ingest's newest sign of life in the log; it gives one every ten seconds.",
            ),
            stat(
                "处理滞后 Lag",
                """
                    SELECT max(seconds) AS "最久 oldest", sum(records)::float8 AS "未读 unread" FROM runtime.lag()
                """,
                unit="s", decimals=0, columns={"oldest$": cell(BEHIND), "unread$": {"unit": "short"}},
                about="Of the domain that is farthest behind, and records that some domain has not read.",
            ),
            stat(
                "等待 Waiting",
                """
                    SELECT (SELECT count(*) FROM runtime.outbox) AS "待发布 outbox",
                    (SELECT count(DISTINCT (domain, device)) FROM registry.stale) AS "重算中 stale"
                """,
                unit="short", about="History not yet in the log; devices whose figures are being derived again.",
            ),
            stat(
                "隔离区 Quarantine",
                """
                    SELECT (SELECT count(*) FROM quarantine.entry WHERE state <> 'retried') AS "消息 messages",
                    (SELECT count(*) FROM liveness.unknown) AS "未登记设备 unknown devices"
                """,
                unit="short", steps=((None, GREEN), (1, ORANGE)),
            ),
            stat(
                "丢失 Lost",
                """
                    SELECT count(DISTINCT device) AS "设备 devices", sum(last - first + 1)::bigint AS "消息 messages" FROM liveness.gap
                """,
                unit="short", about="Gaps in the devices' own numbering: sent, but never arrived.",
            ),
            stat(
                "数据库 Database",
                """
                    SELECT pg_database_size(current_database()) AS "大小 size", numbackends AS "连接 connections",
                    numbackends::float8 / current_setting('max_connections')::int AS "占上限 of the most"
                    FROM pg_stat_database WHERE datname = current_database()
                """,
                unit="bytes",
                columns={"connections$": {"unit": "short"}, "most$": {"unit": "percentunit", **cell(((None, GREEN), (0.7, YELLOW), (0.9, RED)))}},
            ),
        ]),
        Line("事件 Events", [
            bars(
                "到达速率 Rate of arrival",
                """
                    SELECT start AS time, topic AS metric, per_s AS value FROM dashboard.arrivals(:since, :now) ORDER BY 1, 2
                """,
                unit="eps", w=16, about="Records that came into the book, a second, by topic.",
            ),
            gauges(
                "账本记录 Records in the book",
                """
                    SELECT topic, sum(next_offset)::bigint AS records FROM book.partition GROUP BY 1 ORDER BY 2 DESC, 1
                """,
                unit="short", steps=PLAIN,
            ),
            table(
                "各域滞后 Lag by domain",
                """
                    SELECT domain AS "域 domain", sum(records)::bigint AS "未读 unread", max(seconds) AS "最久 oldest"
                    FROM runtime.lag() GROUP BY 1 ORDER BY 3 DESC, 1
                """,
                w=8, units={"最久 oldest": "s"}, columns={"oldest$": cell(BEHIND)},
            ),
            stat(
                "归档 Archiver",
                """
                    SELECT sum(behind)::float8 AS "未入账 behind", extract(epoch FROM now() - min(waiting_since))::float8 AS "最久 oldest",
                    extract(epoch FROM now() - min(seen))::float8 AS "最近查看 last look",
                    CASE WHEN count(*) > 0 THEN count(alarm) END AS "停止 stopped" FROM runtime.archive
                """,
                unit="short", w=4, h=8,
                columns={
                    "oldest$": {"unit": "s", "decimals": 0, **cell(BEHIND)},
                    "look$": {"unit": "s", "decimals": 0, **cell(BEHIND)},
                    "stopped$": cell(NONE_WANTED),
                },
                about="Records in Kafka that are not in the book, how long the first of them has waited, when the archiver last looked,"
                " and partitions with which it can't go on. Nothing where the database is the log.",
            ),
            shares(
                "隔离原因 Quarantine by reason",
                """
                    SELECT reason, count(*) AS messages FROM quarantine.entry WHERE state <> 'retried' GROUP BY 1 ORDER BY 2 DESC, 1
                """,
            ),
            gauges(
                "数据库各模式 Database by schema",
                """
                    SELECT schema, bytes FROM dashboard.size ORDER BY bytes DESC LIMIT 12
                """,
                unit="bytes", steps=PLAIN, w=6,
            ),
        ]),
        Line("告警与投递 Alerts and deliveries", [
            bars(
                "告警 Alerts raised",
                """
                    SELECT date_bin('1 hour', raised, 'epoch') AS time, category AS metric, count(*) AS value FROM dashboard.alert
                    WHERE raised BETWEEN :recent AND :until AND notify GROUP BY 1, 2 ORDER BY 1, 2
                """,
                unit="short", about="By hour, those that were told. Of ranges over 35 days the last 35.",
            ),
            table(
                "投递 Deliveries",
                """
                    SELECT channel AS "通道 channel", state AS "状态 state", count(*) AS "数量 deliveries", max(attempts) AS "最多尝试 most attempts"
                    FROM alerts.delivery GROUP BY 1, 2 ORDER BY 1, 2
                """,
                about="Waiting, delivered, dead (given up) or left (too old to be sent when it was read).",
            ),
        ]),
        variables=[],
        since="now-6h",
        refresh="30s",
    )  # fmt: skip
