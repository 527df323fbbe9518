"""The MQTT side of a device: its topics, a message's text, and arrays of at most 16 KiB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from simulators import clock
from simulators.demo import places
from simulators.demo.meters import METERS

LIMIT = 16 * 1024
"""Bytes that a payload may have (contract)."""


class Message(NamedTuple):
    """One object on its way. `shown` is what the device's clock said at `time`; `send` None: it never gets out."""

    send: int | None
    device: str
    channel: str
    time: int
    shown: int
    boot: int
    seq: int
    body: str


@dataclass(frozen=True)
class Device:
    """A device as MQTT sees it."""

    id: str
    kind: str
    wire: Literal["native", "dlt645", "sunspec"] = "native"

    def topic(self, channel: str) -> str:
        """Where the device publishes on `channel`."""
        if self.wire == "dlt645":
            return f"dlt645/v1/{places.SITE}/{places.DLT645_GATEWAY}/data"
        if self.wire == "sunspec":
            return f"sunspec/v1/{places.SITE}/{self.id}/data"
        return f"compound/v1/{places.SITE}/{self.kind}/{self.id}/{channel}"

    @property
    def status_topic(self) -> str | None:
        """Where its retained status stands; only native devices have one."""
        return self.topic("status") if self.wire == "native" else None


@cache
def devices() -> dict[str, Device]:
    """All devices of the demo compound."""
    found = [Device(meter.device, "meter", meter.wire) for meter in METERS]
    found += [
        Device(device, "inverter", "sunspec" if device == places.SUNSPEC else "native") for device in places.INVERTERS
    ]
    found += [Device(places.WEATHER, "weather")]
    found += [Device(door, "gate") for door in places.DOORS]
    found += [Device(bank, "locker") for bank in places.BANKS]
    found += [Device(spot, "parking") for spot in places.SPOTS]
    return {device.id: device for device in found}


def text(message: Message, device: Device) -> str:
    """The JSON object; the same message always has the same text, hence the same event id."""
    stamp = clock.text(message.shown, places.ZONE)
    address = f'"addr":"{message.device}",' if device.wire == "dlt645" else ""
    return f'{{{address}"time":"{stamp}","boot":{message.boot},"seq":{message.seq},{message.body}}}'


def single(message: Message) -> tuple[str, str]:
    """(topic, payload) of a message sent by itself."""
    device = devices()[message.device]
    return device.topic(message.channel), _wrap(device, [text(message, device)], array=False)


def arrays(messages: Iterable[Message]) -> Iterator[tuple[str, str, list[Message]]]:
    """(topic, payload, its messages): messages of one topic, in the given order, as arrays within the limit."""
    waiting: dict[str, tuple[Device, list[str], list[Message], int]] = {}
    for message in messages:
        device = devices()[message.device]
        topic, one = device.topic(message.channel), text(message, device)
        size = len(one.encode()) + 1
        found = waiting.get(topic)
        if found is not None and found[3] + size > LIMIT:
            yield topic, _wrap(device, found[1], array=True), found[2]
            found = None
        if found is None:
            found = (device, [], [], 64)
        found[1].append(one)
        found[2].append(message)
        waiting[topic] = (*found[:3], found[3] + size)
    for topic, (device, texts, sent, _) in waiting.items():
        yield topic, _wrap(device, texts, array=True), sent


def _wrap(device: Device, texts: list[str], *, array: bool) -> str:
    if device.wire == "dlt645":
        return f'{{"gateway":"{places.DLT645_GATEWAY}","meters":[{",".join(texts)}]}}'
    return f"[{','.join(texts)}]" if array else texts[0]
