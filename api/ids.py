"""Ids in requests."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Path

ID: Final = r"^[A-Za-z0-9._-]{1,64}$"


def path_id(what: str, example: str) -> Any:
    """A path parameter that is an id."""
    return Path(pattern=ID, description=what, examples=[example])
