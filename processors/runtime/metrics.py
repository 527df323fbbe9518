"""Prometheus metrics of the processors: names in one place."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("compound_processor_events_total", "Events taken in by a domain.", ["domain"])
UNREADABLE = Counter("compound_processor_unreadable_total", "Records that are no event.", ["domain"])
LAG = Gauge("compound_processor_lag", "Records not yet taken in.", ["domain", "topic", "partition"])
BATCH_SECONDS = Histogram("compound_processor_batch_seconds", "Time of one transaction.", ["domain"])
OUTBOX = Gauge("compound_outbox_rows", "History waiting for the log.")
