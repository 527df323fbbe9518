"""Who may ask: on loopback everyone of this machine; elsewhere, and wherever a token file is set, who has the token."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import UNAUTHORIZED, WRONG_HOST, Problem, answer
from compound.settings import Settings, SettingsError, secret

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a request; a registry file of some ten thousand items fits."""
OPEN: Final = frozenset({"/health/live", "/health/ready"})
"""Addresses that need no token: a supervisor's probes, which tell nothing of the compound."""


def token(settings: Settings) -> str | None:
    """The token that is asked for, None for none. Raises SettingsError where the API may not start so."""
    if settings.api_token_file is not None:
        return secret(settings.api_token_file)
    if not loopback(settings.api_host):
        raise SettingsError(
            f"COMPOUND_API_HOST is {settings.api_host}, not loopback: set COMPOUND_API_TOKEN_FILE to a file with a"
            " token, or listen on 127.0.0.1."
        )
    return None


def loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. A name counts only if it is localhost."""
    host = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """ASGI middleware. With a token: asks for it. Without: refuses requests that a web page sent under a foreign name
    to this machine (DNS rebinding), by their Host.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode() if token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._refuse(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await answer(Request(scope), problem)(scope, receive, send)

    def _refuse(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        if self._wanted is None:
            host = headers.get("host", "localhost")
            if loopback(host if host.endswith("]") else host.rsplit(":", 1)[0]):
                return None
            return Problem(WRONG_HOST, "This API answers on loopback only: ask for it as 127.0.0.1 or localhost.")
        if scope["path"] in OPEN:
            return None
        given = headers.get("authorization", "").encode()
        if hmac.compare_digest(given, self._wanted):
            return None
        return Problem(
            UNAUTHORIZED,
            "Send the API's token as `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class Limited:
    """ASGI middleware: a request's body ends at `MAX_BODY`, whatever its Content-Length says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
