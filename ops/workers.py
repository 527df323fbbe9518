"""`--workers N`: several processes of one role. They are kept running, and end together.

Nothing but settings tells them apart, so the same can be said on several machines: they share Kafka's partitions, or
the book's, by their groups, and the broker's messages by a shared subscription.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence

import structlog

from compound.log.open import open_patiently
from compound.settings import Settings
from ingest.main import SHARE, leave
from ops.up.supervisor import Role, Supervisor

_WATCH_S = 0.3
_GRACE_S = 20.0


def roles(command: str, args: Sequence[str], count: int, settings: Settings) -> list[Role]:
    """The `count` workers of a role: `compound COMMAND ARGS`, each with its own settings."""
    grace = _GRACE_S + (settings.ingest_drain_s if command == "ingest" else 0)
    return [
        Role(
            f"{command}-{number}",
            [command, *args],
            grace,
            env=own_settings(command, number, count, settings),
            group=command,
        )
        for number in range(1, count + 1)
    ]


def own_settings(command: str, number: int, count: int, settings: Settings) -> Mapping[str, str]:
    """What worker `number` (from 1) of `count` has for itself: its port of metrics and, of ingest, its session.

    The first keeps what is set, so that going from one worker to several leaves no session behind at the broker.
    """
    own: dict[str, str] = {}
    port = getattr(settings, f"{command}_metrics_port", 0)
    if port:
        own[f"COMPOUND_{command.upper()}_METRICS_PORT"] = str(port + number - 1)
    if command == "ingest" and count > 1:
        own["COMPOUND_MQTT_SHARE"] = settings.mqtt_share or SHARE
        if number > 1:
            own["COMPOUND_MQTT_CLIENT_ID"] = f"{settings.mqtt_client_id}-{number}"
    return own


def run(command: str, args: Sequence[str], count: int, settings: Settings, stop: threading.Event) -> None:
    """Run `count` workers until `stop`; then all drain at once. A worker dies with this process, and is started again
    with growing pauses when it ends by itself.
    """
    out = structlog.get_logger("workers")
    supervisor = Supervisor(os.environ, None, out.warning)
    try:
        for role in roles(command, args, count, settings):
            supervisor.start(role)
        if command == "ingest":
            supervisor.start(Role("ingest-leaving", ["ingest", "--leave-from", str(count + 1)]))
        while not stop.wait(_WATCH_S):
            supervisor.watch()
    finally:
        supervisor.stop()


def leave_sessions(first: int, settings: Settings, stop: threading.Event) -> None:
    """End the sessions of ingest's workers from number `first` on, as far as there are any, and take what they hold.

    A broker may go on to give a share of the messages to a member that is away, so one that won't come back must leave.
    """
    log = open_patiently(settings, stop, "ingest")
    if log is None:
        return
    try:
        number = first
        while not stop.is_set() and leave(_as_worker(number, settings), log, stop):
            structlog.get_logger("workers").info("left for good", worker=number)
            number += 1
    finally:
        log.close()


def _as_worker(number: int, settings: Settings) -> Settings:
    return settings.model_copy(update={"mqtt_client_id": f"{settings.mqtt_client_id}-{number}"})
