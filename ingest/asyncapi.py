"""The MQTT contract's documents, made from the payload types: `python -m ingest.asyncapi` writes docs/asyncapi.yaml and
the tables in docs/mqtt-contract.md; a test finds drift.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from ingest.decoders.dlt645 import Gateway, Meter
from ingest.decoders.examples import EXAMPLES
from ingest.decoders.schema import CHANNELS
from ingest.decoders.sunspec import Reading as SunSpecReading

DOCS: Final = Path(__file__).parent.parent / "docs"
KINDS: Final = ("meter", "inverter", "weather", "gate", "parking", "locker")
PAYLOADS: Final[dict[str, tuple[str, type[msgspec.Struct]]]] = {
    **{
        f"{kind}-{channel}": (f"compound/v1/{{site}}/{kind}/{{device}}/{channel}", payload)
        for (kind, channel), payload in CHANNELS.items()
        if channel != "status"
    },
    "status": ("compound/v1/{site}/{kind}/{device}/status", CHANNELS["meter", "status"]),
    "dlt645": ("dlt645/v1/{site}/{gateway}/data", Gateway),
    "sunspec": ("sunspec/v1/{site}/{device}/data", SunSpecReading),
}
"""Name of the channel -> its address and what is sent there."""

_PARAMETERS: Final = {
    "site": {"description": "Id of the site: letters, digits, `.`, `_`, `-`, at most 64."},
    "device": {"description": "Id of the device, as it is registered; same alphabet."},
    "gateway": {"description": "Id of the gateway; same alphabet."},
    "kind": {"description": "Kind of the device.", "enum": list(KINDS)},
}
_INTRODUCTION: Final = (
    "What devices tell the smart compound. QoS 1, MQTT 5 (3.1.1 is accepted). A payload is one JSON object or an array of"
    " them, at most 16 KiB. Rules and meanings: docs/mqtt-contract.md."
)


def document() -> dict[str, Any]:
    """The contract as an AsyncAPI 3.0 document, seen from the platform, which receives."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Smart compound: MQTT contract",
            "version": "1.0.0",
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "embedded": {
                "host": "127.0.0.1:1883",
                "protocol": "mqtt",
                "protocolVersion": "5",
                "description": "The broker of `compound up`, on loopback.",
            }
        },
        "channels": {name: _channel(name, address) for name, (address, _) in PAYLOADS.items()},
        "operations": {
            f"receive-{name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
                "bindings": {"mqtt": {"qos": 1, "retain": name == "status", "bindingVersion": "0.2.0"}},
            }
            for name in PAYLOADS
        },
        "components": {
            "messages": {name: _message(name, payload) for name, (_, payload) in PAYLOADS.items()},
            "schemas": _schemas(),
        },
    }


def _channel(name: str, address: str) -> dict[str, Any]:
    return {
        "address": address,
        "parameters": {each: text for each, text in _PARAMETERS.items() if f"{{{each}}}" in address},
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _message(name: str, payload: type[msgspec.Struct]) -> dict[str, Any]:
    one = {"$ref": f"#/components/schemas/{_name(payload)}"}
    return {
        "name": name,
        "summary": _first_line(payload),
        "payload": one if payload is Gateway else {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]},
        "examples": [{"payload": example} for example in EXAMPLES[name]],
    }


def _schemas() -> dict[str, Any]:
    types = [*{payload for _, payload in PAYLOADS.values()}, Meter]
    _, found = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    # msgspec names a type by its class; the end of a pattern is `$` in ECMA's regular expressions
    text = json.dumps(found).replace('"#/components/schemas/Reading"', '"#/components/schemas/SunSpecReading"')
    schemas: dict[str, Any] = json.loads(text.replace("\\\\Z", "$"))
    schemas["SunSpecReading"] = schemas.pop("Reading")
    schemas["Gateway"]["properties"]["meters"]["items"] = {"$ref": "#/components/schemas/Meter"}
    return dict(sorted(schemas.items()))


def _name(payload: type[msgspec.Struct]) -> str:
    return "SunSpecReading" if payload is SunSpecReading else payload.__name__


def _first_line(payload: type[msgspec.Struct]) -> str:
    return " ".join((payload.__doc__ or "").split())


def section(name: str) -> str:
    """A channel's part of docs/mqtt-contract.md: its fields and its examples."""
    address, payload = PAYLOADS[name]
    schema = _schemas()[_name(payload)]
    rows = [f"`{address}` — {_first_line(payload)}", "", "| field | type | meaning |", "| --- | --- | --- |"]
    for field, said in schema["properties"].items():
        needed = "" if field in schema.get("required", ()) else "?"
        rows.append(f"| `{field}`{needed} | {_type(said)} | {said.get('description', '')} |")
    for example in EXAMPLES[name]:
        rows += ["", "```json", json.dumps(example, ensure_ascii=False), "```"]
    return "\n".join(rows)


def _type(said: dict[str, Any]) -> str:
    """A field's JSON schema in a few words."""
    if "enum" in said:
        return ", ".join(f"`{value}`" for value in said["enum"])
    kind = str(said.get("type", "object"))
    if said.get("format") == "date-time":
        return "time"
    if "minimum" in said:
        upper = {2**63 - 1: "2⁶³ − 1", 2**32 - 1: "2³² − 1"}.get(said["maximum"], str(said["maximum"]))
        return f"{kind} {said['minimum']} to {upper}"
    if "pattern" in said:
        return f"{kind} `{said['pattern']}`"
    return f"{kind}, {said['minLength']} to {said['maxLength']} characters" if "minLength" in said else kind


def text() -> str:
    """The document as YAML."""
    head = "# Made from the code by `python -m ingest.asyncapi`; don't edit.\n"
    plain = json.loads(json.dumps(document()))  # no object stands in it twice, so YAML needs no anchors
    return head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)


def rewrite(page: str) -> str:
    """`page` with the part between `<!-- channel NAME -->` and `<!-- /channel -->` made anew, for every channel."""
    for name in PAYLOADS:
        begin, end = f"<!-- channel {name} -->\n", "\n<!-- /channel -->"
        head, rest = page.split(begin, 1)
        page = head + begin + section(name) + end + rest.split(end, 1)[1]
    return page


def main() -> None:
    """Write both documents."""
    (DOCS / "asyncapi.yaml").write_text(text(), encoding="utf-8")
    page = DOCS / "mqtt-contract.md"
    page.write_text(rewrite(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
