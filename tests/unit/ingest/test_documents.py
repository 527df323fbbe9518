"""The MQTT contract as it is written down says what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ingest.asyncapi import DOCS, PAYLOADS, document, rewrite, text
from ingest.decoders.schema import CHANNELS
from tests.support.intake import Desk
from tests.unit.ingest.test_formats import DLT, SUN
from tests.unit.ingest.test_native import BAD, GOOD

PAGE = (DOCS / "mqtt-contract.md").read_text(encoding="utf-8")
WRITTEN: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
IDS = {"{site}": "demo", "{device}": "d-1", "{gateway}": "gw-1", "{kind}": "gate"}


def topic_of(name: str) -> str:
    address: str = WRITTEN["channels"][name]["address"]
    for parameter, value in IDS.items():
        address = address.replace(parameter, value)
    return address


def resolve(ref: str) -> Any:
    found: Any = WRITTEN
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from refs(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from refs(inner)


def validator(name: str) -> jsonschema.Draft202012Validator:
    payload = WRITTEN["components"]["messages"][name]["payload"]
    return jsonschema.Draft202012Validator({**payload, "components": WRITTEN["components"]})


def test_the_documents_are_what_the_code_makes():
    again = "make them again: python -m ingest.asyncapi"
    assert (DOCS / "asyncapi.yaml").read_text(encoding="utf-8") == text(), again
    assert rewrite(PAGE) == PAGE, again


def test_every_channel_of_the_code_is_in_the_document():
    addresses = {channel["address"] for channel in WRITTEN["channels"].values()}
    for kind, channel in CHANNELS:
        shared = "{kind}" if channel == "status" else kind
        assert f"compound/v1/{{site}}/{shared}/{{device}}/{channel}" in addresses
    assert len(addresses) == len(PAYLOADS)
    assert set(WRITTEN["channels"]["status"]["parameters"]["kind"]["enum"]) == {kind for kind, _ in CHANNELS}


def test_every_reference_leads_somewhere():
    for ref in refs(WRITTEN):
        resolve(ref)


def test_every_field_of_a_payload_is_in_the_document():
    for payload in set(CHANNELS.values()):
        assert set(WRITTEN["components"]["schemas"][payload.__name__]["properties"]) == set(payload.__struct_fields__)


@pytest.mark.parametrize("name", PAYLOADS)
def test_every_example_is_taken(desk: Desk, name: str):
    examples = WRITTEN["components"]["messages"][name]["examples"]
    assert examples
    for example in examples:
        validator(name).validate(example["payload"])
        assert desk.good(topic_of(name), example["payload"])


def test_every_example_of_the_page_is_taken(desk: Desk):
    parts = re.findall(r"<!-- channel (\S+) -->(.*?)<!-- /channel -->", PAGE, re.DOTALL)
    assert [name for name, _ in parts] == list(PAYLOADS)
    for name, part in parts:
        for block in re.findall(r"```json\n(.*?)\n```", part, re.DOTALL):
            assert desk.good(topic_of(name), json.loads(block))


def test_the_schemas_allow_what_ingest_takes():
    names = {channel["address"]: name for name, channel in document()["channels"].items()}
    for topic, payload in GOOD:
        _, _, _, kind, _, channel = topic.split("/")
        shared = "{kind}" if channel == "status" else kind
        validator(names[f"compound/v1/{{site}}/{shared}/{{device}}/{channel}"]).validate(payload)


def test_the_schemas_refuse_what_types_and_ranges_refuse():
    names = {channel["address"]: name for name, channel in WRITTEN["channels"].items()}
    seen = 0
    for topic, payload, reason in BAD:
        if reason in ("field missing", "field unknown", "wrong type", "out of range") and isinstance(payload, dict):
            _, _, _, kind, _, channel = topic.split("/")
            name = names[f"compound/v1/{{site}}/{kind}/{{device}}/{channel}"]
            assert not validator(name).is_valid(payload), payload
            seen += 1
    assert seen > 8


def test_every_reason_is_explained():
    root = Path(__file__).parents[3] / "ingest"
    used = {
        reason
        for path in root.rglob("*.py")
        for reason in re.findall(r'Malformed\(\s*"([^"]+)"', path.read_text("utf-8"))
    }
    assert len(used) > 10
    for reason in used:
        assert f"`{reason}`" in PAGE, reason


def test_the_formats_topics_are_the_documents():
    assert topic_of("dlt645") == DLT
    assert topic_of("sunspec") == SUN.replace("inv-1", "d-1")
