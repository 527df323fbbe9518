"""Query parameters that a route does not know are refused: a misspelt filter would answer with other figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from api.problems import INVALID, Problem


def known_parameters(request: Request) -> None:
    """A dependency of all routes. Raises Problem that names what is unknown and what is known."""
    given = request.query_params
    if not given:
        return
    known = names(request.app.openapi(), request.scope["route"].path, request.method)
    for name in given:
        if name not in known:
            _refuse(name, "no such parameter", f"no such parameter; known are {', '.join(known) or 'none'}")
        if len(given.getlist(name)) > 1:
            _refuse(name, "given more than once", "given more than once")


def names(document: Mapping[str, Any], path: str, method: str) -> list[str]:
    """The query parameters of a route, from the OpenAPI document; none where it is not in it."""
    operation = document["paths"].get(path, {}).get(method.lower(), {})
    return [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]


def _refuse(name: str, message: str, detail: str) -> None:
    where = f"query.{name}"[:100]
    raise Problem(INVALID, f"{where}: {detail}.", errors=[{"where": where, "message": message}])
