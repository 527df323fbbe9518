"""Alerts by webhook: POST of a CloudEvent as JSON (structured mode), with an Idempotency-Key.

Gateways answer HTTP 200 with an error code in the body (DOMAIN, Channels): only an answer that says so is good.
The address may hold a secret, so it is never logged.
"""

from __future__ import annotations

from typing import Any, Final

import httpx
import msgspec
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from processors.alerts.channel import Message, Refused

_CODES: Final = ("errcode", "errno", "err_no", "error_code", "StatusCode", "code")
"""Fields in which gateways say 0 when all is well (WeCom and DingTalk errcode, Feishu StatusCode and code)."""
_SAYS_SO: Final = ("ok", "success")


class WebhookChannel:
    """One address."""

    def __init__(self, url: str, timeout_s: float, transport: httpx.BaseTransport | None = None) -> None:
        """`timeout_s` bounds each step of an attempt; `transport` replaces the network in tests."""
        self._url = url
        self._client = httpx.Client(timeout=timeout_s, transport=transport)
        self._again = Retrying(
            retry=retry_if_exception_type(httpx.ConnectError),
            stop=stop_after_attempt(3),
            wait=wait_random_exponential(multiplier=0.1, max=1),
            reraise=True,
        )

    def send(self, message: Message) -> None:
        """See `Channel.send`. A lost connection is tried again at once; the key makes that harmless."""
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8", "Idempotency-Key": message.key}
        try:
            answer = self._again(self._client.post, self._url, content=message.body, headers=headers)
        except httpx.HTTPError as error:
            raise Refused(f"{type(error).__name__}: no answer") from error
        fault = refusal(answer.status_code, answer.content)
        if fault:
            raise Refused(fault)

    def close(self) -> None:
        self._client.close()


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is no good one; None when it is."""
    if not 200 <= status < 300:
        return f"HTTP {status}"
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # no JSON: the status is all that was said
    if not isinstance(said, dict):
        return None
    for name in _CODES:
        good: tuple[Any, ...] = (0, "0", None, *((200, "200") if name == "code" else ()))
        if name in said and said[name] not in good:
            return f"HTTP {status}, {name} {str(said[name])[:40]}"
    if any(said.get(name) is False for name in _SAYS_SO):
        return f"HTTP {status}, refused in the body"
    return None
