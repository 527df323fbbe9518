"""docker-compose.yml as it stands, natively: the faulty demo compound over TLS, Kafka, TimescaleDB and the archiver."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.secrets import passwords
from tests.e2e.running import wait_for
from tests.stack.stack import Stack

DAYS = "10"
DATA = ("--data", "/var/lib/compound")


@pytest.fixture
def stack(run_folder: Path) -> Iterator[Stack]:
    """All services with a native counterpart, the simulators too, started in the file's order."""
    made = Stack(run_folder / "stack", {"COMPOUND_SCENARIO": "all-faults", "COMPOUND_HISTORY": DAYS})
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _said(stack: Stack) -> dict[str, Any]:
    """What the simulators tell of themselves."""
    said = stack.containers["simulators"].run("cat", "/var/lib/compound/simulate.json").stdout
    return dict(json.loads(said)) if said else {"live": False, "done": 0, "total": 1}


@pytest.mark.timeout(1500)
def test_docker_compose_natively(stack: Stack) -> None:
    """One test, since one stack: it takes a minute and more to start."""
    _every_service_has_its_own_user_no_rights_and_its_own_secrets(stack)
    _only_the_ports_of_the_file_listen(stack)
    _it_shows_what_really_happened(stack)
    _a_device_is_held_to_its_own_topics(stack)


def _it_shows_what_really_happened(stack: Stack) -> None:
    """`verify` finds no difference, though a processor and the archiver were killed while history came in; the book that the
    archiver wrote is as it was written.
    """
    wait_for(lambda: (said := _said(stack))["live"] or said["done"] > said["total"] / 3, 600, pause_s=1)
    for name in ("processors-1", "archiver"):
        stack.containers[name].kill()
    time.sleep(5)
    stack.start(["processors-1", "archiver"])
    wait_for(lambda: _said(stack)["live"], 900, pause_s=2)
    assert "No difference" in stack.compound("simulators", "verify", *DATA, "--patience", "300")
    assert "as it was written" in stack.compound("api", "audit")
    assert stack.json("api", "status")["devices"]["alive"] > 300


def _every_service_has_its_own_user_no_rights_and_its_own_secrets(stack: Stack) -> None:
    for service in stack.services:
        container = stack.containers[service.name]
        if service.name == "migrate":
            continue
        status = container.run("cat", "/proc/1/status").stdout
        found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert found["Uid"].split() == [str(service.user[0])] * 4, service.name
        assert (found["CapEff"], found["CapBnd"], found["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1"), service.name
        seen = container.run("ls", "/run/secrets").stdout.split()
        given = {Path(mount.target).name for mount in service.mounts if mount.target.startswith("/run/secrets/")}
        assert set(seen) == given, service.name


def _only_the_ports_of_the_file_listen(stack: Stack) -> None:
    """No plain text port of the broker; what asks for a password gets one."""
    heads = stack.containers["api"].run("cat", "/proc/net/tcp", "/proc/net/tcp6").stdout.splitlines()
    listening = {int(line.split()[1].rsplit(":", 1)[1], 16) for line in heads if line.split()[3:4] == ["0A"]}
    assert listening == {5432, 8080, 8883, 8884, 9092, 9093, 9101, 9102, 9103, 9104}
    done = stack.containers["api"].run("env", "-u", "COMPOUND_API_TOKEN_FILE", "compound", "status")
    assert done.returncode == 2
    assert "401" in done.stderr


def _a_device_is_held_to_its_own_topics(stack: Stack) -> None:
    """On the published port, with the password that `compound secrets device` printed; the broker only had a SIGHUP."""
    stack.containers["simulators"].stop()
    password = passwords.give(stack.secrets, "m-guest")
    stack.containers["mosquitto"].hang_up()
    publish = (
        "mosquitto_pub",
        "-V",
        "5",
        "-h",
        "mosquitto",
        "-p",
        "8883",
        "--cafile",
        "/run/secrets/ca.crt",
        "-q",
        "1",
    )
    broker = stack.containers["mosquitto"]

    def as_guest(topic: str, *who: str) -> str:
        done = broker.run(*publish, "-t", topic, "-m", "{}", *who)
        return "" if done.returncode == 0 and not done.stderr else f"{done.returncode} {done.stderr}"

    mine = "compound/v1/demo/meter/m-guest/reading"
    guest = ("-u", "m-guest", "-P", password)
    wait_for(lambda: as_guest(mine, *guest) == "", 60)
    assert "ot authorized" in as_guest("compound/v1/demo/meter/m-b1/reading", *guest)
    assert "ot authorized" in as_guest(mine, "-u", "m-guest", "-P", "wrong") or "Bad user" in as_guest(mine)
    assert as_guest(mine) != ""
