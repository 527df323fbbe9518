"""Mosquitto with the files that are deployed: TLS, passwords, and each device's rights, held by the real broker."""

from __future__ import annotations

import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from compound.mqtt import Broker
from ingest.load import RETAINED, STORED
from ops.secrets import certificates, passwords
from simulators.connection import Broken, Connection
from tests.support.deployed_mosquitto import Deployed

NOT_AUTHORIZED = 135
READING = "compound/v1/hq/meter/m-1/reading"


@pytest.fixture
def deployed(run_folder: Path, tmp_path: Path) -> Iterator[Deployed]:
    folder = run_folder / f"deployed-{tmp_path.name}"
    folder.mkdir(parents=True)
    broker = Deployed(folder)
    yield broker
    broker.close()


def published(client: mqtt.Client, topic: str, payload: str = "{}") -> int:
    """Publish with QoS 1; the reason code of the broker's acknowledgement."""
    codes: list[int] = []
    answered = threading.Event()

    def acknowledged(_client: object, _userdata: object, _mid: int, reason: ReasonCode, _props: object) -> None:
        codes.append(reason.value)
        answered.set()

    client.on_publish = acknowledged
    client.publish(topic, payload, qos=1)
    assert answered.wait(20), "no acknowledgement"
    return codes[0]


