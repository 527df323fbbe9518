"""The description is the code's, complete, and its examples are true to it."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from api import docs
from api.models.base import Model
from api.openapi import TAGS, _models, operations, text
from api.problems import CATALOGUE, MEDIA_TYPE

APP = docs.app()
DOCUMENT: dict[str, Any] = json.loads(text(APP))
OPERATIONS = {operation["operationId"]: operation for operation in operations(DOCUMENT)}


def test_documents_are_current():
    """`python -m api.docs` would change nothing."""
    assert docs.OPENAPI.read_text(encoding="utf-8") == text(APP)
    page = docs.PAGE.read_text(encoding="utf-8")
    assert docs.rewrite(page, APP.openapi()) == page


def test_every_route_and_problem_is_documented():
    page = docs.PAGE.read_text(encoding="utf-8")
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            assert re.search(rf"`{method.upper()} {re.escape(path)}[`?]", page), (method, path)
    for kind in CATALOGUE:
        assert f"`urn:smart-compound:problem:{kind.slug}`" in page


def test_operation_ids_and_tags():
    paths = sum(len(methods) for methods in DOCUMENT["paths"].values())
    assert len(OPERATIONS) == paths
    known = {tag["name"] for tag in TAGS}
    for name, operation in OPERATIONS.items():
        assert set(operation["tags"]) <= known, name
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert operation["description"], name


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_has_examples(name):
    operation = OPERATIONS[name]
    for media, content in operation["responses"]["200"]["content"].items():
        assert "example" in content, media
    body = operation.get("requestBody")
    if body is not None:
        schema = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert "example" in DOCUMENT["components"]["schemas"][schema]
    for parameter in operation.get("parameters", ()):
        required = parameter.get("required", False)
        assert not required or "examples" in parameter["schema"], parameter["name"]
        assert parameter.get("description") or parameter["schema"].get("description"), parameter["name"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_problems_are_the_only_errors(name):
    for status, response in OPERATIONS[name]["responses"].items():
        if status.startswith(("4", "5")) and name != "ready":
            assert set(response["content"]) == {MEDIA_TYPE}, status


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_fit_their_schemas(name):
    for response in OPERATIONS[name]["responses"].values():
        for content in response.get("content", {}).values():
            if "example" in content and "schema" in content:
                _check(content["schema"], content["example"])


PARTS = {"Page", "NameShown", "Check", "SpotNow"}
"""Models that stand only inside others' examples."""
MODELS = {model.__name__: model for model in _models(Model)}


@pytest.mark.parametrize("name", sorted(name for name in MODELS if name[0] != "_" and "[" not in name))
def test_models_have_examples_that_they_accept(name):
    if name in PARTS:
        return
    model = MODELS[name]
    shown = json.loads(model.model_validate(model.example).model_dump_json(by_alias=True))
    assert {key: _normal(shown[key]) for key in model.example} == _normal(model.example)


def test_models_names_are_distinct():
    names = [model.__name__ for model in _models(Model) if "[" not in model.__name__]
    assert len(names) == len(set(names))


def _normal(value: Any) -> Any:
    """Times to the microsecond."""
    if isinstance(value, dict):
        return {key: _normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_normal(inner) for inner in value]
    return re.sub(r"(\.\d{3})Z$", r"\g<1>000Z", value) if isinstance(value, str) else value


def _check(schema: dict[str, Any], example: Any) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(example)
