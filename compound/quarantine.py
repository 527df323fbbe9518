"""Quarantine: what ingest could not read stands in the topic `quarantine`, with its reason, encrypted.

Shared by ingest, which seals, and by the API and the command line, which show and retry. Retrying sends the message
again to the MQTT topic it came from: there is one way in, and ingest judges it anew.
"""

from __future__ import annotations

import base64
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from compound.events import QUARANTINE, Event
from compound.keys import KeyLost, Keys

MESSAGE: Final = "quarantine.message.v1"
RETRY: Final = "quarantine.retry.v1"
MOST_BYTES: Final = 16 * 1024
"""Longest payload that is kept whole; it is the contract's limit too."""


class Quarantined(msgspec.Struct, omit_defaults=True, frozen=True):
    """Data of `quarantine.message.v1`.

    `topic` is named only where it follows the contract (another may hold anything). `index` is the place in the
    payload's array. `sealed` is base64; what is longer than 16 KiB is cut, and then can't be retried.
    """

    reason: str
    received: str
    size: int
    month: str
    sealed: str
    topic: str | None = None
    detail: str | None = None
    index: int | None = None
    cut: bool = False


class Retry(msgspec.Struct, frozen=True):
    """Data of the command `quarantine.retry.v1`: who had which quarantined message sent again."""

    id: str
    who: str


def seal(keys: Keys, month: str, topic: str, payload: bytes) -> tuple[str, str]:
    """Encrypt a message under the month's key: (id, base64 text).

    AES-SIV is deterministic, and its synthetic initial value depends on key, topic and payload: so a redelivered
    message gets the same id, and nobody without the key can guess a payload from the id.
    """
    sealed = AESSIV(keys.get(QUARANTINE, month)).encrypt(topic.encode() + b"\0" + payload, None)
    return sealed[:16].hex(), base64.b64encode(sealed).decode()


def unseal(keys: Keys, message: Quarantined) -> tuple[str, bytes]:
    """Topic and payload of a quarantined message. Raises KeyLost when its month's key is gone or another."""
    key = keys.find(QUARANTINE, message.month)
    try:
        plain = AESSIV(key).decrypt(base64.b64decode(message.sealed), None)
    except InvalidTag:
        raise KeyLost(f"the key of {QUARANTINE} in {message.month} is not the one it was sealed with") from None
    topic, _, payload = plain.partition(b"\0")
    return topic.decode(), payload


def retry_command(identity: str, who: str, now: int) -> Event:
    """The command that goes into topic `commands` beside sending the message again. `now`: microseconds UTC."""
    return Event(
        id=f"{identity}-{now}",
        source="quarantine",
        type=RETRY,
        time=now,
        subject=identity,
        data=msgspec.json.encode(Retry(id=identity, who=who)),
    )
