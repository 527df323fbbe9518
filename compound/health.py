"""A role's metrics and health over HTTP, on loopback only: /metrics, /health/live, /health/ready."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from compound.settings import SettingsError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serve(port: int, metrics: CollectorRegistry, missing: Callable[[], str | None]) -> Iterator[int]:
    """Answer on 127.0.0.1:`port` while the block runs; 0: not at all. Yields the port. Raises SettingsError where it is taken.

    `missing`: what keeps the role from its work, in one sentence; None while it is ready.
    """
    if not port:
        yield 0
        return
    measured = make_wsgi_app(metrics)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            found: Iterable[bytes] = measured(environ, start)
            return found
        if path not in ("/health/live", "/health/ready"):
            start("404 Not Found", [_TEXT])
            return [b"no such page\n"]
        why = missing() if path == "/health/ready" else None
        start("200 OK" if why is None else "503 Service Unavailable", [_TEXT])
        return [f"{why or 'yes'}\n".encode()]

    try:
        made = make_server("127.0.0.1", port, answer, handler_class=_Quiet)
    except OSError as error:
        raise SettingsError(
            f"Port {port}, set for metrics and health, can't be listened on: {error.strerror}."
        ) from None
    with made as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
