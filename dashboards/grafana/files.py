"""The provisioning files as Grafana reads them at its start, with variables and secrets put in: what `push` sends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from compound.errors import Mendable

FOLDER: Final = Path(__file__).parent / "provisioning"
BOARDS: Final = Path(__file__).parent / "json"
PASSWORD: Final = "/run/secrets/reader_password"  # noqa: S105 - where it lies
WEBHOOK: Final = "/run/secrets/grafana_webhook_url"

_PART = re.compile(r"\$\$|\$__file\{([^}]*)\}|\$\{(\w+)\}|\$(\w+)")


class PushError(Mendable):
    """Grafana can't be reached or does not take an object; the text is one sentence."""


class Missing(Exception):
    """A variable or secret that a value needs is not given; the text is its name."""


@dataclass(frozen=True)
class Values:
    """What the files ask for: environment variables by name, secrets by the path that Grafana reads them from."""

    variables: Mapping[str, str]
    secrets: Mapping[str, str]

    def into(self, value: Any) -> Any:
        """`value` with all its texts filled in. Raises Missing."""
        if isinstance(value, dict):
            return {key: self.into(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.into(each) for each in value]
        return _PART.sub(self._part, value) if isinstance(value, str) else value

    def _part(self, found: re.Match[str]) -> str:
        path, braced, bare = found.groups()
        if found.group() == "$$":
            return "$"
        name = path or braced or bare
        try:
            return self.secrets[name] if path else self.variables[name]
        except KeyError:
            raise Missing(name) from None


def part(folder: str, name: str) -> list[Any]:
    """The items of all files of a folder under one name, as they are written."""
    found: list[Any] = []
    for path in sorted((FOLDER / folder).glob("*.yaml")):
        found += yaml.safe_load(path.read_text(encoding="utf-8")).get(name, [])
    return found
