"""From observations to messages: boot and seq, and what happens to a message between the device and ingest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from simulators.clock import MINUTE
from simulators.faults.scenario import Fault
from simulators.wire import Message
from simulators.world.happened import Observation


class Number(msgspec.Struct):
    """A device's start and the number of its next message."""

    boot: int = 1
    seq: int = 0


def boots(starts: list[int], crashes: Iterable[Fault]) -> list[int]:
    """The instants at which a device starts anew: with every session but the first, and after each crash."""
    return sorted(starts[1:] + [fault.end for fault in crashes])


def transmit(
    device: str, observations: list[Observation], faults: list[Fault], restarts: list[int], number: Number
) -> list[Message]:
    """The day's messages of `device`, unsorted; `number` moves on.

    `restarts`: all instants of its starts after the first. A message whose `send` is None is lost; one whose `shown`
    is not its `time` was stamped by a wrong clock; one that stands twice is a duplicate.
    """
    messages: list[Message] = []
    plain = not faults
    for time, channel, body in observations:
        if not plain and _unmade(faults, time, channel):
            continue
        boot = 1 + sum(1 for restart in restarts if restart <= time)
        if boot != number.boot:
            number.boot, number.seq = boot, 0
        message = Message(time, device, channel, time, time, boot, number.seq, body)
        number.seq += 1
        if plain:
            messages.append(message)
        else:
            messages += _through(message, faults)
    return messages


def _unmade(faults: list[Fault], time: int, channel: str) -> bool:
    """Whether a crash or a dead channel keeps the message from being made at all: it takes no number."""
    return any(
        fault.start <= time < fault.end and (fault.kind == "crash" or fault.channel == channel) for fault in faults
    )


def _through(message: Message, faults: list[Fault]) -> list[Message]:
    copies = [message]
    for fault in faults:
        if fault.start <= message.time < fault.end:
            copies = [changed for copy in copies for changed in _affect(copy, fault)]
    return copies


def _affect(message: Message, fault: Fault) -> list[Message]:
    match fault.kind:
        case "lost":
            return [message._replace(send=None)]
        case "offline":
            return [message._replace(send=fault.end)]
        case "duplicates":
            return [message, message._replace(send=message.time + 5 * MINUTE)]
        case "shuffled":
            return [message._replace(send=message.time + _chance(message, fault.end - message.time))]
        case "clock":
            return [message._replace(shown=message.time + _offset(fault.more, message.time))]
        case _:
            return [message]


def _offset(more: dict[str, Any], time: int) -> int:
    """How far off the clock is: `days` ahead (or behind), or reset to the epoch given in µs and counting from there."""
    if "days" in more:
        return int(more["days"]) * 86_400_000_000
    return int(more["minutes"]) * MINUTE


def _chance(message: Message, width: int) -> int:
    """A number in [0, width) that depends on the message alone."""
    text = f"{message.device}/{message.boot}/{message.seq}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") % max(width, 1)
