"""The consumer of the registry topic: projects changes under the exclusive lock, so that no fold sees half of one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from compound.events import REGISTRY, Received
from compound.registry.projection import project
from compound.settings import Settings
from compound.store.db import Lock
from processors.runtime.domain import Tx

_out = structlog.get_logger(domain=REGISTRY)


class RegistryDomain:
    """Projects registry events into the schema `registry`; nothing more (the owners of subjects derive them again)."""

    name = "registry"
    topics: tuple[str, ...] = (REGISTRY,)

    def apply(self, tx: Tx, events: Sequence[Received]) -> None:
        """Project a batch. An event that is no valid change stays in the log and is reported, it changes nothing."""
        tx.conn.execute("SELECT pg_advisory_xact_lock(%s, 0)", (int(Lock.REGISTRY),))
        for received in events:
            try:
                with tx.conn.transaction():
                    if project(tx.conn, received):
                        tx.changed.add(("registry", received.event.subject))
            except (ValueError, msgspec.MsgspecError) as error:
                _out.error("not projected", offset=received.offset, error=str(error))

    def rederive(self, tx: Tx, devices: Sequence[tuple[str, int]]) -> None:
        """The registry derives nothing from devices."""

    def tick(self, tx: Tx) -> bool:
        """Nothing passes with time."""
        return False

    def forget(self) -> None:
        """Nothing is held."""


def create(settings: Settings) -> RegistryDomain:
    """The registry's projection."""
    return RegistryDomain()
