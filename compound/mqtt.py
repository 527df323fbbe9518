"""Where the MQTT broker is and how to get in, for everyone who connects: ingest, alerts, quarantine, simulators."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client

from compound.settings import Settings, SettingsError, secret


class Broker(NamedTuple):
    """Address and credentials; without `tls` in the clear."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None

    def admit(self, client: Client) -> None:
        """Give a paho client what it needs to get in, before it connects."""
        if self.user:
            client.username_pw_set(self.user, self.password)
        if self.tls:
            client.tls_set_context(self.tls)


def broker_of(settings: Settings, url: str | None = None) -> Broker:
    """The broker of the settings, or the one at `url` with their password and certificates. Raises SettingsError."""
    found = urlsplit(url or settings.mqtt_url)
    tls = found.scheme == "mqtts"
    return Broker(
        host=found.hostname or "",
        port=found.port or (8883 if tls else 1883),
        user=unquote(found.username) if found.username else None,
        password=secret(settings.mqtt_password_file) if found.username and settings.mqtt_password_file else None,
        tls=_trusting(settings.mqtt_ca_file) if tls else None,
    )


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(f"COMPOUND_MQTT_CA_FILE is wrong: {error.strerror or error}.") from None
