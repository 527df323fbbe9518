"""The systemd units that ship: systemd takes them, and they start what docker-compose.yml starts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ops.embedded.process import ServiceError
from tests.stack.compose import ROOT

UNITS = ROOT / "deploy" / "systemd"
ROLES = {
    "compound-migrate.service": "migrate",
    "compound-ingest.service": "ingest",
    "compound-processors@.service": "processors-2",
    "compound-archiver.service": "archiver",
    "compound-api.service": "api",
}
ON_LOOPBACK = {"COMPOUND_API_HOST"}
"""What is one thing in a container and another on the machine itself."""


def directives(*files: Path) -> dict[str, list[str]]:
    """Name -> all its values, in order."""
    found: dict[str, list[str]] = {}
    for file in files:
        for name, value in re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE):
            found.setdefault(name, []).append(value)
    return found


def compose() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


@pytest.mark.parametrize("unit", ROLES)
def test_a_unit_starts_what_its_service_starts(unit: str):
    service = compose()[ROLES[unit]]
    found = directives(UNITS / "compound-.service.d" / "common.conf", UNITS / unit)
    assert found["ExecStart"] == [f"/opt/compound/bin/compound {' '.join(map(str, service['command']))}"]  # type: ignore[call-overload]
    said = dict(pair.split("=", 1) for line in found["Environment"] for pair in line.split())
    shared = dict(re.findall(r"^(COMPOUND_\w+)=(.*)$", (UNITS / "compound.env").read_text(), re.MULTILINE))
    native = {
        name: value.replace("%d", "/run/secrets").replace("%i", "3")
        for name, value in {**shared, **said}.items()
        if name.startswith("COMPOUND_")
    }
    container = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value))
        for name, value in dict(service["environment"]).items()  # type: ignore[call-overload]
    }
    assert {name: value for name, value in native.items() if name not in ON_LOOPBACK} == {
        name: value for name, value in container.items() if name not in ON_LOOPBACK
    }
    credentials = {line.split(":")[0] for line in found["LoadCredential"]}
    assert credentials == set(service["secrets"])  # type: ignore[call-overload]
    assert all(line.split(":")[1] == f"/etc/compound/secrets/{line.split(':')[0]}" for line in found["LoadCredential"])


def test_nothing_runs_as_root_or_gains_rights():
    common = directives(UNITS / "compound-.service.d" / "common.conf")
    assert common["User"] == ["compound"]
    for name, value in {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "CapabilityBoundingSet": ""}.items():
        assert common[name] == [value]
        assert directives(UNITS / "kafka.service")[name] == [value]


def test_systemd_takes_the_units(tmp_path: Path):
    """`systemd-analyze verify`, with programs that are here in the place of those that are not."""
    program = shutil.which("systemd-analyze")
    if program is None:
        raise ServiceError("systemd-analyze is not installed; run `make services`.")
    shutil.copytree(UNITS, tmp_path / "units")
    (tmp_path / "units" / "mosquitto.service").write_text("[Service]\nExecStart=/bin/true\n")
    for unit in (tmp_path / "units").glob("*.service"):
        text = unit.read_text().replace("/opt/compound/bin/compound", str(Path(sys.prefix) / "bin" / "compound"))
        unit.write_text(re.sub(r"/opt/kafka/bin/\S+", "/bin/true", text))
    drop_in = tmp_path / "units" / "mosquitto.service.d" / "compound.conf"
    drop_in.write_text(drop_in.read_text().replace("/usr/sbin/mosquitto", "/bin/true"))
    for unit in sorted((tmp_path / "units").glob("*.service")):
        done = subprocess.run(
            [program, "verify", "--man=no", str(unit)],
            env={"SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), unit.name
