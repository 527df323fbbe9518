"""Entity tags: a GET that would answer what the client has already answers 304 without a body."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Etags:
    """ASGI middleware: every JSON answer (200) to a GET gets an ETag of its body and `no-cache` (keep, but ask again).

    Streams and other types pass untouched: only an answer in one piece is looked at.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        wanted = Headers(scope=scope).get("if-none-match", "")
        start: Message = {}

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if not _tagged(start):
                    await send(message)
            elif message["type"] == "http.response.body" and _tagged(start) and not message.get("more_body", False):
                await self._answer(start, message, wanted, send)
            else:
                await send(message)

        await self._app(scope, receive, tagged)

    async def _answer(self, start: Message, message: Message, wanted: str, send: Send) -> None:
        headers = MutableHeaders(raw=start["headers"])
        tag = f'"{hashlib.blake2b(message["body"], digest_size=12).hexdigest()}"'
        headers["ETag"] = tag
        headers["Cache-Control"] = "private, no-cache"
        if matches(wanted, tag):
            del headers["content-length"]
            del headers["content-type"]
            await send({"type": "http.response.start", "status": 304, "headers": headers.raw})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({**start, "headers": headers.raw})
            await send(message)


def matches(header: str, tag: str) -> bool:
    """Whether an If-None-Match header names `tag` (weak comparison, RFC 9110 13.1.2)."""
    given = [part.strip().removeprefix("W/") for part in header.split(",")]
    return "*" in given or tag.removeprefix("W/") in given


def _tagged(start: Message) -> bool:
    return bool(start["status"] == 200 and (b"content-type", b"application/json") in start["headers"])
