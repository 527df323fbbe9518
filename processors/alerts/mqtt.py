"""Alerts by MQTT: `compound/alerts/v1/{site}/{category}/{alert}`, QoS 1, counted when the broker has acknowledged.

Not retained: an alert is news, its state is the API's; a retained one would have to be taken back, and brokers hand only
so many retained messages to a new subscriber. Not below `compound/v1/`: that is what ingest reads.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from compound.mqtt import broker_of
from compound.settings import Settings
from processors.alerts.channel import Message, Refused

_NOWHERE: Final = "-"
"""Stands for the site of an alert that has none."""


class MqttChannel:
    """A client of the broker in COMPOUND_MQTT_URL; paho keeps it connected in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        broker = broker_of(settings)
        self._timeout = settings.alert_timeout_s
        self._connected = threading.Event()
        self._answers: dict[int, ReasonCode] = {}
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"compound-alerts-{socket.gethostname()[:32]}-{os.getpid()}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        broker.admit(self._client)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.connect_async(broker.host, broker.port, settings.mqtt_keepalive_s)
        self._client.loop_start()

    def send(self, message: Message) -> None:
        """See `Channel.send`. What was not acknowledged in time may still go out, and is sent again later: at least once."""
        if not self._connected.wait(self._timeout):
            raise Refused("the broker is not reached")
        topic = f"compound/alerts/v1/{message.site or _NOWHERE}/{message.category}/{message.alert}"
        self._answers.clear()
        info: MQTTMessageInfo = self._client.publish(topic, message.body, qos=1)
        with suppress(ValueError, RuntimeError):  # not connected any more: is_published says it
            info.wait_for_publish(self._timeout)
        answer = self._answers.pop(info.mid, None)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or answer is None:
            raise Refused("no acknowledgement")
        if answer.is_failure:
            raise Refused(f"the broker refused it: {answer}")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Client, userdata: object, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if not reason.is_failure:
            self._connected.set()

    def _on_disconnect(self, client: Client, userdata: object, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self._connected.clear()

    def _on_publish(self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: Any) -> None:
        self._answers[mid] = reason
