"""The log that the settings name."""

from __future__ import annotations

import threading
from typing import Final

import structlog

from compound.events import DEVICE_TOPICS, TOPICS
from compound.log.port import Log, LogUnavailable
from compound.log.postgres import PostgresLog
from compound.settings import Settings

LONGEST_WAIT_S: Final = 5.0
"""Between two attempts to reach the log."""


def open_log(url: str, database_url: str | None, partitions: int, session: float = 20.0) -> Log:
    """The log at `url` with all topics of the house made: `kafka://host:port[,host:port]`, or `postgresql://…`, which
    empty stands for `database_url`.

    `partitions` is how many a device topic gets when it is made; the others have one. With Kafka the database may be
    away, or None: then appending works, and addresses carry generation 0 until it is known.
    `session`: seconds after which a reader that was stopped loses its partitions.
    Raises LogUnavailable, ValueError on another kind of URL, LogMisplaced.
    """
    topics = {topic: partitions if topic in DEVICE_TOPICS else 1 for topic in TOPICS}
    if url.startswith("kafka://"):
        from compound.log.kafka import KafkaLog  # only where it is used: the client library is large

        kafka = KafkaLog(url.removeprefix("kafka://").rstrip("/"), database_url, session=session)
        kafka.ensure_topics(topics)
        return kafka
    if (url or database_url or "").startswith(("postgresql://", "postgres://")):
        log = PostgresLog(url or database_url or "", session=session)
        log.ensure_topics(topics)
        return log
    raise ValueError("the log's URL starts with kafka:// or postgresql://")


def open_patiently(settings: Settings, stop: threading.Event, role: str) -> Log | None:
    """The log that the settings name, as soon as it can be reached; None after `stop`. Raises ValueError, LogMisplaced."""
    wait = 0.1
    while not stop.is_set():
        try:
            return open_log(settings.log_url, settings.database_url, settings.log_partitions, settings.session_s)
        except LogUnavailable as error:
            structlog.get_logger(role).warning("log unavailable, waiting for it", error=str(error))
        stop.wait(wait)
        wait = min(2 * wait, LONGEST_WAIT_S)
    return None
