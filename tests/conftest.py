"""Fixtures that every test may ask for: real services, started when first asked for, gone with the session."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ops.embedded.postgres import EmbeddedPostgres
from tests.services.databases import KINDS as DATABASE_KINDS
from tests.services.databases import Databases
from tests.services.folder import make_run_folder
from tests.services.kafka_node import KafkaNode
from tests.services.mqtt import KINDS, MqttBroker, make_broker
from tests.services.timescale import TimescaleServer

# How long an example takes says only what else this machine does.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Nothing is skipped: a test that tries to be fails."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped; here a test that can't run fails. {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def usual_garbage() -> Iterator[None]:
    """Processors collect garbage seldom; what one of them leaves in this process is to be found in its own test."""
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """The folder of this process's services."""
    folder = make_run_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(run_folder: Path) -> Iterator[Callable[[str], Databases]]:
    """A function that returns the databases of a kind, their server started at the first call."""
    started: dict[str, Databases] = {}

    def of(kind: str) -> Databases:
        if kind not in started:
            started[kind] = Databases(run_folder, kind)
            started[kind].start()
        return started[kind]

    yield of
    for server in started.values():
        server.stop()


@pytest.fixture(scope="session", params=DATABASE_KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Every test of a database runs twice: on plain PostgreSQL and on TimescaleDB."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def databases(servers: Callable[[str], Databases], database_kind: str) -> Databases:
    """A server with a migrated template, for the whole session."""
    return servers(database_kind)


@pytest.fixture
def new_database(databases: Databases) -> Iterator[Callable[[], str]]:
    """A function that makes a fresh migrated database and returns its URL, as often as it is called."""
    made: list[str] = []

    def make() -> str:
        made.append(databases.create())
        return made[-1]

    yield make
    for url in made:
        databases.drop(url)


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The URL of a fresh migrated database."""
    return new_database()


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[str]:
    """The URL of a fresh database without any schema."""
    url = databases.create(migrated=False)
    yield url
    databases.drop(url)


@pytest.fixture
def own_postgres(run_folder: Path, tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL of this test's own (1 s), to be stopped and killed at will; nothing is migrated."""
    server = EmbeddedPostgres(run_folder / f"own-{tmp_path.name}")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_timescale(run_folder: Path, tmp_path: Path) -> Iterator[TimescaleServer]:
    """A running TimescaleDB of this test's own (1 s), to be stopped and killed at will; nothing is migrated."""
    server = TimescaleServer(run_folder / f"timescale-{tmp_path.name}")
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=KINDS)
def mqtt_broker(request: pytest.FixtureRequest, run_folder: Path, tmp_path: Path) -> Iterator[MqttBroker]:
    """A fresh broker (0.1 s), the test run once with the embedded one and once with Mosquitto."""
    yield from _running_broker(request.param, run_folder / f"mqtt-{request.param}-{tmp_path.name}")


@pytest.fixture
def embedded_broker(run_folder: Path, tmp_path: Path) -> Iterator[MqttBroker]:
    """A fresh embedded broker, where one kind of broker is enough."""
    yield from _running_broker("iotcore", run_folder / f"mqtt-{tmp_path.name}")


@pytest.fixture
def mosquitto(run_folder: Path, tmp_path: Path) -> Iterator[MqttBroker]:
    """A fresh Mosquitto, where it has to be that one."""
    yield from _running_broker("mosquitto", run_folder / f"mosquitto-{tmp_path.name}")


def _running_broker(kind: str, folder: Path) -> Iterator[MqttBroker]:
    broker: Any = make_broker(kind, folder)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(scope="session")
def kafka(run_folder: Path) -> Iterator[KafkaNode]:
    """Apache Kafka for the whole session; tests ask for `kafka_bootstrap`."""
    node = KafkaNode(run_folder / "kafka")
    node.start()
    yield node
    node.kill()


@pytest.fixture
def kafka_bootstrap(kafka: KafkaNode) -> str:
    """The address of a Kafka without topics and groups (host:port)."""
    kafka.clear()
    return kafka.bootstrap


@pytest.fixture
def own_kafka(run_folder: Path, tmp_path: Path) -> Iterator[KafkaNode]:
    """A running Kafka of this test's own (2 s), to be killed and started again at will."""
    node = KafkaNode(run_folder / f"kafka-{tmp_path.name}")
    node.start()
    yield node
    node.kill()