class Hearing:
    """What a client is sent on its subscriptions."""

    def __init__(self, client: mqtt.Client, *filters: str) -> None:
        self.topics: list[str] = []
        self._came = threading.Event()
        subscribed = threading.Event()

        def heard(_client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
            self.topics.append(message.topic)
            self._came.set()

        client.on_message = heard
        client.on_subscribe = lambda *_: subscribed.set()
        client.subscribe([(each, 1) for each in filters])
        assert subscribed.wait(20)

    def wait_for(self, topic: str) -> None:
        while topic not in self.topics:
            assert self._came.wait(20), f"{topic} did not come, only {self.topics}"
            self._came.clear()


def test_a_device_publishes_as_itself_and_ingest_hears_it(deployed: Deployed):
    hearing = Hearing(deployed.platform("ingest"), "compound/v1/#", "$share/all/dlt645/v1/#")
    assert published(deployed.device("m-1"), READING) < NOT_AUTHORIZED
    assert published(deployed.device("gw-b2"), "dlt645/v1/hq/gw-b2/data") < NOT_AUTHORIZED
    hearing.wait_for(READING)
    hearing.wait_for("dlt645/v1/hq/gw-b2/data")


def test_ingest_hears_how_much_the_broker_holds(deployed: Deployed):
    hearing = Hearing(deployed.platform("ingest"), STORED, RETAINED)
    hearing.wait_for(STORED)
    hearing.wait_for(RETAINED)


@pytest.mark.parametrize(
    "topic",
    [
        "compound/v1/hq/meter/m-2/reading",
        "compound/v1/hq/meter/m-1/reading/more",
        "dlt645/v1/hq/gw-b2/data",
        "compound/alerts/v1/hq/energy/1",
        "anything",
    ],
)
def test_a_device_that_publishes_as_another_is_refused(deployed: Deployed, topic: str):
    """By reason code, and nobody gets it: what was sent after it arrives first."""
    hearing = Hearing(deployed.platform("ingest"), "compound/v1/#", "dlt645/v1/#")
    device = deployed.device("m-1")
    assert published(device, topic) == NOT_AUTHORIZED
    assert published(device, READING) < NOT_AUTHORIZED
    hearing.wait_for(READING)
    assert hearing.topics == [READING]


def test_a_device_reads_nothing_of_others(deployed: Deployed):
    spy = Hearing(deployed.device("m-2"), "compound/v1/#", "#")
    ingest = Hearing(deployed.platform("ingest"), "compound/v1/#")
    published(deployed.device("m-1"), READING)
    ingest.wait_for(READING)
    assert spy.topics == []


def test_a_device_is_called_by_its_name_and_takes_over_nobodys_session(deployed: Deployed):
    """Ingest is away; a device that calls itself ingest's client id neither gets nor ends its session."""
    forever = Properties(PacketTypes.CONNECT)
    forever.SessionExpiryInterval = 0xFFFFFFFF
    password = deployed.secrets.read("mqtt_ingest").strip()
    client = deployed.client("ingest", password, port=deployed.inside, client_id="compound-ingest")
    ingest = deployed.enter(client, deployed.inside, clean_start=True, properties=forever)
    Hearing(ingest, "compound/v1/#")
    ingest.disconnect()
    ingest.loop_stop()
    thief = deployed.device("m-2", client_id="compound-ingest")
    published(deployed.device("m-1"), READING)
    thief.disconnect()
    came = threading.Event()
    back = deployed.client("ingest", password, port=deployed.inside, client_id="compound-ingest")
    back.on_message = lambda _c, _u, message: came.set() if message.topic == READING else None
    deployed.enter(back, deployed.inside, clean_start=False, properties=forever)
    assert came.wait(20), "what came while ingest was away is still there"


@pytest.mark.parametrize(("user", "password"), [(None, None), ("m-1", None), ("m-1", "wrong"), ("nobody", "x")])
def test_without_the_right_password_nobody_gets_in(deployed: Deployed, user: str | None, password: str | None):
    with pytest.raises(AssertionError, match=r"[Nn]ot authorized|Bad user"):
        deployed.enter(deployed.client(user, password))
    with pytest.raises(AssertionError, match=r"[Nn]ot authorized|Bad user"):
        deployed.enter(deployed.client(user, password, port=deployed.inside, client_id="x"), deployed.inside)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves the refused socket open
def test_a_client_that_trusts_others_refuses_the_broker(deployed: Deployed):
    """A wrong authority and a name that the certificate doesn't have end the handshake; so does plain text."""
    with pytest.raises(Broken, match="certificate verify failed"):
        Connection(Broker("127.0.0.1", deployed.devices, "m-1", "x", ssl.create_default_context()), "c").open()
    plain = Connection(Broker("127.0.0.1", deployed.devices, "m-1", deployed.passwords["m-1"]), "c")
    with pytest.raises(Broken):
        plain.open(timeout_s=2)


def test_the_platform_and_the_simulators_write_what_they_must_and_no_more(deployed: Deployed):
    platform, simulators = deployed.platform("platform"), deployed.platform("simulators")
    for client, topic, allowed in (
        (platform, READING, True),
        (platform, "sunspec/v1/hq/pv-1/data", True),
        (platform, "compound/alerts/v1/hq/energy/1", True),
        (platform, "other", False),
        (simulators, "compound/v1/demo/meter/m-1/reading", True),
        (simulators, READING, False),
        (deployed.platform("ingest"), READING, False),
    ):
        assert (published(client, topic) < NOT_AUTHORIZED) == allowed, topic


def test_a_refused_simulator_says_so(deployed: Deployed):
    context = ssl.create_default_context(cafile=deployed.secrets.file("ca.crt"))
    password = deployed.secrets.read("mqtt_simulators").strip()
    connection = Connection(Broker("localhost", deployed.inside, "simulators", password, context), "sim").open()
    connection.publish(READING, "{}")
    with pytest.raises(Broken, match="Not authorized"):
        connection.flush()
    connection.close()
    with pytest.raises(Broken, match=r"did not accept the connection: (Not authorized|Bad user name)"):
        Connection(Broker("localhost", deployed.inside, "simulators", "wrong", context), "sim").open()


def test_a_new_device_and_a_renewed_certificate_need_a_sighup_alone(deployed: Deployed):
    other = passwords.give(deployed.secrets, "m-3")
    with pytest.raises(AssertionError):
        deployed.enter(deployed.client("m-3", other))
    before = served(deployed)
    certificates.make_certificate(deployed.secrets, ["new.example"])
    deployed.process.send_signal(signal.SIGHUP)
    for _ in range(50):
        try:
            deployed.enter(deployed.client("m-3", other))
            break
        except AssertionError:
            threading.Event().wait(0.2)
    else:
        raise AssertionError("m-3 never got in")
    assert served(deployed) != before


def served(deployed: Deployed) -> str:
    return ssl.get_server_certificate(("127.0.0.1", deployed.devices))


def test_the_health_checks_command_gets_in(deployed: Deployed, tmp_path: Path):
    """As in docker-compose.yml: the options of mosquitto_sub are a secret."""
    (tmp_path / "mosquitto_sub").write_text(deployed.secrets.read("mosquitto_health"))
    command = ["mosquitto_sub", "-h", "localhost", "-p", str(deployed.inside), "-t", "$SYS/broker/uptime", "-C", "1"]
    command += ["-W", "15", "--cafile", str(deployed.secrets.file("ca.crt"))]
    done = subprocess.run(
        command, env={"XDG_CONFIG_HOME": str(tmp_path), "PATH": "/usr/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "seconds" in done.stdout
