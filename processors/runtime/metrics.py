"""The metrics of a processors' process; their names are the kernel's."""

from __future__ import annotations

from typing import Final

from compound import metrics

REGISTRY: Final = metrics.registry()

EVENTS = metrics.PROCESSOR_EVENTS.made(REGISTRY)
UNREADABLE = metrics.PROCESSOR_UNREADABLE.made(REGISTRY)
LAG = metrics.PROCESSOR_LAG.made(REGISTRY)
BATCH_SECONDS = metrics.PROCESSOR_BATCH_SECONDS.made(REGISTRY)
WAITING = metrics.PROCESSOR_WAITING.made(REGISTRY)
FENCES_LOST = metrics.PROCESSOR_FENCES_LOST.made(REGISTRY)
OUTBOX = metrics.OUTBOX_ROWS.made(REGISTRY)
