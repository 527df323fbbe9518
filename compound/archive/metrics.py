"""Names and meanings of the archiver's metrics (Prometheus)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One set of metrics, in a registry of its own so that several archivers may live in one process (tests)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter(
            "compound_archiver_records", "Records copied into the book", ["topic"], registry=self.registry
        )
        self.seconds = Histogram("compound_archiver_batch_seconds", "Time of one transaction", registry=self.registry)
        self.behind = Gauge(
            "compound_archiver_lag_records",
            "Records of our partitions that are not in the book",
            registry=self.registry,
        )
        self.oldest = Gauge(
            "compound_archiver_lag_seconds", "Age of the oldest of them, 0 when there is none", registry=self.registry
        )
        self.share = Gauge(
            "compound_archiver_retention_share",
            "That age as a share of Kafka's retention; from 1 on Kafka may drop what is not in the book",
            registry=self.registry,
        )
