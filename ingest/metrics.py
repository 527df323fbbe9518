"""Names and meanings of ingest's metrics (Prometheus)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One set of metrics, in a registry of its own so that several ingests may live in one process (tests)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter("ingest_messages_received", "MQTT messages received", registry=self.registry)
        self.acknowledged = Counter(
            "ingest_messages_acknowledged", "MQTT messages acknowledged to the broker", registry=self.registry
        )
        self.appended = Counter("ingest_records_appended", "Records the log holds", ["topic"], registry=self.registry)
        self.quarantined = Counter(
            "ingest_records_quarantined", "Records put into quarantine", ["reason"], registry=self.registry
        )
        self.in_flight = Gauge("ingest_in_flight", "Messages received and not yet acknowledged", registry=self.registry)
        self.append = Histogram(
            "ingest_append_seconds",
            "Time until the log held a batch",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 30),
            registry=self.registry,
        )
        self.batch = Histogram(
            "ingest_batch_records",
            "Records in an appended batch",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            registry=self.registry,
        )
        self.connections = Counter("ingest_connections", "Connections made to the broker", registry=self.registry)
        self.connected = Gauge("ingest_connected", "1 while subscribed at the broker", registry=self.registry)
        self.log_waits = Counter(
            "ingest_log_unavailable", "Attempts to append that the log could not take", registry=self.registry
        )
