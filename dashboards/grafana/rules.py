"""Alert rules of Grafana: what whoever runs the platform has to know, and sums that no single alert of the compound tells.

One list makes the provisioning file (`make docs` writes it) that Grafana reads and `compound grafana push` sends. Queries
return a number, a row for each set of labels (their text columns); they use no macros, since `$` is Grafana's own in files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Final, Literal

import yaml

FOLDER: Final = "智慧大院告警 Smart compound alerts"
"""Grafana's files name a rule's folder by its title alone, and read rules before dashboards: so it is one of its own."""
FILE: Final = Path(__file__).parent / "provisioning" / "alerting" / "rules.yaml"

State = Literal["Alerting", "NoData", "OK", "Error", "KeepLast"]


@dataclass(frozen=True)
class Rule:
    """Fires when a row's number is above `above` for `lasting`.

    no_data: what a query without rows means. On errors a rule keeps its state, but the one that watches the database.
    """

    uid: str
    title: str
    query: str
    above: float
    lasting: str
    severity: Literal["critical", "warning", "info"]
    desk: Literal["platform", "security", "maintenance", "energy"]
    zh: str
    en: str
    dashboard: str
    no_data: State = "OK"
    error: State = "KeepLast"


EVERY_MINUTE: Final = (
    Rule(
        "compound-ingest", "未接收 Ingest is not receiving",
        "SELECT coalesce(extract(epoch FROM now() - max(\"end\")), 1e9) AS seconds FROM liveness.receiving",
        120, "2m", "critical", "platform",
        "采集进程没有在接收消息，或数据库没有应答。距上次 {{ .Values.B.Value }} 秒。",
        "Ingest is not receiving messages, or the database does not answer; {{ .Values.B.Value }} s since it last did.",
        "compound-platform", no_data="Alerting", error="Alerting",
    ),
    Rule(
        "compound-lag", "处理滞后 Processors are behind",
        "SELECT domain, max(seconds) AS seconds FROM runtime.lag() GROUP BY domain",
        300, "10m", "warning", "platform",
        "{{ .Labels.domain }} 的数据滞后 {{ .Values.B.Value }} 秒。",
        "Figures of {{ .Labels.domain }} are {{ .Values.B.Value }} s behind the log.",
        "compound-platform",
    ),
    Rule(
        "compound-archiver", "归档滞后 The archiver is late",
        """
        SELECT topic, max(CASE WHEN alarm IS NULL THEN coalesce(extract(epoch FROM now() - least(waiting_since, seen)), 1e9) ELSE 1e9 END)
            AS seconds
        FROM runtime.archive GROUP BY topic
        """,
        600, "5m", "critical", "platform",
        "{{ .Labels.topic }} 的记录超过 10 分钟没有从 Kafka 归档；超过 Kafka 的保留期就会丢失。",
        "Records of {{ .Labels.topic }} wait for more than 10 minutes to be copied from Kafka into the book, or the archiver stopped.",
        "compound-platform",
    ),
    Rule(
        "compound-outbox", "待发消息积压 Outbox is not emptied",
        "SELECT count(*) AS messages FROM runtime.outbox",
        1000, "10m", "warning", "platform",
        "有 {{ .Values.B.Value }} 条记录没有写入日志。",
        "{{ .Values.B.Value }} records wait to be appended to the log.",
        "compound-platform",
    ),
    Rule(
        "compound-quarantine", "隔离增多 Quarantine grows",
        "SELECT reason, count(*) AS messages FROM quarantine.message WHERE recorded > now() - interval '1 hour' GROUP BY reason",
        20, "5m", "warning", "platform",
        "一小时内有 {{ .Values.B.Value }} 条消息无法读取：{{ .Labels.reason }}。",
        "{{ .Values.B.Value }} messages could not be read within an hour: {{ .Labels.reason }}.",
        "compound-platform",
    ),
    Rule(
        "compound-deliveries", "告警发送失败 Alerts are not delivered",
        "SELECT channel, count(*) AS deliveries FROM alerts.delivery"
        " WHERE state = 'dead' AND next_at > now() - interval '1 day' GROUP BY channel",
        0, "0s", "warning", "platform",
        "{{ .Labels.channel }} 一天内有 {{ .Values.B.Value }} 条告警未能送达。",
        "{{ .Values.B.Value }} alerts of a day could not be delivered by {{ .Labels.channel }}.",
        "compound-platform",
    ),
    Rule(
        "compound-devices", "大量设备失联 Many devices are lost",
        "SELECT site, avg((state IN ('silent', 'offline'))::int)::float8 AS share FROM liveness.state WHERE watched GROUP BY site",
        0.05, "15m", "warning", "maintenance",
        "{{ .Labels.site }} 超过 5% 的设备失联，多半是网络或网关。",
        "More than 5 % of the devices of {{ .Labels.site }} are lost: look at the network or a gateway first.",
        "compound-maintenance",
    ),
    Rule(
        "compound-unacknowledged", "安保告警无人确认 Security alerts wait",
        "SELECT site, count(*) AS alerts FROM alerts.alert WHERE category = 'security' AND priority = 'high' AND notify"
        " AND state IN ('raised', 'unacknowledged') AND raised < now() - interval '10 minutes' GROUP BY site",
        0, "0s", "critical", "security",
        "{{ .Labels.site }} 有 {{ .Values.B.Value }} 条高级别安保告警超过 10 分钟无人确认。",
        "{{ .Values.B.Value }} security alerts of high priority at {{ .Labels.site }} wait for more than 10 minutes.",
        "compound-security",
    ),
)  # fmt: skip
EVERY_HOUR: Final = (
    Rule(
        "compound-stale", "重算未完成 Figures are not derived again",
        "SELECT domain, count(DISTINCT device) AS devices FROM registry.stale GROUP BY domain",
        0, "2h", "warning", "platform",
        "{{ .Labels.domain }} 有 {{ .Values.B.Value }} 台设备在登记变更后仍未重算。",
        "{{ .Values.B.Value }} devices in {{ .Labels.domain }} still wait to be derived again after a change of the registry.",
        "compound-platform",
    ),
    Rule(
        "compound-quota", "定额警报 A quota is used up",
        "SELECT l.department, l.medium, l.period, count(*) AS quotas FROM quotas.level l JOIN quotas.figure f USING (quota, period, start)"
        " WHERE l.level = 'alarm' AND f.start <= now() AND f.\"end\" > now() GROUP BY 1, 2, 3",
        0, "0s", "info", "energy",
        "{{ .Labels.department }} 的 {{ .Labels.medium }} 定额（{{ .Labels.period }}）达到警报级别。",
        "The quota of {{ .Labels.department }} for {{ .Labels.medium }} ({{ .Labels.period }}) is at the level of an alarm.",
        "compound-quotas",
    ),
    Rule(
        "compound-coverage", "昨日数据不全 Yesterday's data is incomplete",
        """
        SELECT s.id AS site, 1 - min(u.coverage) AS missing FROM registry.site s,
        LATERAL (SELECT date_trunc('day', now(), s.timezone) AS midnight) t,
        LATERAL energy.use('site', s.id, t.midnight - interval '1 day', t.midnight, 'day') u
        WHERE s.valid_from <= now() AND s.valid_to > now() GROUP BY s.id
        """,
        0.05, "0s", "info", "energy",
        "{{ .Labels.site }} 昨日用电数据缺失超过 5%，补传后会自动更正。",
        "More than 5 % of yesterday's electricity of {{ .Labels.site }} is missing; what arrives late corrects it by itself.",
        "compound-energy",
    ),
)  # fmt: skip
GROUPS: Final[Mapping[str, tuple[str, tuple[Rule, ...]]]] = {
    "compound-minute": ("1m", EVERY_MINUTE),
    "compound-hour": ("1h", EVERY_HOUR),
}
"""Group of rules -> how often it is looked at, and its rules."""


def queries() -> dict[str, str]:
    """Uid -> SQL of every rule."""
    return {rule.uid: dedent(rule.query).strip() for _, rules in GROUPS.values() for rule in rules}


def groups() -> list[dict[str, Any]]:
    """The groups as Grafana's files hold them."""
    return [
        {"orgId": 1, "name": name, "folder": FOLDER, "interval": interval, "rules": [_rule(rule) for rule in rules]}
        for name, (interval, rules) in GROUPS.items()
    ]


