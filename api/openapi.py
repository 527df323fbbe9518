"""The OpenAPI document: what FastAPI makes, with problems instead of its own errors and an example of every answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI

from api.models.base import Model
from api.problems import MEDIA_TYPE, ProblemBody

TITLE: Final = "smart-compound"
VERSION: Final = version("smart-compound")
SUMMARY: Final = "What happens in a compound: energy, quotas, parking, access, parcels, solar, alerts."
DESCRIPTION: Final = (
    "Times are RFC 3339 with an offset; ranges are half-open, `from` included and `to` not. Energy is in integer Wh,"
    " volumes in litres. A figure that is not known is null, never zero. Lists come in keyset pages. Every error is"
    " a problem (RFC 9457, `application/problem+json`)."
)
TAGS: Final = [
    {"name": "registry", "description": "Sites, places, devices and rules, as they hold and held."},
    {"name": "devices", "description": "Devices, their state, their events."},
    {"name": "energy", "description": "Consumption of meters, buildings, departments and sites."},
    {"name": "quotas", "description": "Yearly budgets of departments."},
    {"name": "parking", "description": "Car parks, spots and stays."},
    {"name": "access", "description": "Doors, passages and presence; persons are tokens."},
    {"name": "parcels", "description": "Locker banks, cells and parcels."},
    {"name": "solar", "description": "Yield, performance and states of inverters."},
    {"name": "alerts", "description": "Conditions (facts) and alerts (history), with acknowledgement."},
    {"name": "quarantine", "description": "What could not be read, and its retry."},
    {"name": "operations", "description": "Health, lag, metrics and live changes."},
]
PROBLEMS: Final = {
    "400": "The request is well formed, but can't be answered so (time range, cursor).",
    "401": "A token is set, and it is missing or wrong.",
    "404": "There is no such thing.",
    "422": "The request does not fit its description.",
    "503": "The database or the log is away, or the query took too long.",
}
_METHODS: Final = ("get", "post", "put", "delete", "patch")


def install(app: FastAPI) -> None:
    """Make `app` describe itself by `describe`, once."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe(plain())
        return plain()

    app.openapi = described  # type: ignore[method-assign]


def text(app: FastAPI) -> str:
    """The document as it is checked in (`docs/openapi.json`)."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def describe(document: dict[str, Any]) -> None:
    """Complete FastAPI's document in place."""
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}, {}]
    for model in _models(Model):
        if "example" in vars(model) and model.__name__ in schemas:
            schemas[model.__name__]["example"] = model.example
    for operation in operations(document):
        _complete(operation, schemas)


def _models(parent: type[Model]) -> Iterator[type[Model]]:
    for model in parent.__subclasses__():
        yield model
        yield from _models(model)


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All operations of a document."""
    for path in document["paths"].values():
        for method in _METHODS:
            if method in path:
                yield path[method]


def _complete(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status, description in PROBLEMS.items():
        declared = operation["responses"].get(status, {})
        if MEDIA_TYPE not in declared.get("content", {}):
            operation["responses"][status] = {"description": description, "content": {MEDIA_TYPE: reference}}
    for status, response in operation["responses"].items():
        media = response.get("content", {}).get("application/json")
        if status.startswith("2") and media is not None and "example" not in media:
            example = example_of(media.get("schema", {}), schemas)
            if example is not None:
                media["example"] = example
    for parameter in operation.get("parameters", []):
        _never_null(parameter)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _never_null(parameter: dict[str, Any]) -> None:
    """A parameter that may be left out is not null: a URL has no null."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        parameter["schema"] = {**kinds[0], **schema}


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The example of a model; of a page or a list, the example of its items. None where there is none."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if "example" in schema:
        return schema["example"]
    if schema.get("type") == "array":
        item = example_of(schema["items"], schemas)
        return None if item is None else [item]
    properties = schema.get("properties", {})
    if set(properties) == {"items", "next"}:
        items = example_of(properties["items"], schemas)
        return None if items is None else {"items": items, "next": None}
    return None
