"""The ways out of the house that the settings name. Another one is another function here."""

from __future__ import annotations

from collections.abc import Callable

from compound.settings import Settings
from processors.alerts.channel import Channel
from processors.alerts.mqtt import MqttChannel
from processors.alerts.webhook import WebhookChannel

Make = Callable[[], Channel]


def channels(settings: Settings) -> dict[str, Make]:
    """Name of each configured channel, and how it is opened. Raises SettingsError."""
    found: dict[str, Make] = {}
    if settings.alert_webhook_url:
        found["webhook"] = lambda: WebhookChannel(settings.alert_webhook_url, settings.alert_timeout_s)
    if settings.alert_mqtt:
        found["mqtt"] = lambda: MqttChannel(settings)
    return found