def text() -> str:
    """The provisioning file."""
    head = "# Made from dashboards/grafana/rules.py by `make docs`.\n"
    return head + yaml.safe_dump({"apiVersion": 1, "groups": groups()}, sort_keys=False, allow_unicode=True, width=1000)


def _rule(rule: Rule) -> dict[str, Any]:
    """A query (A), its newest number (B) and the comparison (C), which is the condition."""
    source = {"type": "grafana-postgresql-datasource", "uid": "compound-postgres"}
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "data": [
            _query("A", source, {"format": "table", "rawQuery": True, "editorMode": "code", "rawSql": dedent(rule.query).strip()}),
            _query("B", _EXPRESSION, {"type": "reduce", "expression": "A", "reducer": "last"}),
            _query(
                "C", _EXPRESSION,
                {"type": "threshold", "expression": "B", "conditions": [{"evaluator": {"type": "gt", "params": [rule.above]}}]},
            ),
        ],
        "noDataState": rule.no_data,
        "execErrState": rule.error,
        "for": rule.lasting,
        "annotations": {
            "summary": rule.title,
            "description": f"{rule.zh}\n{rule.en}",
            "dashboard": f"{{{{ externalURL }}}}d/{rule.dashboard}",
        },
        "labels": {"severity": rule.severity, "desk": rule.desk},
        "isPaused": False,
    }  # fmt: skip


_EXPRESSION: Final = {"type": "__expr__", "uid": "__expr__"}


def _query(ref: str, source: Mapping[str, str], model: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": 600, "to": 0},
        "datasourceUid": source["uid"],
        "model": {"refId": ref, "datasource": dict(source), "intervalMs": 1000, "maxDataPoints": 43200, **model},
    }
