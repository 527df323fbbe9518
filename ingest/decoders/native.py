"""The house's own format: `compound/v1/{site}/{kind}/{device}/{channel}`, one JSON object or an array of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import UNSET

from compound.timeutil import micros
from ingest.decoders.arrays import Judge, each
from ingest.decoders.base import Decode, Malformed, Observed, Place, out_of_time
from ingest.decoders.schema import CHANNELS, Data

ID = r"[A-Za-z0-9._-]{1,64}"
_TOPIC = re.compile(rf"compound/v1/{ID}/(?P<kind>[a-z]+)/(?P<device>{ID})/(?P<channel>[a-z]+)")

Token = Callable[[str, str, int], str]
"""(category, value, time) to what stands in the log instead of the value."""


class Native:
    """The contract of docs/mqtt-contract.md. Event data is the element as it came, byte for byte, except where
    personal data in it is replaced by a token.
    """

    filter = "compound/v1/#"

    def __init__(self, token: Token) -> None:
        self._token = token
        self._decoders = {payload: msgspec.json.Decoder(payload) for payload in CHANNELS.values()}

    def open(self, topic: str) -> Decode | Malformed:
        found = _TOPIC.fullmatch(topic)
        payload = found and CHANNELS.get((found["kind"], found["channel"]))
        if not found or not payload:
            return Malformed("no such topic")
        kind, channel = found["kind"], found["channel"]
        event = "device.status.v1" if channel == "status" else f"{kind}.{channel}.v1"
        place = Place(log=kind, topic=topic, kind=event, subject=found["device"])
        return partial(each, judge=self._judge(place, self._decoders[payload], payload))

    def _judge(self, place: Place, decoder: msgspec.json.Decoder[Data], payload: type[Data]) -> Judge:
        decode, personal = decoder.decode, payload.personal

        def judge(element: bytes, latest: int) -> Observed | Malformed:
            said = decode(element)
            fault = said.fault()
            if fault:
                return Malformed("says nothing", fault)
            # what a will gives as its time is that of the connection it was written at
            if said.time is UNSET or getattr(said, "will", False):
                return Observed(place, element, None, element)
            time = micros(said.time)
            late = out_of_time(time, latest)
            if late:
                return late
            if personal:
                element = self._tokenised(said, personal, time, element)
            return Observed(place, element, time, element)

        return judge

    def _tokenised(self, said: Data, personal: tuple[tuple[str, str], ...], time: int, element: bytes) -> bytes:
        """`element` with tokens for what is personal in it. Id and data are made of this: the raw number is gone."""
        held = [(field, category) for field, category in personal if getattr(said, field) is not UNSET]
        if not held:
            return element
        for field, category in held:
            setattr(said, field, self._token(category, getattr(said, field), time))
        return msgspec.json.encode(said)
