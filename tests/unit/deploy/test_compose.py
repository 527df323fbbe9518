"""docker-compose.yml, the Dockerfile and what they mount, without running them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from compound.settings import Settings
from ops.secrets.folder import Folder
from ops.secrets.make import make
from tests.services.docker import KAFKA_IMAGE, MOSQUITTO_IMAGE, TIMESCALE_IMAGE
from tests.stack.compose import ROOT, Service, configured, in_order, services

ONCE = {"migrate"}
PINNED = {"mosquitto": MOSQUITTO_IMAGE, "kafka": KAFKA_IMAGE, "timescaledb": TIMESCALE_IMAGE}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    folder = Folder(tmp_path_factory.mktemp("secrets") / "made")
    make(folder, [])
    return services({"COMPOUND_SECRETS": str(folder.path)})


def test_without_secrets_the_start_fails_with_a_sentence():
    done = configured({})
    assert done.returncode != 0
    assert "make the secrets by `compound secrets init DIR` and set COMPOUND_SECRETS=DIR in .env" in done.stderr


def test_every_service_is_there(found: dict[str, Service]):
    assert set(found) == {
        *("mosquitto", "kafka", "timescaledb", "migrate", "ingest", "processors-1", "processors-2", "archiver", "api"),
        *("grafana", "simulators"),
    }


def test_images_are_pinned_to_what_is_tested(found: dict[str, Service]):
    for name, service in found.items():
        assert re.search(r":\d+\.\d+\.\d+(-pg17)?$", service.image), service.image
        if name in PINNED:
            assert service.image == PINNED[name]
    kafka = re.search(
        r"kafka_2\.13</artifactId>\s*<version>([\d.]+)<", (ROOT / "tests/services/kafka/pom.xml").read_text()
    )
    assert kafka is not None
    assert f"apache/kafka:{kafka[1]}" == KAFKA_IMAGE
    sdk = re.search(
        r"^grafana-foundation-sdk==\d+!(\d+\.\d+)\.", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE
    )
    assert sdk is not None, "the dashboards' SDK is locked"
    assert found["grafana"].image.startswith(f"grafana/grafana:{sdk[1]}.")
    ours = {service.image for service in found.values() if service.image.startswith("smart-compound")}
    assert ours == {f"smart-compound:{tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['version']}"}


def test_nobody_is_root_and_nothing_is_gained(found: dict[str, Service]):
    for service in found.values():
        assert service.user[0] > 0, service.name
        assert service.raw["cap_drop"] == ["ALL"], service.name
        assert service.raw["security_opt"] == ["no-new-privileges:true"], service.name
        assert service.read_only or service.name == "kafka", service.name


def test_all_is_bounded_and_watched(found: dict[str, Service]):
    for service in found.values():
        assert service.raw["logging"]["options"]["max-size"], service.name
        assert service.raw["mem_limit"], service.name
        assert service.raw["restart"] == ("no" if service.name in ONCE else "unless-stopped"), service.name
        assert (service.check is None) == (service.name in ONCE), service.name


def test_the_order_waits_for_health_and_migrations(found: dict[str, Service]):
    order = [service.name for service in in_order(found)]
    assert order.index("timescaledb") < order.index("migrate") < order.index("api") < order.index("simulators")
    for service in found.values():
        for name, condition in service.depends_on.items():
            assert condition == ("service_completed_successfully" if name in ONCE else "service_healthy")
    for name in ("ingest", "processors-1", "processors-2", "archiver", "api", "grafana"):
        assert "migrate" in found[name].depends_on


def test_ports_are_published_on_loopback_but_for_the_brokers(found: dict[str, Service]):
    published = {
        name: [
            port if isinstance(port, str) else f"{port['host_ip']}:{port['published']}:{port['target']}"
            for port in ports
        ]
        for name, service in found.items()
        if (ports := service.raw.get("ports"))
    }
    assert {name: [port.removesuffix("/tcp") for port in ports] for name, ports in published.items()} == {
        "mosquitto": ["127.0.0.1:8883:8883"],
        "api": ["127.0.0.1:8080:8080"],
        "grafana": ["127.0.0.1:3000:3000"],
    }
    secrets = next(iter(found["api"].secrets.values())).rsplit("/", 1)[0]
    bound = services({"COMPOUND_SECRETS": secrets, "COMPOUND_MQTT_BIND": "192.0.2.1"})
    assert "192.0.2.1" in str(bound["mosquitto"].raw["ports"])
    assert "192.0.2.1" not in str([bound[name].raw["ports"] for name in ("api", "grafana")])


def test_secrets_come_by_file_and_are_all_made(found: dict[str, Service]):
    for service in found.values():
        for name, value in service.environment.items():
            assert not re.search(r"(PASSWORD|TOKEN|KEY)$", name), f"{service.name}: {name}={value}"
            assert not re.search(r"://[^/@]*:[^/@]*@", value), f"{service.name}: {name}"
            if name.endswith("_FILE"):
                assert value in {mount.target for mount in service.mounts}, f"{service.name}: {name}={value}"
        for mount in service.mounts:
            if not mount.is_volume:
                assert Path(mount.source).exists(), f"{service.name} mounts {mount.source}"
                assert mount.read_only, f"{service.name}: {mount.target}"
    used = {
        mount.source
        for service in found.values()
        for mount in service.mounts
        if mount.target.startswith("/run/secrets/")
    }
    assert used == set(found["api"].secrets.values())


def test_our_environment_is_settings_that_exist(found: dict[str, Service]):
    for service in found.values():
        for name in service.environment:
            if name.startswith("COMPOUND_") and service.image.startswith("smart-compound"):
                assert name.removeprefix("COMPOUND_").lower() in Settings.model_fields, f"{service.name}: {name}"


def test_grafanas_files_are_there_and_name_what_it_is_given(found: dict[str, Service]):
    """It has no program in Debian, so its files and variables are all that is checked of it here."""
    grafana = found["grafana"]
    inside = {mount.target: mount for mount in grafana.mounts}
    provisioning = Path(inside["/etc/grafana/provisioning"].source)
    files = [*provisioning.rglob("*.yaml")]
    assert {file.parent.name for file in files} == {"datasources", "dashboards", "alerting"}
    for file in files:
        text = file.read_text()
        assert yaml.safe_load(text)["apiVersion"] == 1
        for name in re.findall(r"\$\{?(COMPOUND_[A-Z_]+)", text):
            assert name in grafana.environment, f"{file.name}: {name}"
        for path in re.findall(r"\$__file\{(.+?)\}", text):
            assert path in inside, f"{file.name}: {path}"
    providers = yaml.safe_load((provisioning / "dashboards" / "compound.yaml").read_text())["providers"]
    assert [provider["options"]["path"] for provider in providers] == ["/var/lib/grafana/dashboards"]
    assert list(Path(inside["/var/lib/grafana/dashboards"].source).glob("compound-*.json"))
    for name, value in grafana.environment.items():
        assert name.startswith(("GF_", "COMPOUND_GRAFANA_")), f"{name}={value}"


def test_the_image_takes_no_secret_and_installs_by_hash():
    text = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"python:3.11.13-slim-bookworm"}
    assert text.count("--require-hashes") == 2
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"])
    assert let_in == packages | {
        "requirements.lock",
        "requirements-build.lock",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }


def test_the_example_of_settings_names_every_variable_of_the_file():
    used = set(re.findall(r"\$\{(COMPOUND_\w+)", (ROOT / "docker-compose.yml").read_text()))
    named = set(re.findall(r"^#?(COMPOUND_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == named


def test_made_secrets_are_never_committed(tmp_path: Path):
    for path in (".env", "secrets/api_token"):
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0, path
    assert subprocess.run(["git", "check-ignore", "-q", "ops/secrets/make.py"], cwd=ROOT, check=False).returncode == 1
