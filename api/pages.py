"""Pages of lists by key: a cursor names the last row shown, so that a page stays right while rows come and go."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Depends, Query
from pydantic import Field

from api.models.base import Model
from api.problems import CURSOR, Problem
from compound.timeutil import micros, moment

T = TypeVar("T")
M = TypeVar("M", bound=Model)


class Page(Model, Generic[M]):
    """A page of a list; `next` is the cursor of the following one, null on the last."""

    items: list[M]
    next: str | None = Field(
        None, examples=[None], description="Give it as `cursor` to get the next page; null: this is the last."
    )


class Paging:
    """The page that is asked for, as a dependency: `limit` and `cursor`.

    A cursor is the key of the last row shown, so a page stays right while rows come and go (keyset).
    """

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=1000, description="Most items of the page.")] = 100,
        cursor: Annotated[
            str | None,
            Query(
                pattern=r"^[A-Za-z0-9_-]{1,800}$",
                description="`next` of the page before; leave it out for the first page.",
            ),
        ] = None,
    ) -> None:
        self.limit = limit
        self._cursor = cursor

    def after(self, first: Sequence[Any]) -> tuple[Any, ...]:
        """The key after which the page begins: the cursor's, or `first`, which also tells the key's shape.

        Times in `first` are datetimes. Raises Problem on a cursor of another shape.
        """
        if self._cursor is None:
            return tuple(first)
        try:
            text = base64.urlsafe_b64decode(self._cursor + "=" * (-len(self._cursor) % 4))
            key = msgspec.json.decode(text)
            if not isinstance(key, list) or len(key) != len(first):
                raise ValueError("another shape")
            return tuple(_restore(part, like) for part, like in zip(key, first, strict=True))
        except (binascii.Error, ValueError, TypeError, OverflowError):
            raise Problem(CURSOR, "The cursor is not one that this list gave; start again without it.") from None

    def cut(self, rows: Sequence[T], key: Callable[[T], Sequence[Any]]) -> tuple[Sequence[T], str | None]:
        """The page's rows of `limit` + 1 fetched ones, and the cursor of the next page where there is one."""
        if len(rows) <= self.limit:
            return rows, None
        rows = rows[: self.limit]
        return rows, self.encode(key(rows[-1]))

    @staticmethod
    def encode(key: Sequence[Any]) -> str:
        """The cursor of a key."""
        parts = [micros(part) if isinstance(part, datetime) else part for part in key]
        return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _restore(part: Any, like: Any) -> Any:
    """A part of a cursor's key as the type of `like`. Raises ValueError, OverflowError."""
    if isinstance(like, datetime) and type(part) is int:
        restored = moment(part)
        if not datetime.min.replace(tzinfo=UTC) <= restored <= datetime.max.replace(tzinfo=UTC):
            raise ValueError("time out of range")
        return restored
    if (
        type(part) is not type(like)
        or (isinstance(part, int) and abs(part) >= 2**63)
        or (isinstance(part, str) and "\0" in part)
    ):
        raise ValueError("another type")
    return part


Paged = Annotated[Paging, Depends()]
