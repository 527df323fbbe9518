"""Where the compound is that a command looks at: the one that `compound up` runs on the data folder, else the settings'."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compound.mqtt import Broker, broker_of
from compound.settings import Settings, load
from ops.up.folder import DataFolder, NotRunning


@dataclass(frozen=True)
class Where:
    """Each part's address, asked for when it is needed. Each raises NotRunning when neither `up` nor a setting says it."""

    _settings: Settings
    _told: dict[str, str]
    _nothing: str

    @property
    def api_url(self) -> str:
        """The API, as http://host:port."""
        return self._address("api_url")

    @property
    def database_url(self) -> str:
        """The database, with its password."""
        return self._address("database_url")

    @property
    def log_url(self) -> str:
        """The event log; empty is the database's own."""
        return self._told.get("log_url", self._settings.log_url)

    @property
    def broker(self) -> Broker:
        """The MQTT broker, with password and certificates. Raises SettingsError too."""
        return broker_of(self._settings, self._address("mqtt_url"))

    def _address(self, name: str) -> str:
        if name in self._told:
            return self._told[name]
        if name not in self._settings.model_fields_set:
            raise NotRunning(f"{self._nothing} Without one COMPOUND_{name.upper()} says where the compound is.")
        return str(getattr(self._settings, name))


def find(data: Path) -> Where:
    """The compound of the folder, else of the settings. Raises SettingsError when one of these is wrong."""
    settings = load()
    try:
        running = DataFolder(data).running()
    except NotRunning as error:
        return Where(settings, {}, str(error))
    told = {name: str(getattr(running, name)) for name in ("api_url", "mqtt_url", "database_url", "log_url")}
    return Where(settings, told, "")
