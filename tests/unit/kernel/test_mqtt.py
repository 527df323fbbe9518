"""Where the broker is, from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from compound.mqtt import broker_of
from compound.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("url", "host", "port", "user"),
    [
        ("mqtt://127.0.0.1", "127.0.0.1", 1883, None),
        ("mqtts://u@broker.example/", "broker.example", 8883, "u"),
        ("mqtt://[::1]:99", "::1", 99, None),
    ],
)
def test_the_brokers_address(url: str, host: str, port: int, user: str | None):
    found = broker_of(Settings(mqtt_url=url))
    assert (found.host, found.port, found.user, found.tls is not None) == (host, port, user, url[4] == "s")


def test_another_address_with_the_same_password(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("secret\n")
    settings = Settings(mqtt_url="mqtts://u@h", mqtt_password_file=file)
    assert broker_of(settings).password == "secret"
    assert broker_of(settings, "mqtt://v@elsewhere:7")[:4] == ("elsewhere", 7, "v", "secret")
    assert broker_of(settings, "mqtt://elsewhere:7")[2:] == (None, None, None)


def test_a_wrong_ca_file_is_named(tmp_path: Path):
    with pytest.raises(SettingsError, match="COMPOUND_MQTT_CA_FILE"):
        broker_of(Settings(mqtt_url="mqtts://h", mqtt_ca_file=tmp_path / "none"))
