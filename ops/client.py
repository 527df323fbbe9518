"""The HTTP API as the commands use it: pages followed, problems as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from compound.errors import Mendable
from compound.settings import load, secret
from ops.where import find


class ApiError(Mendable):
    """The API answered with a problem, or not at all; the text is one sentence."""


class Client:
    """Calls one API; `token_file` as for the API itself (COMPOUND_API_TOKEN_FILE)."""

    def __init__(self, url: str, token_file: Path | None = None, timeout_s: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {secret(token_file)}"} if token_file else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, trust_env=False)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at `path`. Raises ApiError."""
        return self._call("GET", path, params=_clean(params))

    def post(self, path: str, body: Any) -> Any:
        """POST `body` as JSON. Raises ApiError."""
        return self._call("POST", path, json=body)

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """All items of a paged answer."""
        cursor = None
        while True:
            page = self.get(path, **params, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def _call(self, method: str, path: str, **kwargs: Any) -> Any:
        try:
            answer = self._http.request(method, path, **kwargs)
        except httpx.HTTPError as error:
            raise ApiError(f"The API at {self._http.base_url} does not answer ({type(error).__name__}).") from None
        if answer.is_error:
            raise ApiError(_sentence(answer))
        return answer.json()


def of(data: Path) -> Client:
    """The API of the compound of the folder, else of the settings. Raises NotRunning, SettingsError."""
    return Client(find(data).api_url, load().api_token_file)


def _clean(params: dict[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in params.items() if value is not None}


def _sentence(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    text = problem.get("detail") or problem.get("title") or answer.reason_phrase
    return f"The API answers {answer.status_code} to {answer.request.url.path}: {text}"
