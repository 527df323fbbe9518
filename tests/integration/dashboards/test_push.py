"""`compound grafana push` against a server that answers as Grafana's HTTP API does (tests/support/fake_grafana.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dashboards.grafana import files, rules
from dashboards.grafana.files import PushError
from ops import cli
from tests.support.fake_grafana import FakeGrafana, serve

TOKEN, PASSWORD, HOOK = "glsa_token", "readers-password", "https://hook.example/secret-key"


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with serve(FakeGrafana(TOKEN)) as fake:
        yield fake


@pytest.fixture
def env(grafana: FakeGrafana, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a push, secrets by file."""
    for name, text in (("token", TOKEN), ("password", PASSWORD), ("hook", HOOK)):
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setenv("COMPOUND_DATABASE_URL", database)
    monkeypatch.setenv("COMPOUND_READER_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("COMPOUND_GRAFANA_URL", grafana.url)
    monkeypatch.setenv("COMPOUND_GRAFANA_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("COMPOUND_GRAFANA_DATABASE", "db.example:5432")
    return tmp_path


def push(*options: str) -> Result:
    done = CliRunner().invoke(cli.command_line(), ["grafana", "push", *options])
    for secret in (TOKEN, PASSWORD, HOOK):
        assert secret not in done.output
    return done


def said(*options: str) -> str:
    done = push(*options)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def failed() -> str:
    done = push()
    assert isinstance(done.exception, PushError), done.output
    text = str(done.exception)
    for secret in (TOKEN, PASSWORD, HOOK):
        assert secret not in text
    return text


def held(grafana: FakeGrafana) -> str:
    return json.dumps(
        [grafana.folders, grafana.sources, grafana.dashboards, grafana.groups, grafana.points, grafana.policies]
    )


def test_a_second_push_writes_nothing(grafana: FakeGrafana, env: Path) -> None:
    assert "unchanged" not in said()
    assert set(grafana.folders) == {"compound", "compound-alerts"}
    assert set(grafana.dashboards) == {path.stem for path in files.BOARDS.glob("*.json")}
    assert {rule["uid"] for group in grafana.groups.values() for rule in group["rules"]} == set(rules.queries())
    assert grafana.policies["receiver"] == "compound-mail"
    assert set(grafana.points) == {"compound-mail"}
    before, grafana.writes = held(grafana), []
    output = said()
    assert "created" not in output
    assert "updated" not in output
    assert grafana.writes == []
    assert held(grafana) == before


def test_what_grafana_gets(grafana: FakeGrafana, env: Path, database_kind: str) -> None:
    said()
    source = grafana.sources["compound-postgres"]
    assert source["url"] == "db.example:5432"
    assert source["secureJsonData"] == {"password": PASSWORD}
    assert source["jsonData"]["timescaledb"] == (database_kind == "timescaledb")
    assert source["jsonData"]["sslmode"] == "disable"
    for path in files.BOARDS.glob("*.json"):
        kept = grafana.dashboards[path.stem]
        wanted = json.loads(path.read_text())
        assert {**kept["dashboard"], "id": 0, "version": 0} == {**wanted, "id": 0, "version": 0}
        assert kept["meta"]["folderUid"] == "compound"
    assert {rule["provenance"] for group in grafana.groups.values() for rule in group["rules"]} == {""}


def test_a_dry_run_says_and_writes_nothing(grafana: FakeGrafana, env: Path) -> None:
    done = push("--dry-run")
    assert done.exit_code == 1
    assert "created" in done.output
    assert grafana.writes == []
    said()
    assert push("--dry-run").exit_code == 0


def test_only_what_differs_is_written(grafana: FakeGrafana, env: Path) -> None:
    said()
    grafana.writes = []
    uid = next(iter(grafana.dashboards))
    grafana.dashboards[uid]["dashboard"]["title"] = "by hand"
    grafana.groups["compound-alerts/compound-minute"]["rules"][0]["for"] = "9h"
    grafana.groups["compound-alerts/compound-hour"]["rules"].append({"uid": "no-longer-ours"})
    grafana.folders["compound"]["title"] = "x"
    grafana.sources["compound-postgres"]["jsonData"]["maxOpenConns"] = 1
    assert said().count("updated") == 4 + 1  # and the last line
    assert sorted(grafana.writes) == [
        "POST /api/dashboards/db",
        "PUT /api/datasources/uid/compound-postgres",
        "PUT /api/folders/compound",
        "PUT /api/v1/provisioning/folder/compound-alerts/rule-groups/compound-hour",
        "PUT /api/v1/provisioning/folder/compound-alerts/rule-groups/compound-minute",
    ]
    assert "no-longer-ours" not in held(grafana)


def test_a_webhook_and_a_new_password(grafana: FakeGrafana, env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "left out" in said()
    monkeypatch.setenv("COMPOUND_GRAFANA_WEBHOOK_URL_FILE", str(env / "hook"))
    monkeypatch.setenv("COMPOUND_GRAFANA_RECEIVER", "compound-webhook")
    said()
    assert grafana.points["compound-webhook"]["settings"]["url"] == HOOK
    assert grafana.policies["receiver"] == "compound-webhook"
    (env / "password").write_text("another")
    said()
    assert grafana.sources["compound-postgres"]["secureJsonData"]["password"] == PASSWORD  # Grafana never shows it
    assert "updated" in said("--new-password")
    assert grafana.sources["compound-postgres"]["secureJsonData"]["password"] == "another"


def test_what_somebody_else_made_stays(grafana: FakeGrafana, env: Path) -> None:
    grafana.points["own"] = {"uid": "own", "name": "own", "type": "email", "settings": {"password": "x"}}
    grafana.policies = {"receiver": "own", "routes": []}
    assert "notification policies of somebody else" in failed()
    assert grafana.policies["receiver"] == "own"
    said("--replace-policies")
    assert grafana.policies["receiver"] == "compound-mail"
    assert "own" in grafana.points


def test_a_change_in_between_is_not_overwritten(grafana: FakeGrafana, env: Path) -> None:
    said()
    for board in grafana.dashboards.values():
        board["dashboard"]["title"] = "by hand"

    def somebody(path: str) -> None:
        if path.endswith("/db"):
            for board in grafana.dashboards.values():
                board["dashboard"]["version"] += 1

    grafana.between = somebody
    assert "412" in failed()
    assert all(board["dashboard"]["title"] == "by hand" for board in grafana.dashboards.values())


def test_what_a_file_provisioned_is_not_fought_for(grafana: FakeGrafana, env: Path) -> None:
    said()
    grafana.sources["compound-postgres"]["readOnly"] = True
    assert "data source compound-postgres is provisioned by a file" in failed()
    grafana.sources["compound-postgres"]["readOnly"] = False
    grafana.dashboards["compound-overview"]["meta"]["provisioned"] = True
    assert "dashboard compound-overview is provisioned by a file" in failed()


def test_a_wrong_token_and_no_grafana(grafana: FakeGrafana, env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (env / "token").write_text("wrong")
    assert "does not know the token or password (401)" in failed()
    monkeypatch.setenv("COMPOUND_GRAFANA_URL", "http://127.0.0.1:9")
    assert failed() == "Grafana at http://127.0.0.1:9 does not answer (ConnectionError)."


def test_below_a_path(grafana: FakeGrafana, env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOUND_GRAFANA_URL", grafana.url + "/sub/")
    said()
    assert "compound" in grafana.folders


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("COMPOUND_GRAFANA_TOKEN_FILE", None, "COMPOUND_GRAFANA_PASSWORD_FILE"),
        ("COMPOUND_READER_PASSWORD_FILE", None, "COMPOUND_READER_PASSWORD_FILE is not set"),
        ("COMPOUND_GRAFANA_RECEIVER", "compound-webhook", "COMPOUND_GRAFANA_WEBHOOK_URL_FILE is not set"),
        ("COMPOUND_GRAFANA_DATABASE", "nowhere", "COMPOUND_GRAFANA_DATABASE is wrong"),
    ],
)
def test_wrong_settings(env: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, says: str) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    done: Any = push()
    assert says in str(done.exception)
