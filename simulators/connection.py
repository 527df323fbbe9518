"""Connections to the broker: few, shared by many devices, with a bound on what is under way."""

from __future__ import annotations

import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from compound.mqtt import Broker

IN_FLIGHT = 64
"""Messages under way at once on one connection: sent, not yet acknowledged by the broker."""


class Broken(Exception):
    """The broker can't be reached, or does not acknowledge; the text is one sentence."""


class Stopped(Broken):
    """The run was told to stop while it waited; what was handed over last did not go out."""


class Connection:
    """A connection of one gateway, MQTT 5. It reconnects by itself; what was not acknowledged is sent again by paho.

    `will`: (topic, payload), published by the broker, retained, when the connection dies without a goodbye. MQTT gives
    one will to a connection, so only a device with a connection of its own has one.
    """

    def __init__(self, broker: Broker, client_id: str, will: tuple[str, str] | None = None) -> None:
        self._host, self._port = broker.host, broker.port
        self._room = threading.BoundedSemaphore(IN_FLIGHT)
        self._idle = threading.Condition()
        self._under_way = 0
        self._connected = threading.Event()
        self._answered = threading.Event()
        self._refused = ""
        self.acknowledged = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        broker.admit(self._client)
        if will is not None:
            self._client.will_set(*will, qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish

    def open(self, timeout_s: float = 20.0) -> Connection:
        """Connect and wait for it. Raises Broken."""
        try:
            self._client.connect(self._host, self._port, keepalive=30)
        except OSError as error:
            raise Broken(f"No MQTT broker answers at {self._host}:{self._port} ({error}).") from None
        self._client.loop_start()
        self._answered.wait(timeout_s)
        if not self._connected.is_set():
            self.close()
            why = f": {self._refused}" if self._refused else ""
            raise Broken(f"The MQTT broker at {self._host}:{self._port} did not accept the connection{why}.")
        return self

    def publish(self, topic: str, payload: str, retain: bool = False, stop: threading.Event | None = None) -> None:
        """Send at QoS 1; waits while too much is under way.

        Raises Broken after a minute without room or when the broker has refused a message, Stopped on `stop`.
        """
        waited = 0.0
        while not self._room.acquire(timeout=0.5):
            waited += 0.5
            if stop is not None and stop.is_set():
                raise Stopped("Stopped while the MQTT broker acknowledged nothing.")
            if waited > 60:
                raise Broken("The MQTT broker acknowledges nothing.")
        self._check()
        with self._idle:
            self._under_way += 1
        self._client.publish(topic, payload.encode(), qos=1, retain=retain)

    def flush(self, timeout_s: float = 60.0) -> None:
        """Wait until everything sent is acknowledged. Raises Broken."""
        with self._idle:
            if not self._idle.wait_for(lambda: not self._under_way, timeout_s):
                raise Broken("The MQTT broker does not acknowledge what it was sent.")
        self._check()

    def close(self) -> None:
        """Say goodbye: no will is published."""
        self._client.disconnect()
        self._client.loop_stop()

    def die(self) -> None:
        """Break off without a goodbye, as a device that loses power; the broker publishes the will."""
        self._client.loop_stop()
        socket = self._client.socket()
        if socket is not None:
            socket.close()

    def _on_connect(
        self, _: mqtt.Client, __: object, ___: mqtt.ConnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        if not code.is_failure:
            self._connected.set()
        elif not self._connected.is_set():  # later ones pass: a broker that comes back may not be ready yet
            self._refused = str(code)
        self._answered.set()

    def _check(self) -> None:
        if self._refused:
            raise Broken(f"The MQTT broker at {self._host}:{self._port} refuses what it is sent: {self._refused}.")

    def _on_publish(self, _: mqtt.Client, __: object, ___: int, code: ReasonCode, ____: Properties | None) -> None:
        with self._idle:
            self._under_way -= 1
            if code.is_failure:
                self._refused = str(code)
            else:
                self.acknowledged += 1
            self._idle.notify_all()
        self._room.release()
