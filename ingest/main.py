"""The ingest role: settings to a running bridge."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from compound.events import HISTORY, Event, history_id, to_record
from compound.health import serve
from compound.keys import Keys, Months
from compound.log.open import open_patiently
from compound.log.port import Log, Record
from compound.mqtt import broker_of
from compound.settings import Settings
from compound.timeutil import text
from ingest.bridge import Bridge
from ingest.connection import Connection, Session
from ingest.decoders import formats
from ingest.intake import Intake
from ingest.load import Load
from ingest.mailbox import Mailbox
from ingest.metrics import Metrics
from ingest.quarantine import Quarantine
from ingest.tokens import Tokens

ALIVE = "ingest.alive.v1"
SHARE: Final = "compound"
"""Name of the shared subscription of several workers where COMPOUND_MQTT_SHARE says none."""
EMPTY_S: Final = 2.0
"""A session that was given up is empty when nothing has come of it for so long."""


def now() -> int:
    """Ingest's clock: microseconds UTC."""
    return time.time_ns() // 1000


def run(settings: Settings, stop: threading.Event) -> None:
    """Take messages into the log until `stop`, then drain. Raises SettingsError, LogMisplaced.

    Until the log can be reached the broker keeps what is sent.
    """
    log = open_patiently(settings, stop, "ingest")
    if log is None:
        return
    try:
        bridge(settings, log, stop)
    finally:
        log.close()


def bridge(settings: Settings, log: Log, stop: threading.Event) -> None:
    """The same with a log that is already open."""
    metrics = Metrics()
    _, made, load = _assemble(settings, log, metrics, for_good=False)
    ended = threading.Event()
    listening = threading.Thread(target=load.run, args=(ended,), name="load")
    with serve(settings.ingest_metrics_port, metrics.registry, made.missing):
        listening.start()
        try:
            made.run(stop)
        finally:
            ended.set()
            listening.join()


def leave(settings: Settings, log: Log, stop: threading.Event) -> bool:
    """Give this client id's shared subscription up, take what the broker still holds for it, and end its session.

    Whether there was such a session. Until the broker answers it is waited for.
    """
    connection, made, _ = _assemble(settings, log, Metrics(), for_good=True)
    enough = threading.Event()

    def watch() -> None:
        while not (stop.wait(0.1) or connection.known is False or connection.idle_s > EMPTY_S):
            pass
        enough.set()

    watching = threading.Thread(target=watch, name="leaving")
    watching.start()
    try:
        made.run(enough)
    finally:
        watching.join()
    return bool(connection.known)


def _assemble(settings: Settings, log: Log, metrics: Metrics, *, for_good: bool) -> tuple[Connection, Bridge, Load]:
    mailbox = Mailbox()
    keys, months = Keys(settings.keys), Months(ZoneInfo(settings.site_timezone), settings.reset_hour)
    known = formats(Tokens(keys, months).token)
    session = Session(
        client_id=settings.mqtt_client_id,
        filters=[] if for_good else [_shared(each.filter, settings.mqtt_share) for each in known],
        former=[_shared(each.filter, _former_share(settings.mqtt_share, for_good)) for each in known],
        in_flight=settings.ingest_in_flight,
        expiry_s=settings.mqtt_session_expiry_s,
        keepalive_s=settings.mqtt_keepalive_s,
        gather_s=settings.ingest_gather_ms / 1000,
    )
    broker = broker_of(settings)
    connection = Connection(broker, session, mailbox, metrics)
    load = Load(broker, settings.mqtt_client_id, settings.mqtt_queue, metrics)
    intake = Intake(
        formats=known,
        quarantine=Quarantine(keys, months),
        metrics=metrics,
        clock=now,
        future_s=settings.ingest_future_s,
    )
    made = Bridge(
        connection=connection,
        mailbox=mailbox,
        log=log,
        intake=intake,
        metrics=metrics,
        alive=heartbeats(settings.mqtt_client_id, load),
        load=load,
        batch=settings.ingest_batch,
        heartbeat_s=settings.ingest_heartbeat_s,
        drain_s=settings.ingest_drain_s,
    )
    return connection, made, load


def heartbeats(client_id: str, load: Load) -> Callable[[], Record]:
    """Makes `ingest.alive.v1`: this ingest is subscribed at the broker and the log takes what it gets.

    Where the broker says how much it holds, that stands in it: `waiting` messages of `most` (0: any number).
    """
    began = now()

    def alive() -> Record:
        time = now()
        data: dict[str, object] = {"ingest": client_id, "since": text(began)}
        if (waiting := load.waiting) is not None:
            data |= {"waiting": waiting, "most": load.most}
        event = Event(
            id=history_id(ALIVE, client_id, time),
            source=f"ingest/{client_id}",
            type=ALIVE,
            time=time,
            subject=client_id,
            data=msgspec.json.encode(data),
        )
        return to_record(HISTORY, event)

    return alive


def _former_share(share: str, for_good: bool) -> str:
    """The share of the subscriptions to be given up: our own for good, or those of the other number of workers."""
    if for_good:
        return share or SHARE
    return "" if share else SHARE


def _shared(topic_filter: str, group: str) -> str:
    return f"$share/{group}/{topic_filter}" if group else topic_filter
