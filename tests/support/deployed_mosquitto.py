"""Mosquitto on loopback with the files that are deployed."""

from __future__ import annotations

import signal
import ssl
import threading
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from compound.mqtt import Broker
from ops.embedded.process import free_port, listens, spawn, stop, wait_until
from ops.secrets import certificates, passwords
from ops.secrets.folder import Folder
from ops.secrets.make import make
from tests.services.mqtt import mosquitto_program

DEPLOYED: Final = Path(__file__).parents[2] / "deploy" / "mosquitto"


class Deployed:
    """Mosquitto on loopback with the deployed files; only their paths and ports are this test's."""

    def __init__(self, folder: Path, *, more_rights: str = "") -> None:
        """Started in `folder`, which is there; `more_rights` are further lines of the ACL."""
        self.secrets = Folder(folder / "secrets")
        make(self.secrets, [])
        self.passwords = {name: passwords.give(self.secrets, name) for name in ("m-1", "m-2", "gw-b2")}
        self.devices, self.inside = free_port(), free_port()
        self._log = folder / "mosquitto.log"
        (folder / "data").mkdir()
        (folder / "acl").write_text((DEPLOYED / "acl").read_text() + more_rights)
        text = (DEPLOYED / "mosquitto.conf").read_text()
        for here, there in (
            ("/run/secrets", str(self.secrets.path)),
            ("/mosquitto/config", str(folder)),
            ("/mosquitto/data", str(folder / "data")),
            ("listener 8883", f"listener {self.devices} 127.0.0.1"),
            ("listener 8884 mosquitto", f"listener {self.inside} 127.0.0.1"),
        ):
            assert here in text
            text = text.replace(here, there)
        (folder / "mosquitto.conf").write_text(text + "user root\n")
        self._clients: list[mqtt.Client] = []
        self.process = spawn([mosquitto_program(), "-c", folder / "mosquitto.conf"], log=self._log)
        wait_until(lambda: listens(self.inside), self.process, name="Mosquitto", log=self._log)
        self.platform("simulators").disconnect()  # it listens before it minds signals: a SIGHUP in between would end it

    def close(self) -> None:
        """End it and all that entered: a client that was refused tries again for ever, after the test too."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()
        stop(self.process)

    def give(self, user: str) -> str:
        """A password for another user; the broker knows it at once."""
        password = passwords.give(self.secrets, user)
        self.process.send_signal(signal.SIGHUP)
        return password

    def client(
        self, user: str | None, password: str | None, *, port: int | None = None, client_id: str = ""
    ) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        context = ssl.create_default_context(cafile=self.secrets.file(certificates.CA_CERTIFICATE))
        Broker("127.0.0.1", port or self.devices, user, password, context).admit(client)
        return client

    def enter(self, client: mqtt.Client, port: int | None = None, **more: Any) -> mqtt.Client:
        """Connect; AssertionError with the broker's reason where it refuses."""
        answered = threading.Event()
        reasons: list[ReasonCode] = []

        def connected(_client: object, _userdata: object, _flags: object, reason: ReasonCode, _props: object) -> None:
            reasons.append(reason)
            answered.set()

        client.on_connect = connected
        client.connect("127.0.0.1", port or self.devices, **more)
        client.loop_start()
        self._clients.append(client)
        assert answered.wait(20), "no answer"
        assert not reasons[0].is_failure, str(reasons[0])
        return client

    def device(self, name: str, **more: Any) -> mqtt.Client:
        return self.enter(self.client(name, self.passwords[name], **more))

    def platform(self, name: str, client_id: str = "") -> mqtt.Client:
        password = self.secrets.read(f"mqtt_{name}").strip()
        return self.enter(self.client(name, password, port=self.inside, client_id=client_id), self.inside)
