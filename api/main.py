"""The role `api`: the HTTP server until it is told to stop."""

from __future__ import annotations

import signal
import socket
import sys

import structlog
import uvicorn

from api.app import create_app
from api.stream import Hub
from compound.known import Recall
from compound.settings import Settings, SettingsError

GRACE_S = 5
"""Seconds that running requests get at the end."""

log = structlog.get_logger("api")


class Server(uvicorn.Server):
    """uvicorn, which lets go of the live streams first: it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self.hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then what uvicorn ends."""
        self.hub.close()
        await super().shutdown(sockets)


def server(settings: Settings, recall: Recall | None = None) -> Server:
    """The server on these settings, not yet running. Raises SettingsError where it may not listen so."""
    app = create_app(settings, recall=recall)
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
    )
    return Server(config, app.state.services.hub)


def listen(settings: Settings) -> socket.socket:
    """The socket that is served. Raises SettingsError where the address can't be listened on."""
    family = socket.AF_INET6 if ":" in settings.api_host else socket.AF_INET
    try:
        return socket.create_server((settings.api_host.strip("[]"), settings.api_port), family=family, backlog=256)
    except OSError as error:
        where = f"{settings.api_host} and COMPOUND_API_PORT is {settings.api_port}"
        raise SettingsError(f"COMPOUND_API_HOST is {where}: {error.strerror}.") from None


def run(settings: Settings, recall: Recall | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then end with exit code 0. Raises SettingsError where it may or can not listen so."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # before uvicorn's own, and when it raises the signal again
    made = server(settings, recall)
    with listen(settings) as listening:
        host, port, *_ = listening.getsockname()
        log.info("api listens", host=host, port=port, token=settings.api_token_file is not None)
        made.run(sockets=[listening])
