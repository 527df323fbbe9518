"""A role's metrics and health over HTTP, on loopback only: /metrics, /health/live, /health/ready."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serve(port: int, metrics: CollectorRegistry, ready: Callable[[], bool]) -> Iterator[int]:
    """Answer on 127.0.0.1:`port` while the block runs; 0: not at all. Yields the port."""
    if not port:
        yield 0
        return
    measured = make_wsgi_app(metrics)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            found: Iterable[bytes] = measured(environ, start)
            return found
        good = path == "/health/live" or (path == "/health/ready" and ready())
        known = path.startswith("/health/")
        status = "200 OK" if good else "503 Service Unavailable" if known else "404 Not Found"
        start(status, [("Content-Type", "text/plain")])
        return [b"yes\n" if good else b"no\n"]

    with make_server("127.0.0.1", port, answer, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
