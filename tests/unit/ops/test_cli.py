"""The command line: what can be mended is said in one sentence; what is shown is what the API answers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ops import cli, cli_roles, client
from ops.client import ApiError

AWAY = "postgresql://nobody@127.0.0.1:9/none"


class Api:
    """A compound's API as the commands ask it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}

    def get(self, path: str, **params: Any) -> Any:
        self.asked.append(("GET", path, params))
        if path not in self.answers:
            raise ApiError(f"The API answers 404 to {path}: there is no such thing.")
        return self.answers[path]

    def post(self, path: str, body: Any) -> Any:
        self.asked.append(("POST", path, body))
        return self.answers[path]

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        yield from self.get(path, **params)["items"]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    monkeypatch.setattr(client, "of", lambda _data: made)
    return made


def run(*args: str) -> str:
    done = CliRunner().invoke(cli.command_line(), args)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("args", "env", "says"),
    [
        (["migrate"], {}, "Connection refused"),
        (["ingest"], {"COMPOUND_INGEST_BATCH": "no number"}, "COMPOUND_INGEST_BATCH is wrong"),
        (["api"], {"COMPOUND_API_HOST": "0.0.0.0"}, "COMPOUND_API_TOKEN_FILE"),
        (["processors", "--only", "weather"], {}, "no domain 'weather'"),
        (["status", "--data", "nowhere"], {}, "No `compound up` runs"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_a_person_can_mend_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str], env: dict[str, str], says: str
) -> None:
    """Exit code 2, one line, no traceback; a wrong value isn't echoed."""
    monkeypatch.setattr(sys, "argv", ["compound", *args])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(cli_roles, "configure", lambda *_: None)
    monkeypatch.setenv("COMPOUND_DATABASE_URL", AWAY)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert len([line for line in said if line.startswith("compound: ")]) == 1
    assert says in said[-1]
    assert "no number" not in said[-1]


@pytest.mark.parametrize("command", cli.MODULES)
def test_a_command_is_found_in_its_module_alone(command: str) -> None:
    done = CliRunner().invoke(cli.command_line(command), [command, "--help"])
    assert done.exit_code == 0, done.output
    assert f"compound {command}" in done.output


def test_every_command_is_found_by_its_name() -> None:
    root = typer.main.get_command(cli.command_line())
    assert set(root.commands) == set(cli.MODULES)  # type: ignore[attr-defined]


def test_a_roles_process_does_not_carry_what_others_need() -> None:
    code = "import sys; from ops.cli import command_line; command_line('processors'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"simulators", "dashboards", "numpy", "httpx"}


SITE = {"id": "s", "from": "2026-01-01T00:00:00Z", "data": {"timezone": "Asia/Shanghai"}}
ROWS = [
    {"start": "2026-10-01T16:00:00Z", "wh": 1500, "coverage": 1.0, "quality": "measured"},
    {"start": "2026-10-02T16:00:00Z", "wh": None, "coverage": 0.0, "quality": None},
]


def test_energy_is_asked_in_the_sites_zone_and_unknown_is_no_zero(api: Api) -> None:
    api.answers = {
        "/v1/registry/building/b1": {"items": [{"data": {"site": "s"}}]},
        "/v1/registry/site/s": {"items": [SITE]},
        "/v1/energy/building/b1": {"items": ROWS},
    }
    asked = ("energy", "b1", "--from", "2026-10-02", "--to", "2026-10-04")
    assert json.loads(run(*asked, "--json")) == ROWS
    _, _, params = api.asked[-1]
    assert params["from_"] == "2026-10-02T00:00:00+08:00"
    shown = run(*asked)
    assert "1.50" in shown
    assert "2026-10-03 00:00 │    – │     0.0%" in shown


def test_quarantine_is_listed_shown_and_retried(api: Api) -> None:
    entry = {"id": "e1", "received": "2026-10-02T00:00:00Z", "topic": None, "reason": "not JSON", "state": "held"}
    api.answers = {
        "/v1/quarantine": {"items": [entry]},
        "/v1/quarantine/e1": entry,
        "/v1/quarantine/e1/retry": {**entry, "state": "retrying"},
    }
    assert "not JSON" in run("quarantine", "list", "--reason", "not JSON")
    assert api.asked[-1][2]["reason"] == "not JSON"
    assert json.loads(run("quarantine", "show", "e1")) == entry
    assert json.loads(run("quarantine", "retry", "e1"))["state"] == "retrying"
    assert api.asked[-1] == ("POST", "/v1/quarantine/e1/retry", {})
