"""The gateways through which devices reach the broker: one connection a kind of device, one for each that may crash."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from compound.mqtt import Broker
from simulators import clock
from simulators.connection import Connection
from simulators.demo import places
from simulators.faults.scenario import Fault
from simulators.wire import Device, devices


class Gateways:
    """Devices of one kind share a connection, since paho uses select(). It has no will: it could not speak for all.

    The devices in `alone` have connections of their own, whose will says that they are offline.
    """

    def __init__(self, broker: Broker, name: str, alone: Iterable[str]) -> None:
        self._broker, self._name = broker, name
        self._shared: dict[str, Connection] = {}
        self._own: dict[str, Connection | None] = dict.fromkeys(alone)
        self.statuses = 0
        """Status messages sent, the wills of the dead included."""

    def open(self, boots: dict[str, int]) -> None:
        """Connect everything; `boots`: the boot of each device that has a connection of its own."""
        for kind in sorted({device.kind for device in devices().values()}):
            self._shared[kind] = Connection(self._broker, f"{self._name}-{kind}").open()
        for device in self._own:
            self.revive(device, boots[device])

    def publish(self, device: Device, topic: str, payload: str, stop: threading.Event | None = None) -> None:
        """Send by the device's connection; what it made before it died (a copy, a held message) by its kind's."""
        connection = self._own.get(device.id) or self._shared[device.kind]
        connection.publish(topic, payload, stop=stop)

    def flush(self) -> None:
        """Wait until the broker has acknowledged everything."""
        for connection in self._all():
            connection.flush()

    def online(self, boots: dict[str, int], at: int) -> None:
        """Every device says, retained, that it is there."""
        for device in devices().values():
            if device.status_topic is not None:
                self._say(device, boots[device.id], at)

    def kill(self, device: str) -> None:
        """The device dies: its connection breaks off without a goodbye."""
        connection, self._own[device] = self._own[device], None
        if connection is not None:
            connection.flush()
            connection.die()
            self.statuses += 1

    def revive(self, device: str, boot: int) -> None:
        """The device is there again, with a new will."""
        found = devices()[device]
        assert found.status_topic is not None, f"{device} has no status, so it can have no will"
        will = f'{{"boot":{boot},"state":"offline","will":true}}'
        self._own[device] = Connection(self._broker, f"{self._name}-{device}", (found.status_topic, will)).open()
        self._say(found, boot, clock.now())

    def close(self) -> None:
        """Say goodbye everywhere; no device is told to be offline, since the platform stops as well."""
        for connection in self._all():
            connection.close()

    def _say(self, device: Device, boot: int, at: int) -> None:
        connection = self._own.get(device.id) or self._shared[device.kind]
        text = f'{{"time":"{clock.text(at, places.ZONE)}","boot":{boot},"state":"online"}}'
        assert device.status_topic is not None
        connection.publish(device.status_topic, text, retain=True)
        self.statuses += 1

    def _all(self) -> list[Connection]:
        return [*self._shared.values(), *(own for own in self._own.values() if own is not None)]


def may_die(faults: Iterable[Fault]) -> list[str]:
    """The devices that need a connection of their own."""
    return sorted({fault.device for fault in faults if fault.kind == "crash"})
