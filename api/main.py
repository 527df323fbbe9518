"""The role `api`: the HTTP server until it is told to stop."""

from __future__ import annotations

import socket

import structlog
import uvicorn

from api.app import create_app
from api.guard import loopback
from api.stream import Hub
from compound.settings import Settings

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


def server(settings: Settings) -> Server:
    """The server on these settings, not yet running. Raises SettingsError where it may not listen so."""
    app = create_app(settings)
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


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsError where it may not listen so."""
    made = server(settings)
    where = f"http://{'127.0.0.1' if loopback(settings.api_host) else settings.api_host}:{settings.api_port}"
    log.info("api listens", address=where, token=settings.api_token_file is not None)
    made.run()
