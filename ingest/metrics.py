"""Ingest's metrics; their names are the kernel's."""

from __future__ import annotations

from compound import metrics


class Metrics:
    """One set of metrics, in a registry of its own so that several ingests may live in one process (tests)."""

    def __init__(self) -> None:
        self.registry = registry = metrics.registry()
        self.received = metrics.INGEST_RECEIVED.made(registry)
        self.acknowledged = metrics.INGEST_ACKNOWLEDGED.made(registry)
        self.appended = metrics.INGEST_APPENDED.made(registry)
        self.quarantined = metrics.INGEST_QUARANTINED.made(registry)
        self.in_flight = metrics.INGEST_IN_FLIGHT.made(registry)
        self.append = metrics.INGEST_APPEND_SECONDS.made(registry)
        self.batch = metrics.INGEST_BATCH_RECORDS.made(registry)
        self.connections = metrics.INGEST_CONNECTIONS.made(registry)
        self.connected = metrics.INGEST_CONNECTED.made(registry)
        self.broker_messages = metrics.INGEST_BROKER_MESSAGES.made(registry)
        self.broker_share = metrics.INGEST_BROKER_SHARE.made(registry)
        self.log_waits = metrics.INGEST_LOG_UNAVAILABLE.made(registry)
