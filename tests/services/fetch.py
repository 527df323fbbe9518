"""Fetch what the tests' services need: `python -m tests.services.fetch`; done in a blink when all is there.

Where a Docker engine answers: three images. Without one, and as root in any case, since the native run of docker-compose.yml
needs them: Mosquitto, Java, docker-compose and systemd's checker by the system's package manager, Apache Kafka's jars by
Maven, and TimescaleDB by debootstrap. Ends with one sentence and exit code 1 when something can't be had.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ops.embedded.process import ServiceError
from tests.services import trixie
from tests.services.docker import KAFKA_IMAGE, MOSQUITTO_IMAGE, TIMESCALE_IMAGE, engine_answers
from tests.services.kafka_node import CACHE, JARS
from tests.services.mqtt import mosquitto_program

_POM = Path(__file__).parent / "kafka" / "pom.xml"
_JAVA_AT_LEAST = 17
_JAVA_PACKAGES = ("openjdk-21-jre-headless", "openjdk-17-jre-headless", "default-jre-headless")
_POLICY = Path("/usr/sbin/policy-rc.d")


def main() -> int:
    """Fetch what is missing; the process's exit code."""
    try:
        if engine_answers():
            for image in (MOSQUITTO_IMAGE, KAFKA_IMAGE, TIMESCALE_IMAGE):
                _image(image)
        if not engine_answers() or os.geteuid() == 0:
            _mosquitto()
            _program("systemd-analyze", "systemd", ("systemd",))
            _program("docker-compose", "Docker Compose", ("docker-compose",))
            _java()
            _kafka()
            _timescale()
    except ServiceError as error:
        print(f"The tests' services are not complete: {error}", file=sys.stderr)
        return 1
    return 0


def _image(image: str) -> None:
    if _run(["docker", "image", "inspect", image]):
        return
    print(f"{image}: pulling its Docker image …", flush=True)
    if not _run(["docker", "pull", "-q", image]):
        raise ServiceError(f"the Docker image {image} can't be pulled.")


def _mosquitto() -> None:
    try:
        mosquitto_program()
    except ServiceError:
        _install("Mosquitto", ("mosquitto",))
        mosquitto_program()
    _program("mosquitto_sub", "Mosquitto's clients", ("mosquitto-clients",))


def _program(name: str, what: str, packages: tuple[str, ...]) -> None:
    """A program on PATH, installed where it isn't."""
    if shutil.which(name) is None:
        _install(what, packages)


def _java() -> None:
    if _java_version() >= _JAVA_AT_LEAST:
        return
    _install(f"Java {_JAVA_AT_LEAST} or newer", _JAVA_PACKAGES)
    if _java_version() < _JAVA_AT_LEAST:
        raise ServiceError(f"`java` is not version {_JAVA_AT_LEAST} or newer; put one first on PATH.")


def _kafka() -> None:
    """Lay Kafka's jars into the cache; the file `complete` says that all of them are there."""
    if (JARS / "complete").exists():
        return
    if shutil.which("mvn") is None:
        _install("Maven", ("maven",))
    print("Apache Kafka: fetching its jars by Maven …", flush=True)
    shutil.rmtree(JARS, ignore_errors=True)
    CACHE.mkdir(exist_ok=True)
    command = ["mvn", "-B", "-q", "-C", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not any(JARS.glob("kafka_*.jar")):
        print(done.stdout + done.stderr, file=sys.stderr)
        raise ServiceError("Apache Kafka's jars can't be fetched by Maven; its messages are above.")
    (JARS / "complete").touch()


def _timescale() -> None:
    if trixie.there():
        return
    if shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None or os.geteuid() != 0:
        _install("TimescaleDB", ("debootstrap",))
    print("TimescaleDB: laying Debian 13's package into a folder by debootstrap …", flush=True)
    trixie.make()


def _java_version() -> int:
    """The major version of the machine's Java, 0 without one."""
    if shutil.which("java") is None:
        return 0
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def _install(what: str, packages: tuple[str, ...]) -> None:
    """Install the first of `packages` that the system's package manager has."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise ServiceError(
            f"{what} is missing: install it (Debian: apt-get install {packages[0]}), start a Docker engine,"
            " or run this as root on Debian or Ubuntu."
        )
    print(f"{what}: installing it by apt-get …", flush=True)
    _run(["apt-get", "update", "-qq"])
    known = [name for name in packages if _run(["apt-cache", "show", name])]
    made = not _POLICY.exists()
    if made:  # Debian starts services as it installs them; ours are started by the tests alone
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        if not known or not _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", known[0]]):
            raise ServiceError(f"{what} can't be installed by apt-get; try `apt-get install {packages[0]}` to see why.")
    finally:
        if made:
            _POLICY.unlink()


def _run(command: list[str]) -> bool:
    """Run a command silently; whether it succeeded."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
