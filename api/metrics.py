"""The API's metrics (their names are the kernel's), and the middleware that counts requests by route."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compound import metrics


class Metrics:
    """The API's metrics in a registry of their own (one an app: tests make many)."""

    def __init__(self) -> None:
        self.registry = registry = metrics.registry()
        self.requests = metrics.API_REQUESTS.made(registry)
        self.seconds = metrics.API_REQUEST_SECONDS.made(registry)
        self.streams = metrics.API_STREAMS.made(registry)
        self.changes = metrics.API_CHANGES.made(registry)
        self.connections = metrics.API_CONNECTIONS.made(registry)
        self.lag = metrics.LAG_RECORDS.made(registry)
        self.archive_records = metrics.ARCHIVE_LAG_RECORDS.made(registry)
        self.archive_seconds = metrics.ARCHIVE_LAG_SECONDS.made(registry)
        self.archive_share = metrics.ARCHIVE_RETENTION_SHARE.made(registry)
        self.archive_alarms = metrics.ARCHIVE_ALARMS.made(registry)
        self.database = metrics.API_DATABASE_UP.made(registry)


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
