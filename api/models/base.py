"""What all answers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


Time = Annotated[
    datetime,
    PlainSerializer(_text, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time in an answer: RFC 3339 in UTC, with Z."""


class Model(BaseModel):
    """Base of all answers. Unknown figures are null, never zero."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    example: ClassVar[dict[str, Any]]
    """What OpenAPI shows of it (FastAPI would drop the nulls of an example in `json_schema_extra`)."""

    @classmethod
    def of(cls, row: Mapping[str, Any], **more: Any) -> Self:
        """The model from a database row whose columns are called as its fields; other columns are left out."""
        wanted = cls.model_fields
        return cls(**{name: value for name, value in row.items() if name in wanted}, **more)

    @classmethod
    def each(cls, rows: Iterable[Mapping[str, Any]]) -> list[Self]:
        """A model for each row."""
        return [cls.of(row) for row in rows]


class NameShown(Model):
    """A name as it is shown to people."""

    zh: str
    en: str


STALE: Final = "The registry changed and the figures are being derived again; they are right once this is false."
Share = Annotated[float, Field(ge=0, le=1)]
"""A share of 1."""
