"""The archiver's metrics; their names are the kernel's."""

from __future__ import annotations

from compound import metrics


class Metrics:
    """One set of metrics, in a registry of its own so that several archivers may live in one process (tests)."""

    def __init__(self) -> None:
        self.registry = registry = metrics.registry()
        self.records = metrics.ARCHIVER_RECORDS.made(registry)
        self.seconds = metrics.ARCHIVER_BATCH_SECONDS.made(registry)
        self.behind = metrics.ARCHIVER_LAG.made(registry)
        self.oldest = metrics.ARCHIVER_LAG_SECONDS.made(registry)
        self.share = metrics.ARCHIVER_RETENTION_SHARE.made(registry)
