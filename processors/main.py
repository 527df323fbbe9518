"""The processors' role: a worker thread for each domain, the outbox's relay, and retention."""

from __future__ import annotations

import gc
import importlib
import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from compound.health import serve
from compound.log.open import open_patiently
from compound.log.port import Log
from compound.settings import Settings, SettingsError
from processors.retention import Retention
from processors.runtime import metrics
from processors.runtime.domain import Domain
from processors.runtime.outbox import Relay
from processors.runtime.worker import Worker

DOMAINS: Final = (
    "registry",
    "energy",
    "parking",
    "access",
    "parcels",
    "solar",
    "liveness",
    "alerts",
    "quotas",
    "quarantine",
    "platform",
)
"""All domains; each is a package `processors.NAME` with `create(settings) -> Domain`, the registry part of the runtime."""

AWAKE_S: Final = 0.5


def create(name: str, settings: Settings) -> Domain:
    """The domain called `name`. Raises SettingsError when there is none."""
    if name not in DOMAINS:
        raise SettingsError(f"There is no domain {name!r}; choose from {', '.join(DOMAINS)}.")
    package = "processors.runtime.registry" if name == "registry" else f"processors.{name}"
    make: Callable[[Settings], Domain] = importlib.import_module(package).create
    return make(settings)


def run(settings: Settings, stop: threading.Event, only: Sequence[str] = DOMAINS) -> None:
    """Run the domains in `only` until `stop`; a log that is away is waited for. Several processes may run the same ones:
    they share the partitions.

    Raises RuntimeError when a worker ends by an error that waiting can't mend; the supervisor starts the process again.
    """
    # A batch is tens of thousands of small objects without cycles: looking for cycles in them is a tenth of the time.
    gc.set_threshold(100_000, 20, 50)
    domains = [create(name, settings) for name in only]
    workers: list[Worker] = []

    def missing() -> str | None:
        if not workers:
            return "It waits for the log."
        waiting = [f"{worker.domain.name}: {worker.waiting}" for worker in workers if worker.waiting is not None]
        return "; ".join(waiting) or None

    with serve(settings.processors_metrics_port, metrics.REGISTRY, missing):
        log = open_patiently(settings, stop, "processors")
        if log is None:
            return
        workers += [Worker(domain, log, settings) for domain in domains]
        try:
            _run(workers, log, settings, stop)
        finally:
            log.close()


def _run(workers: Sequence[Worker], log: Log, settings: Settings, stop: threading.Event) -> None:
    failed: list[str] = []
    jobs = [(worker.domain.name, worker.run) for worker in workers]
    jobs += [job for worker in workers for job in getattr(worker.domain, "jobs", ())]
    jobs.append(("outbox", Relay(log, settings.database_url, settings.session_s).run))
    jobs.append(("retention", Retention(settings).run))
    threads = [threading.Thread(target=_guard, args=(job, name, stop, failed), name=name) for name, job in jobs]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        # Not for ever: a signal that another thread was given is seen only when this one wakes.
        stop.wait(AWAKE_S)
        if stop.is_set():
            for thread in threads:
                thread.join(AWAKE_S)
    if failed:
        raise RuntimeError(f"stopped by an error in: {', '.join(failed)}")


def _guard(job: Callable[[threading.Event], None], name: str, stop: threading.Event, failed: list[str]) -> None:
    """Run one worker; an error that it does not wait out is logged and ends the whole process, never one thread in silence."""
    try:
        job(stop)
    except Exception:  # noqa: BLE001 — whatever it is, it must not end one thread alone
        structlog.get_logger(domain=name).exception("worker failed")
        failed.append(name)
        stop.set()
