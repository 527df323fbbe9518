"""Which secrets there are, and making those that are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ops.secrets import certificates, passwords
from ops.secrets.folder import Folder, new_password

NOWHERE: Final = "https://nowhere.invalid/"
"""Grafana wants an address for the webhook, also when alerts go by mail; write the real one into the file."""

VALUES: Final[Mapping[str, Callable[[], str]]] = {
    "database_password": new_password,
    "reader_password": new_password,
    "grafana_admin_password": new_password,
    "grafana_secret_key": new_password,
    "grafana_webhook_url": lambda: NOWHERE,
    "api_token": new_password,
    "mqtt_ingest": new_password,
    "mqtt_platform": new_password,
    "mqtt_simulators": new_password,
    "mosquitto_health": lambda: f"-u health\n-P {new_password()}",
}
"""Name of the file -> what is in it at first. `mosquitto_health` is the options' file of mosquitto_sub in the health check."""


def make(folder: Folder, hosts: Iterable[str]) -> list[str]:
    """Make every secret that is missing; their names. What is there is never overwritten. Raises SettingsError, ValueError."""
    made = []
    for name, value in VALUES.items():
        if not folder.has(name):
            folder.write(name, f"{value()}\n")
            made.append(name)
    known = passwords.users(folder)
    for user in passwords.PLATFORM:
        if user not in known:
            passwords.give(folder, user, _password_of(folder, user))
            made.append(f"{passwords.FILE}: {user}")
    if not folder.has(certificates.CA_CERTIFICATE):
        certificates.make_authority(folder)
        made.append(certificates.CA_CERTIFICATE)
    if not folder.has(certificates.CERTIFICATE):
        certificates.make_certificate(folder, hosts)
        made.append(certificates.CERTIFICATE)
    return made


def _password_of(folder: Folder, user: str) -> str:
    if user == "health":
        return folder.read("mosquitto_health").split("-P ", 1)[1].strip()
    return folder.read(f"mqtt_{user}").strip()
