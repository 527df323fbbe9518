"""Grafana's provisioning files: explicit UIDs, references that hold, no secret, drift of what is made by code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana import rules

FOLDER = Path(rules.__file__).parent / "provisioning"
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.yaml"))
VARIABLES = {
    "COMPOUND_GRAFANA_DATABASE",
    "COMPOUND_GRAFANA_DATABASE_NAME",
    "COMPOUND_GRAFANA_SSLMODE",
    "COMPOUND_GRAFANA_MAIL_TO",
    "COMPOUND_GRAFANA_RECEIVER",
}
"""What whoever runs Grafana sets in its environment (docs/operations.md)."""


def content(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def alerting(part: str) -> list[dict[str, Any]]:
    return [item for name in FILES if name.startswith("alerting/") for item in content(name).get(part, [])]


RULES = [rule for group in alerting("groups") for rule in group["rules"]]


def test_the_rules_file_is_what_the_code_says() -> None:
    assert rules.FILE.read_text(encoding="utf-8") == rules.text()


@pytest.mark.parametrize("name", FILES)
def test_files_are_of_version_1_and_name_only_known_variables(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert content(name)["apiVersion"] == 1
    assert set(re.findall(r"\$(?!__)\{?(\w+)", text)) <= VARIABLES
    assert set(re.findall(r"\$__\w+\{[^}]*\}", text)) <= {
        "$__file{/run/secrets/reader_password}",
        "$__file{/run/secrets/grafana_webhook_url}",
    }


def test_the_data_source_reads_with_the_readers_role() -> None:
    (source,) = content("datasources/compound.yaml")["datasources"]
    assert (source["uid"], source["type"], source["user"]) == (
        "compound-postgres",
        "grafana-postgresql-datasource",
        "compound_reader",
    )
    assert source["jsonData"]["timescaledb"] is True
    assert list(source["secureJsonData"]) == ["password"]


def test_dashboards_cant_be_changed_in_grafana() -> None:
    (provider,) = content("dashboards/compound.yaml")["providers"]
    assert (provider["folderUid"], provider["allowUiUpdates"]) == ("compound", False)
    assert provider["folder"] != rules.FOLDER


def test_uids_are_explicit_unique_and_legal() -> None:
    uids = [rule["uid"] for rule in RULES]
    uids += [receiver["uid"] for point in alerting("contactPoints") for receiver in point["receivers"]]
    assert len(uids) == len(set(uids)) > 10
    for uid in uids:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid), uid


@pytest.mark.parametrize("rule", RULES, ids=[rule["uid"] for rule in RULES])
def test_a_rules_parts_refer_to_each_other(rule: dict[str, Any]) -> None:
    refs = {query["refId"]: query for query in rule["data"]}
    assert list(refs) == ["A", "B", "C"]
    assert rule["condition"] in refs
    for ref, query in refs.items():
        assert query["model"]["refId"] == ref
        assert query["datasourceUid"] == query["model"]["datasource"]["uid"]
        assert query["datasourceUid"] == ("compound-postgres" if ref == "A" else "__expr__")
        if ref != "A":
            assert query["model"]["expression"] in refs
    assert rule["noDataState"] in ("Alerting", "NoData", "OK", "KeepLast")
    assert rule["execErrState"] in ("Alerting", "Error", "OK", "KeepLast")
    assert set(rule["labels"]) == {"severity", "desk"}
    assert "$" not in str([rule["annotations"], refs["A"]["model"]["rawSql"]])  # Grafana would take it for a variable


def test_one_rule_tells_when_the_database_is_away() -> None:
    assert [rule["uid"] for rule in RULES if rule["execErrState"] == "Alerting"] == ["compound-ingest"]


def test_policies_name_receivers_and_mute_timings_that_are_there() -> None:
    points = {point["name"] for point in alerting("contactPoints")}
    mutes = {mute["name"] for mute in alerting("muteTimes")}
    (policy,) = alerting("policies")
    assert points == {"compound-mail", "compound-webhook"}
    for route in (policy, *policy["routes"]):
        assert route["receiver"] == "$COMPOUND_GRAFANA_RECEIVER"
        assert set(route.get("mute_time_intervals", [])) <= mutes
        assert {"repeat_interval", "group_interval", "group_wait"} <= set(route)
