"""The archiver's role: settings to a running archiver."""

from __future__ import annotations

import threading

from compound.archive.archiver import Archiver
from compound.archive.metrics import Metrics
from compound.events import TOPICS
from compound.health import serve
from compound.log.kafka import KafkaLog
from compound.log.open import open_patiently
from compound.settings import Settings, SettingsError


def run(settings: Settings, stop: threading.Event) -> None:
    """Copy Kafka's records into the book until `stop`. Raises SettingsError, LogMisplaced, ArchiveStopped."""
    if not settings.log_url.startswith("kafka://"):
        raise SettingsError(
            "COMPOUND_LOG_URL names no Kafka (kafka://host:port): the database's own log is the book, nothing is to be archived."
        )
    log = open_patiently(settings, stop, "archiver")
    if log is None:
        return
    assert isinstance(log, KafkaLog)
    metrics = Metrics()
    archiver = Archiver(log, settings.database_url, TOPICS, settings.kafka_retention_days, metrics)
    try:
        with serve(settings.archiver_metrics_port, metrics.registry, archiver.missing):
            archiver.run(stop)
    finally:
        log.close()
