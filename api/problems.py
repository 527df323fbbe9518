"""Errors as RFC 9457 problem details (`application/problem+json`): one catalogue, one shape, one place that answers.

Every problem has a `type` from `CATALOGUE`; its `detail` is a sentence for the person who sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE: Final = "application/problem+json"
PREFIX: Final = "urn:smart-compound:problem:"

log = structlog.get_logger("api")


class Kind(NamedTuple):
    """A kind of problem: the end of its `type`, its HTTP status and its title."""

    slug: str
    status: int
    title: str


INVALID = Kind("invalid-request", 422, "The request does not fit its description.")
RANGE = Kind("bad-range", 400, "The time range can't be answered.")
CURSOR = Kind("bad-cursor", 400, "The cursor is not one of this list.")
BAD = Kind("bad-request", 400, "The request can't be carried out as it is.")
ITEM = Kind("bad-item", 400, "An item can't be registered.")
UNAUTHORIZED = Kind("unauthorized", 401, "The token is missing or wrong.")
NOT_FOUND = Kind("not-found", 404, "There is no such thing.")
METHOD = Kind("method-not-allowed", 405, "The address does not know this method.")
CONFLICT = Kind("conflict", 409, "The present state does not allow it.")
TOO_LARGE = Kind("too-large", 413, "The request is too large.")
WRONG_HOST = Kind("wrong-host", 421, "The request was meant for another host.")
INTERNAL = Kind("internal", 500, "The API made a mistake.")
DATABASE_AWAY = Kind("database-away", 503, "The database can't be reached.")
NOT_MIGRATED = Kind("not-migrated", 503, "The database's schema is not the one this API needs.")
LOG_AWAY = Kind("log-away", 503, "The event log can't be reached.")
TOO_SLOW = Kind("too-slow", 503, "The query took too long.")
BUSY = Kind("busy", 503, "Too many such questions are being worked on.")
FULL = Kind("too-many-streams", 503, "No more live streams are served.")

CATALOGUE: Final = (
    INVALID, RANGE, CURSOR, BAD, ITEM, UNAUTHORIZED, NOT_FOUND, METHOD, CONFLICT, TOO_LARGE, WRONG_HOST, INTERNAL,
    DATABASE_AWAY, NOT_MIGRATED, LOG_AWAY, TOO_SLOW, BUSY, FULL,
)  # fmt: skip


class Problem(Exception):
    """Raise it anywhere below a route: it becomes the answer."""

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra


class Mistake(BaseModel):
    """One field of the request that does not fit."""

    where: str = Field(examples=["query.from"], description="Part of the request and the field in it.")
    message: str = Field(examples=["time without offset"])


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "example": {
                "type": f"{PREFIX}not-found",
                "title": NOT_FOUND.title,
                "status": 404,
                "detail": "meter 'm-999' is not registered.",
                "instance": "/v1/energy/meter/m-999",
            }
        },
    )

    type: str = Field(description="What kind of problem: a urn from the catalogue in docs/api.md.")
    title: str
    status: int
    detail: str
    instance: str
    errors: list[Mistake] = Field([], description="The fields that do not fit (invalid-request only).")


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The response that tells `problem`."""
    kind = problem.kind
    body = {
        "type": PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": request.url.path,
        **problem.extra,
    }
    if kind.status == 503:
        problem.headers.setdefault("Retry-After", "2")
    return JSONResponse(body, status_code=kind.status, headers=problem.headers, media_type=MEDIA_TYPE)


def missing(what: str, name: str, state: str = "registered") -> Problem:
    """The problem that `what` of this `name` does not exist."""
    return Problem(NOT_FOUND, f"{what} {name!r} is not {state}.")


def mistakes(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Pydantic's errors as fields and sentences, without echoing what was sent."""
    return [{"where": ".".join(map(str, error["loc"])), "message": error["msg"]} for error in errors]


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""

    @app.exception_handler(Problem)
    async def told(request: Request, problem: Problem) -> JSONResponse:
        return answer(request, problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = mistakes(error.errors())
        detail = "; ".join(f"{mistake['where']}: {mistake['message']}" for mistake in found[:3])
        return answer(request, Problem(INVALID, f"{detail}.", errors=found))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return answer(request, _from_http(request, error))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", path=request.url.path, exc_info=error)
        return answer(request, Problem(INTERNAL, "Something unexpected happened; the API's log says what."))


_HTTP: Final = {
    400: (BAD, "The body can't be read as JSON."),
    404: (NOT_FOUND, "No route has this address; GET /openapi.json lists them."),
    405: (METHOD, "This address does not know the method."),
    413: (TOO_LARGE, "The body is larger than the API takes."),
}


def _from_http(request: Request, error: HTTPException) -> Problem:
    """Starlette's own errors (unknown route, method…) as problems, with their headers (Allow)."""
    if error.status_code in _HTTP:
        kind, detail = _HTTP[error.status_code]
        return Problem(kind, detail, headers=error.headers)
    return Problem(Kind("bad-request", error.status_code, str(error.detail)), str(error.detail), headers=error.headers)
