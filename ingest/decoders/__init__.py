"""Decoders: a vendor's topics and payloads to the house's events. A new one is a class with `filter` and `open`."""

from __future__ import annotations

from ingest.decoders.base import Format
from ingest.decoders.dlt645 import Dlt645
from ingest.decoders.native import Native, Token
from ingest.decoders.sunspec import SunSpec


def formats(token: Token) -> list[Format]:
    """All formats ingest reads."""
    return [Native(token), Dlt645(), SunSpec()]
