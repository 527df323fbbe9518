"""Prometheus metrics of the API: requests by route, live streams, database connections, the processors' lag."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Metrics:
    """The API's metrics in a registry of their own (one an app: tests make many)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "compound_api_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "compound_api_request_seconds",
            "Time to the end of the answer (live streams apart).",
            ("route",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
        self.streams = Gauge("compound_api_streams", "Clients of the live stream now.", registry=self.registry)
        self.changes = Counter(
            "compound_api_changes_total",
            "Changes received for the live stream.",
            ("domain",),
            registry=self.registry,
        )
        self.connections = Gauge(
            "compound_api_database_connections", "Database connections in use.", registry=self.registry
        )
        self.lag = Gauge(
            "compound_lag_records",
            "Records in the log that a domain has not read.",
            ("domain", "topic"),
            registry=self.registry,
        )
        self.database = Gauge(
            "compound_api_database_up", "Whether the database answered this scrape.", registry=self.registry
        )


class Measured:
    """ASGI middleware that counts and times requests by route (its template, so the number of series is bounded)."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(method, route, status).inc()
            if route != "/v1/stream":
                self._metrics.seconds.labels(route).observe(time.perf_counter() - began)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
